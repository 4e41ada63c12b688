//! `config check` and `watch` refuse the same configurations, for the same reason and with the same code.

use crate::command::{finished, text};
use crate::watch::Station;

const SINK: &str = "type = 'webhook'\nurl = 'https://hooks.example.com/'\n";

#[test]
fn what_one_refuses_the_other_refuses_too() {
    let station = Station::empty();
    let (config, good) = (station.path("c.toml"), station.path("good"));
    std::fs::create_dir(&good).unwrap();
    let watch = |more: &str| format!("[watch]\nsource = ['{}']\n{more}", text(&good));
    let sink = |more: &str| format!("{SINK}{more}\n[[routes]]\nsinks = ['hook']\n");
    std::fs::write(station.path("half.yml"), "- rule: x\n").unwrap();
    std::fs::write(station.path("keys.json"), "{").unwrap();
    std::fs::write(station.path("plain"), "x").unwrap();
    let file = |name: &str| text(&station.path(name)).to_owned();
    for (text, reason) in [
        (String::new(), "nothing to watch"),
        ("[watch]\nsource = []\n".to_owned(), "nothing to watch"),
        ("[watch]\nsource = ['sqs://a', 'sqs://b']\n".to_owned(), "one queue a process"),
        ("[watch]\nsource = ['-']\n".to_owned(), "standard input ends"),
        ("[watch]\nsource = ['/nowhere/at/all']\n".to_owned(), "/nowhere/at/all"),
        ("[watch]\nsorce = ['x']\n".to_owned(), "did you mean `source`?"),
        (watch("[metrics]\nlisten = '0.0.0.0:9464'\n"), "on this machine only"),
        (watch("verify_digests = true\npublic_keys = '/nowhere/keys.json'\n"), "/nowhere/keys.json"),
        (watch(&format!("verify_digests = true\npublic_keys = '{}'\n", file("keys.json"))), "keys.json"),
        (watch("public_keys = '/nowhere/keys.json'\n"), "--verify-digests"),
        (watch("suppress = ['/nowhere/known.yml']\n"), "/nowhere/known.yml"),
        (watch(&format!("suppress = ['{}']\n", file("half.yml"))), "suppressions cannot be used"),
        (watch("[rules]\nfolders = ['/nowhere/rules']\n"), "/nowhere/rules"),
        (watch("[rules]\nlists = { admins = '/nowhere/admins.txt' }\n"), "/nowhere/admins.txt"),
        (watch(&format!("[sinks.hook]\n{}", sink("secret = { env = 'NO_SUCH_SECRET' }"))), "NO_SUCH_SECRET"),
        (watch(&format!("[sinks.hook]\n{}", sink("bearer = { file = '/nowhere/token' }"))), "/nowhere/token"),
        (watch("[[routes]]\nsinks = ['hook']\n"), "there are no sinks"),
        (watch("commit_rows = 0\n"), "at least 1"),
        (watch(&format!("[sinks.hook]\n{}", sink("").replace("hooks.example.com", "169.254.169.254"))), "never called"),
        (watch(&format!("[sinks.hook]\n{}", sink("").replace("hooks.example.com", "10.0.0.1"))), "allow_addresses"),
        (
            watch("[sinks.hook]\ntype = 'file'\npath = '/nowhere/a'\n[[routes]]\nsinks = ['hook']\n"),
            "/nowhere: there is no",
        ),
        (
            watch(&format!("[sinks.hook]\n{}rules = ['root-consle-login']\n", sink(""))),
            "did you mean `root-console-login`?",
        ),
        (watch(&format!("[sinks.hook]\n{}rules = ['no-such-*']\n", sink(""))), "route 1: there is no rule `no-such-*`"),
        (watch("[[account]]\nname = 'x'\nplaces = ['./logs']\n"), "a place is"),
    ] {
        std::fs::write(&config, &text).unwrap();
        let lake = station.path("lake");
        let outbox = station.path("outbox");
        let watch = ["watch", "--config", self::text(&config), "--once", "--lake", self::text(&lake)];
        let watched = crate::command::trailhound(&[&watch[..], &["--outbox", self::text(&outbox)]].concat());
        let checked = crate::command::trailhound(&["config", "check", self::text(&config)]);
        assert!(matches!(watched.code, 2 | 5) && watched.stderr.contains(reason), "{text}: {}", watched.stderr);
        assert_eq!(checked.code, watched.code, "{text}: {}{}", checked.stderr, checked.stdout);
        assert!(checked.stderr.contains(reason), "{text}: {}", checked.stderr);
        // Nothing is made for what cannot begin.
        assert!(!lake.exists() && !outbox.exists(), "{text}");
    }
    // Places that are files, where flags do not say otherwise.
    for (section, what) in [("lake]\nplace", "a lake is a folder"), ("delivery]\noutbox", "an outbox is a folder")] {
        let place = format!("[{section} = '{}'\n", file("plain"));
        std::fs::write(&config, watch(&format!("{place}[sinks.hook]\n{}", sink("")))).unwrap();
        for args in [["config", "check", text(&config)].as_slice(), &["watch", "--once", "--config", text(&config)]] {
            let run = crate::command::trailhound(args);
            assert!(run.code == 2 && run.stderr.contains(what), "{args:?}: {}", run.stderr);
        }
    }
    // A file for `--deliver` is checked as one.
    std::fs::write(&config, format!("[sinks.hook]\n{}", sink(""))).unwrap();
    let run = crate::command::trailhound(&["config", "check", text(&config)]);
    assert!(run.code == 0 && run.stderr.contains("--deliver"), "{}", run.stderr);
    std::fs::write(&config, format!("[sinks.hook]\n{}rules = ['nothing-*']\n", sink(""))).unwrap();
    assert_eq!(crate::command::trailhound(&["config", "check", text(&config)]).code, 2);
    // What one takes the other takes: with the variable, the secret is there.
    std::fs::write(&config, watch(&format!("[sinks.hook]\n{}", sink("secret = { env = 'SUCH_A_SECRET' }")))).unwrap();
    for args in [["config", "check", text(&config)].as_slice(), &["watch", "--once", "--config", text(&config)]] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_trailhound"));
        command.args(args).env("SUCH_A_SECRET", "x").current_dir(station.path("good").parent().unwrap());
        let run = finished(command.output().unwrap());
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
    }
}
