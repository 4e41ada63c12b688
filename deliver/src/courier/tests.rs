//! Lanes against a server that answers as real ones do on a bad day; [`room`]: against a disk that does.

#![allow(clippy::unwrap_used)]

mod room;

use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use alerts::Severity;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

use super::server::{Reply, Server};
use super::*;
use crate::desk::Desk;
use crate::outbox::memory::Memory;
use crate::outbox::{Folder, Limits, Listed};
use crate::samples::{about, alert};

const LONG: Duration = Duration::from_secs(60);

struct Bench {
    desk: Desk,
    outbox: Arc<Outbox>,
    courier: Courier,
    stdout: Arc<Mutex<Vec<u8>>>,
}

fn bench_on(config: &str, outbox: Outbox) -> Bench {
    let config = Arc::new(Config::parse(config).unwrap());
    let outbox = Arc::new(outbox);
    let stdout: Arc<Mutex<Vec<u8>>> = Arc::default();
    let credentials = SharedCredentialsProvider::new(Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"));
    let outside = Outside { stdout: stdout.clone(), credentials: Some(credentials) };
    let courier = Courier::open(&config, outbox.clone(), &outside).unwrap();
    Bench { desk: Desk::new(config, outbox.clone()), outbox, courier, stdout }
}

fn bench(config: &str) -> Bench {
    bench_on(config, Outbox::open(Box::new(Memory::default()), Limits::default()).unwrap())
}

/// A webhook to the server, quick to try again.
fn hook(server: &Server, more: &str) -> String {
    format!(
        "[sinks.hook]\ntype = 'webhook'\nurl = '{}'\nallow_addresses = ['127.0.0.1/32']\nretry_base = '5ms'\nretry_max = '20ms'\n{more}\n
         [[routes]]\nsinks = ['hook']\n",
        server.url("/hook")
    )
}

/// Alerts as they are told: now, so that none is too old.
fn fresh(fingerprint: &str) -> alerts::Alert {
    alerts::Alert { time: Some(now()), last_time: Some(now()), ..alert(fingerprint) }
}

fn listed(bench: &Bench) -> Vec<Listed> {
    bench.outbox.list(now())
}

fn keys(server: &Server) -> Vec<String> {
    server.requests().iter().map(|request| request.key()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_arrives_once_signed() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    std::fs::write(&secret, "key\n").unwrap();
    let server = Server::start(|_, _| Reply::Status(204, "", ""));
    let bench =
        bench(&hook(&server, &format!("secret = {{ file = '{}' }}\nbearer = {{ file = '{0}' }}", secret.display())));
    bench.desk.accept(&[fresh("one")], now()).unwrap();
    let drained = bench.courier.drain(LONG).await.unwrap();
    assert_eq!(drained, Drained { sent: 1, ..Drained::default() });
    assert_eq!(bench.courier.drain(LONG).await.unwrap().sent, 0);
    let requests = server.requests();
    let request = &requests[0];
    assert_eq!((requests.len(), request.path.as_str()), (1, "/hook"));
    assert_eq!(request.headers["authorization"], "Bearer key");
    assert_eq!(request.json()["key"], request.key());
    assert_eq!(request.json()["alerts"][0]["fingerprint"], "one");
    // As a receiver checks it.
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(b"key").unwrap();
    mac.update(format!("{}.{}", request.headers["x-signature-timestamp"], request.body).as_bytes());
    let expected: String = mac.finalize().into_bytes().iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(request.headers["x-signature-256"], format!("sha256={expected}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_sent_again_with_the_same_key() {
    let bad_day = [
        Reply::Status(500, "", "oops"),
        Reply::Status(503, "retry-after: 0\r\n", ""),
        Reply::Status(429, "retry-after: 1\r\n", ""),
        Reply::Reset,
        Reply::Hang,
    ];
    for reply in bad_day {
        let bad = reply.clone();
        let server = Server::start(move |number, _| if number < 2 { bad.clone() } else { Reply::Status(200, "", "") });
        let bench = bench(&hook(&server, "timeout = '300ms'"));
        bench.desk.accept(&[fresh("one")], now()).unwrap();
        let drained = bench.courier.drain(LONG).await.unwrap();
        // A reset connection may be tried again by the client itself, which is another request with the same key.
        assert_eq!((drained.sent, drained.pending, drained.dead), (1, 0, 0), "{reply:?}");
        let keys = keys(&server);
        assert!(keys.len() >= 3, "{reply:?}: {}", keys.len());
        assert!(keys.iter().all(|key| key == &keys[0] && key.len() == 32), "{reply:?}");
        let bodies: Vec<String> = server.requests().into_iter().map(|request| request.body).collect();
        assert!(bodies.iter().all(|body| body == &bodies[0]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_says_when_is_taken_at_its_word() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Status(429, "retry-after: 3600\r\n", ""),
        _ => Reply::Status(200, "", ""),
    });
    let bench = bench(&hook(&server, ""));
    bench.desk.accept(&[fresh("one")], now()).unwrap();
    let mut other = fresh("two");
    other.principal = "somebody else".to_owned();
    bench.desk.accept(&[other], now()).unwrap();
    let drained = bench.courier.drain(Duration::from_millis(600)).await.unwrap();
    // The other message waits as well: the sink asked to be left alone.
    assert_eq!((drained.sent, drained.failed, server.requests().len()), (0, 1, 1));
    assert_eq!(drained.pending, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let inside = Server::start(|_, _| Reply::Status(200, "", "credentials"));
    let location: &'static str =
        Box::leak(format!("location: {}\r\n", inside.url("/latest/meta-data")).into_boxed_str());
    for status in [301, 302, 303, 307, 308] {
        let server = Server::start(move |_, _| Reply::Status(status, location, ""));
        let bench = bench(&hook(&server, ""));
        bench.desk.accept(&[fresh("one")], now()).unwrap();
        assert_eq!(bench.courier.drain(LONG).await.unwrap().died, 1);
        assert!(listed(&bench)[0].error.as_ref().unwrap().contains("redirects are not followed"));
        assert_eq!((server.requests().len(), inside.requests().len()), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_inside_are_refused_after_the_name_is_resolved() {
    let server = Server::start(|_, _| Reply::Status(200, "", ""));
    let port = server.url("").rsplit(':').next().unwrap().to_owned();
    let at = |host: &str| {
        format!("[sinks.hook]\ntype = 'webhook'\nurl = 'https://{host}:{port}/'\n[[routes]]\nsinks = ['hook']\n")
    };
    // What is written out as an address is refused before anything waits for it.
    for host in ["127.0.0.1", "[::1]", "169.254.169.254", "2852039166"] {
        let config = Config::parse(&at(host)).unwrap();
        let outside = Outside { stdout: Arc::new(Mutex::new(Vec::new())), credentials: None };
        let error = Courier::check(&config, &outside).unwrap_err().to_string();
        assert!(error.contains("is not public") || error.contains("is never called"), "{host}: {error}");
    }
    for host in ["localhost"] {
        let bench = bench(&at(host));
        bench.desk.accept(&[fresh("one")], now()).unwrap();
        assert_eq!(bench.courier.drain(LONG).await.unwrap().died, 1, "{host}");
        let error = listed(&bench)[0].error.clone().unwrap();
        assert!(error.contains("is not public") || error.contains("is never called"), "{host}: {error}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_hangs_holds_up_nobody_else() {
    let (dead, alive) = (Server::start(|_, _| Reply::Hang), Server::start(|_, _| Reply::Status(200, "", "")));
    let sink = |name: &str, server: &Server| {
        format!(
            "[sinks.{name}]\ntype = 'webhook'\nurl = '{}'\nallow_addresses = ['127.0.0.1/32']\ntimeout = '1h'\n",
            server.url("/")
        )
    };
    let config = format!("{}{}[[routes]]\nsinks = ['dead', 'alive']\n", sink("dead", &dead), sink("alive", &alive));
    let bench = bench(&config);
    for number in 0..15 {
        let alert = alerts::Alert { principal: number.to_string(), ..fresh(&number.to_string()) };
        bench.desk.accept(&[alert], now()).unwrap();
    }
    let (outbox, courier) = (bench.outbox, bench.courier);
    let running = tokio::spawn(async move { courier.run(std::future::pending()).await });
    while alive.requests().len() < 15 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(outbox.counts(now())["dead"].get(&Standing::Pending), Some(&15));
    assert!(dead.requests().len() <= 1);
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dead_are_kept_and_can_be_replayed() {
    let server = Server::start(|number, _| match number {
        0 => Reply::Status(400, "", "no such <channel>\u{1b}[2J"),
        _ => Reply::Status(200, "", ""),
    });
    let bench = bench(&hook(&server, ""));
    bench.desk.accept(&[fresh("one")], now()).unwrap();
    assert_eq!(bench.courier.drain(LONG).await.unwrap(), Drained { died: 1, dead: 1, ..Drained::default() });
    let dead = listed(&bench);
    assert_eq!((dead[0].state, dead[0].attempts), (Standing::Dead, 1));
    assert_eq!(dead[0].error.as_deref(), Some("HTTP 400: no such <channel>\\u{1b}[2J"));
    assert_eq!(bench.outbox.replay(Some("nobody"), None, now()).unwrap(), 0);
    assert_eq!(bench.outbox.replay(Some("hook"), Some(&dead[0].key[..8]), now()).unwrap(), 1);
    assert_eq!(bench.courier.drain(LONG).await.unwrap().sent, 1);
    assert_eq!(keys(&server), [dead[0].key.clone(), dead[0].key.clone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn patience_ends() {
    let server = Server::start(|_, _| Reply::Status(500, "", ""));
    let bench = bench(&hook(&server, "give_up_after = '50ms'"));
    bench.desk.accept(&[fresh("one")], now()).unwrap();
    let drained = bench.courier.drain(LONG).await.unwrap();
    assert_eq!((drained.died, drained.dead, drained.pending), (1, 1, 0));
    assert!(listed(&bench)[0].error.as_ref().unwrap().starts_with("given up after"));
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_go_out_as_they_come() {
    let server = Server::start(|_, _| Reply::Status(200, "", ""));
    let bench = bench(&hook(&server, ""));
    let (done, stop) = tokio::sync::oneshot::channel::<()>();
    let (courier, desk) = (bench.courier, bench.desk);
    let running = tokio::spawn(async move { courier.run(async { drop(stop.await) }).await });
    for number in 0..3_usize {
        let alert = alerts::Alert { principal: number.to_string(), ..fresh(&number.to_string()) };
        desk.accept(&[alert], now()).unwrap();
        while server.requests().len() <= number {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    done.send(()).unwrap();
    running.await.unwrap().unwrap();
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_go_to_standard_output_and_to_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("alerts.jsonl");
    let config = format!(
        "[sinks.out]\ntype = 'stdout'\n[sinks.file]\ntype = 'file'\npath = '{}'\n[[routes]]\nsinks = ['out', 'file']\n",
        file.display()
    );
    let bench = bench(&config);
    bench.desk.accept(&[fresh("one"), fresh("two")], now()).unwrap();
    assert_eq!(bench.courier.drain(LONG).await.unwrap().sent, 2);
    let out = String::from_utf8(bench.stdout.lock().unwrap().clone()).unwrap();
    for text in [out, std::fs::read_to_string(&file).unwrap()] {
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.iter().map(|line| line["fingerprint"].as_str().unwrap()).collect::<Vec<_>>(), ["one", "two"]);
        assert!(!text.contains('\u{202e}'));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn aws_is_signed_and_its_partial_failures_are_seen() {
    let server = Server::start(|_, request| match (request.path.as_str(), request.headers.get("x-amz-target")) {
        ("/hub/findings/import", _) => Reply::Status(200, "", r#"{"FailedCount":0,"SuccessCount":1}"#),
        (_, Some(_)) => Reply::Status(200, "", r#"{"FailedEntryCount":1,"Entries":[{"ErrorCode":"MalformedDetail"}]}"#),
        _ => Reply::Status(200, "", "<PublishResponse/>"),
    });
    let common = format!("allow_addresses = ['127.0.0.1/32']\nendpoint_url = '{}'\n", server.url("/"));
    let config = format!(
        "[sinks.sns]\ntype = 'sns'\ntopic_arn = 'arn:aws:sns:eu-central-1:111122223333:t'\n{common}
         [sinks.bus]\ntype = 'eventbridge'\nregion = 'eu-central-1'\n{common}
         [sinks.hub]\ntype = 'securityhub'\nregion = 'eu-central-1'\naccount = '111122223333'\n{}
         [[routes]]\nsinks = ['sns', 'bus', 'hub']\n",
        common.replace("/'\n", "/hub'\n")
    );
    let bench = bench(&config);
    bench.desk.accept(&[fresh("one")], now()).unwrap();
    let drained = bench.courier.drain(LONG).await.unwrap();
    assert_eq!((drained.sent, drained.died), (2, 1), "{:?}", listed(&bench));
    for request in server.requests() {
        let authorization = &request.headers["authorization"];
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"), "{authorization}");
        assert!(request.headers.contains_key("x-amz-date"));
    }
    let publish = server.requests().into_iter().find(|request| request.body.starts_with("Action=Publish")).unwrap();
    for name in ["key", "rule", "severity"] {
        assert!(publish.body.contains(&format!(".Name={name}&MessageAttributes.entry.")), "{}", publish.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_sent_and_never_kept() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("key");
    std::fs::write(&secret, "hunter2hunter2").unwrap();
    let server = Server::start(|_, _| Reply::Status(400, "", "hunter2hunter2 is no key of ours"));
    let config = format!(
        "[sinks.page]\ntype = 'pagerduty'\nurl = '{}'\nrouting_key = {{ file = '{}' }}\nallow_addresses = ['127.0.0.1/32']\n[[routes]]\nsinks = ['page']\n",
        server.url("/v2/enqueue"),
        secret.display()
    );
    let place = dir.path().join("outbox");
    let bench = bench_on(&config, Outbox::open(Box::new(Folder::open(&place).unwrap()), Limits::default()).unwrap());
    bench.desk.accept(&[fresh("one")], now()).unwrap();
    bench.courier.drain(LONG).await.unwrap();
    assert_eq!(server.requests()[0].json()["routing_key"], "hunter2hunter2");
    assert!(!contents(&place).contains("hunter2"));
}

fn contents(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("outbox.jsonl")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_was_cut_is_not_glued_to_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("told");
    std::fs::write(&place, "{\"half\":").unwrap();
    let config = format!("[sinks.file]\ntype = 'file'\npath = '{}'\n[[routes]]\nsinks = ['file']\n", place.display());
    let bench = bench(&config);
    for name in ["one", "two"] {
        bench.desk.accept(&[about(name, "r", name, Severity::High)], now()).unwrap();
        bench.courier.drain(LONG).await.unwrap();
    }
    let text = std::fs::read_to_string(&place).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "{\"half\":"), "{text}");
    assert!(lines[1..].iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{text}");
}

#[test]
fn what_cannot_be_opened_is_named() {
    let config = Config::parse(
        "[sinks.page]\ntype = 'pagerduty'\nrouting_key = { env = 'TRAILHOUND_NO_SUCH' }\n[[routes]]\nsinks = ['page']\n",
    )
    .unwrap();
    let outbox = Arc::new(Outbox::open(Box::new(Memory::default()), Limits::default()).unwrap());
    let stdout: Arc<Mutex<dyn Write + Send>> = Arc::new(Mutex::new(Vec::new()));
    let error = Courier::open(&config, outbox, &Outside { stdout, credentials: None }).err().unwrap().to_string();
    assert!(error.contains("[sinks.page]") && error.contains("TRAILHOUND_NO_SUCH"), "{error}");
}
