//! A folder of logs as CloudTrail names them: files of other days than the question's are not opened.

use serde_json::json;

use crate::command::{text, trailhound};

/// A folder with one good file a day, and one of another year that is no log at all.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let write = |day: &str, name: &str, content: &str| {
        let folder = dir.path().join(format!("AWSLogs/111122223333/CloudTrail/us-east-1/{day}"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), content).unwrap();
    };
    for (day, time, id) in [
        ("2017/03/01", "2017-03-01T10:00:00Z", "a"),
        // Delivered after midnight, and a week late.
        ("2017/03/02", "2017-03-01T23:59:00Z", "b"),
        ("2017/03/09", "2017-03-01T12:00:00Z", "c"),
        ("2019/06/01", "2019-06-01T12:00:00Z", "d"),
    ] {
        let event = json!({"eventVersion": "1.08", "eventTime": time, "eventID": id, "eventName": "ListBuckets", "eventSource": "s3.amazonaws.com",
            "awsRegion": "us-east-1", "recipientAccountId": "111122223333", "eventType": "AwsApiCall"});
        write(day, "111122223333_CloudTrail_us-east-1_x.json", &json!({"Records": [event]}).to_string());
    }
    write("2021/01/01", "broken.json", "this is no log");
    dir
}

#[test]
fn a_question_about_days_opens_no_other_files() {
    let dir = folder();
    let ids = |sql: &str| {
        let run = trailhound(&["query", sql, text(dir.path()), "--output", "csv"]);
        (run.stdout.lines().skip(1).collect::<Vec<_>>().join(" "), run.stderr.clone(), run.code)
    };
    for condition in [
        "eventtime >= timestamp '2017-03-01' AND eventtime < timestamp '2017-03-02'",
        "event_date = date '2017-03-01'",
        "eventtime BETWEEN timestamp '2017-03-01' AND timestamp '2017-03-01 23:59:59'",
    ] {
        let (found, said, code) = ids(&format!("SELECT eventid FROM events WHERE {condition} ORDER BY 1"));
        assert_eq!((found.as_str(), code), ("a b c", 0), "{condition}: {said}");
        assert!(said.contains("2 files were not opened"), "{condition}: {said}");
    }
    for (sql, found) in [
        ("SELECT eventid FROM cloudtrail_logs WHERE year = '2017' ORDER BY 1", "a b c"),
        (
            "SELECT eventid FROM cloudtrail_logs WHERE eventtime > '2017-03-01T11:00:00Z' AND year = '2017' ORDER BY 1",
            "b c",
        ),
        ("SELECT eventid FROM event_data_store WHERE eventTime < '2017-03-01 23:00:00' ORDER BY 1", "a c"),
    ] {
        let (ids, said, code) = ids(sql);
        assert_eq!((ids.as_str(), code), (found, 0), "{sql}: {said}");
        assert!(said.contains("files were not opened"), "{sql}: {said}");
    }
    // Nobody asked for days: the file that is no log is told.
    let (found, said, code) = ids("SELECT eventid FROM events ORDER BY 1");
    assert_eq!((found.as_str(), code), ("a b c d", 3), "{said}");
    assert!(said.contains("broken.json") && !said.contains("not opened"), "{said}");
    // What another condition may need as well is opened.
    let (found, _, _) =
        ids("SELECT eventid FROM events WHERE event_date = date '2017-03-01' OR eventname = 'ListBuckets' ORDER BY 1");
    assert_eq!(found, "a b c d");
}
