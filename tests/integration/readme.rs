//! README stays one page, and what it tells people to type works.

use crate::command::trailhound;

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap()
}

#[test]
fn it_is_one_page() {
    assert!(readme().lines().count() <= 110, "{} lines", readme().lines().count());
}

#[test]
fn its_paths_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for page in ["README.md", "ARCHITECTURE.md", "docs/README.md"] {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        for word in text.split('`').skip(1).step_by(2) {
            let folder = ["src/", "ingest/", "query/", "access/", "alerts/", "deliver/", "tests/", "benches/", "docs/"];
            let path = word.split([' ', '{', '*']).next().unwrap();
            if folder.iter().any(|folder| path.starts_with(folder)) {
                assert!(root.join(path).exists(), "{page} names {path}, which is not there");
            }
        }
    }
}

/// Every line of README that begins with `trailhound ` runs, on a sample, as it stands there.
#[test]
fn its_commands_work() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("sample");
    let out = out.to_str().unwrap();
    let run = trailhound(&["sample", "--events", "5000", "--days", "130", "--out", out]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let grants = std::fs::read_dir(format!("{out}/iam")).unwrap().next().unwrap().unwrap().path();
    let delivery = dir.path().join("delivery.toml");
    let outbox = dir.path().join("outbox");
    let config = format!(
        "[delivery]\noutbox = '{}'\n[sinks.log]\ntype = 'stdout'\n[[routes]]\nsinks = ['log']\n",
        outbox.display()
    );
    std::fs::write(&delivery, config).unwrap();
    let mut commands = 0;
    for line in readme().lines().map(str::trim).filter(|line| line.starts_with("trailhound ")) {
        let words = shell_words(line.split(" # ").next().unwrap());
        if words.iter().any(|word| word == "demo" || word == "sample") {
            continue;
        }
        let words: Vec<String> = words
            .into_iter()
            .skip(1)
            .map(|word| match word.as_str() {
                "./logs" => format!("{out}/AWSLogs"),
                "grants.json" => grants.to_str().unwrap().to_owned(),
                "delivery.toml" => delivery.to_str().unwrap().to_owned(),
                _ => word,
            })
            .collect();
        let run = trailhound(&words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(matches!(run.code, 0 | 1), "{line}: {} {}", run.code, run.stderr);
        assert!(!run.stdout.is_empty(), "{line}");
        commands += 1;
    }
    assert!(commands >= 4, "{commands}");
}

/// Words of a command line with single and double quotes.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut open) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            Some(_) => word.push(c),
            None if c == '\'' || c == '"' => (quote, open) = (Some(c), true),
            None if c.is_whitespace() => {
                if open || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                open = false;
            }
            None => word.push(c),
        }
    }
    if open || !word.is_empty() {
        words.push(word);
    }
    words
}
