//! Live and in a batch the same events and rules give the same alerts.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Station, deliver, log_files};
use crate::command::text;
use crate::lake::trail;
use crate::shared;

/// What does not depend on when it was told.
fn said(alert: &Value, lists: bool) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let mut fields = vec!["rule", "severity", "time", "last_time", "count", "principal", "account"];
    if lists {
        fields.push("event_ids");
    }
    fields.iter().map(|field| one(&alert[field]).trim_matches('"').to_owned()).collect()
}

/// Files come in four parts to processes that are killed, and to one that may end.
fn compare(station: &Station) {
    let (logs, inbox) = (station.world.logs(), station.path("inbox"));
    std::fs::create_dir(&inbox).unwrap();
    let files = log_files(&logs);
    let mut came = 0;
    for part in files.chunks(files.len().div_ceil(4)) {
        deliver(part, &logs, &inbox);
        came += part.len();
        let service = station.service(text(&inbox), &[]);
        let sql = "SELECT count(*) AS n FROM objects";
        service.until("the rows of a part", |service| service.figure("trailhound_commits_total", "") > 0.0);
        service.until("a part", |_| station.query(sql)[0]["n"].as_u64().unwrap() as usize >= came);
        // Dropped, which kills it: the next one goes on from what stands.
    }
    let run = station.once(text(&inbox), None);
    assert_eq!(run.code, 0, "{}", run.stderr);
    station.assert_whole(&inbox, "four parts");
    let (batch, table) = (station.batch(&inbox), station.table());
    assert!(!batch.is_empty());
    for (print, alert) in &batch {
        assert_eq!(said(&table[print], true), said(alert, true), "{print}: {}\n{alert}", table[print]);
    }
    // And rule by rule what a backtest counts.
    let flags: Vec<&str> = station.flags.iter().map(String::as_str).collect();
    let args = ["alerts", text(&inbox), "--backtest", "--output", "json"];
    let backtest = crate::command::trailhound(&[&args[..], flags.as_slice()].concat());
    let rules = backtest.json()["rules"].as_array().unwrap().clone();
    let counted = rules.iter().map(|rule| (rule["rule"].to_string(), rule["alerts"].as_u64().unwrap()));
    let mut live: BTreeMap<String, u64> = BTreeMap::new();
    table.values().for_each(|row| *live.entry(row["rule"].to_string()).or_default() += 1);
    assert_eq!(live, counted.collect(), "{}", backtest.stderr);
}

#[test]
fn the_whole_pack() {
    let station = Station::with_trail(1_200, 3);
    compare(&station);
}

#[test]
fn the_public_rules() {
    let Some(rules) = shared::data("sigma/sigmahq/rules") else { return };
    let mut station = Station::with_trail(600, 5);
    station.flags = vec!["--rules".to_owned(), text(&rules).to_owned(), "--no-shipped-rules".to_owned()];
    compare(&station);
}

/// Old alerts are one digest to a sink that wakes people, and each one to a sink that keeps records.
#[test]
fn old_news_wakes_nobody() {
    let station = Station::empty();
    trail::made_up(&station.world.logs(), 200, 9);
    let chat = crate::hook::Hook::start(|_| 200);
    let wakes = format!(
        "{}[sinks.chat]\ntype = 'slack'\nurl = 'http://127.0.0.1:{}/'\nallow_addresses = ['127.0.0.1/32']\n[[routes]]\nsinks = ['chat']\n",
        station.hook.sinks(),
        chat.port
    );
    std::fs::write(station.path("delivery.toml"), wakes).unwrap();
    let logs = station.world.logs();
    let run = station.once(text(&logs), None);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let told = station.hook.told().len();
    assert!(told > 5 && chat.bodies().len() == 1, "{told} alerts, {:?}", chat.bodies().len());
    // All of it is news to whoever says so.
    let news = Station::empty();
    std::fs::write(news.path("delivery.toml"), std::fs::read(station.path("delivery.toml")).unwrap()).unwrap();
    let rate = "rate_per_minute = 60000\nburst = 1000\n";
    let config = std::fs::read_to_string(news.path("delivery.toml")).unwrap();
    let config = config.replace("type = 'slack'\n", &format!("type = 'slack'\n{rate}"));
    std::fs::write(news.path("delivery.toml"), config).unwrap();
    let mut command = news.command(text(&logs), &["--once", "--page-within", "3650d"]);
    let run = crate::command::finished(command.output().unwrap());
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(chat.bodies().len() > 5, "{:?}", chat.bodies().len());
}
