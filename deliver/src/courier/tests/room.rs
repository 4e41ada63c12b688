//! An outbox without room: a write that fails, a full disk, a sink that fills it.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn an_outbox_that_cannot_note_what_was_sent_stops_the_sending() {
    let disk: Arc<Mutex<crate::outbox::memory::Disk>> = Arc::default();
    let server = Server::start(|_, _| Reply::Status(200, "", ""));
    let outbox = Outbox::open(Box::new(Memory(disk.clone())), Limits::default()).unwrap();
    let bench = bench_on(&hook(&server, ""), outbox);
    let alerts: Vec<_> = (0..5)
        .map(|n| alerts::Alert {
            time: None,
            last_time: None,
            ..about(&n.to_string(), "r", &n.to_string(), Severity::High)
        })
        .collect();
    bench.desk.accept(&alerts, now()).unwrap();
    disk.lock().unwrap().left = Some(1);
    assert!(bench.courier.drain(LONG).await.is_err());
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_waited_for_and_nothing_is_sent_twice() {
    let disk: Arc<Mutex<crate::outbox::memory::Disk>> = Arc::default();
    let server = Server::start(|_, _| Reply::Status(200, "", ""));
    let outbox = Outbox::open(Box::new(Memory(disk.clone())), Limits::default()).unwrap();
    let Bench { desk, courier, outbox, .. } = bench_on(&hook(&server, ""), outbox);
    let alerts: Vec<_> = (0..5)
        .map(|n| alerts::Alert {
            time: None,
            last_time: None,
            ..about(&n.to_string(), "r", &n.to_string(), Severity::High)
        })
        .collect();
    desk.accept(&alerts, now()).unwrap();
    disk.lock().unwrap().full = true;
    let courier = Arc::new(courier);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn({
        let courier = courier.clone();
        async move {
            let stopped = async {
                let _ = stopped.await;
            };
            courier.run(stopped).await
        }
    });
    while courier.trouble().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(courier.trouble().unwrap().contains("outbox memory"), "{:?}", courier.trouble());
    disk.lock().unwrap().full = false;
    while outbox.is_busy("hook", now()) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(courier.trouble(), None);
    let _ = stop.send(());
    running.await.unwrap().unwrap();
    let mut keys = keys(&server);
    keys.sort();
    keys.dedup();
    assert_eq!((keys.len(), server.requests().len()), (5, 5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_refuses_everything_leaves_room_for_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("told");
    let server = Server::start(|_, _| Reply::Status(400, "", "no"));
    let config = format!(
        "[sinks.hook]\ntype = 'webhook'\nurl = '{}'\nallow_addresses = ['127.0.0.1/32']\nrate_per_minute = 600000\nburst = 10000\n\
         [sinks.file]\ntype = 'file'\npath = '{}'\nrate_per_minute = 600000\nburst = 10000\n[[routes]]\nsinks = ['hook', 'file']\n",
        server.url("/hook"),
        place.display()
    );
    let limits = Limits { bytes: 200_000, ..Limits::default() };
    let bench = bench_on(&config, Outbox::open(Box::new(Memory::default()), limits).unwrap());
    let about = |turn: usize, n: usize| alerts::Alert {
        time: None,
        last_time: None,
        ..about(&format!("{turn}/{n}"), "r", &format!("{turn}/{n}"), Severity::High)
    };
    for turn in 0..40 {
        let alerts: Vec<_> = (0..10).map(|n| about(turn, n)).collect();
        bench.desk.accept(&alerts, now()).unwrap();
        bench.courier.drain(LONG).await.unwrap();
    }
    assert_eq!(std::fs::read_to_string(&place).unwrap().lines().count(), 400);
    // Of what was refused there is as much as leaves room, and the latest is there.
    let dead: Vec<Listed> = listed(&bench).into_iter().filter(|listed| listed.sink == "hook").collect();
    assert!(!dead.is_empty() && dead.len() < 100, "{}", dead.len());
}
