//! The command line as people type it: every form that the help texts show.
#![allow(clippy::unwrap_used)]

use chrono::TimeDelta;
use clap::CommandFactory;

use super::access::ACCESS_EXAMPLES;
use super::alerts::ALERTS_EXAMPLES;
use super::query::QUERY_EXAMPLES;
use super::sample::SAMPLE_EXAMPLES;
use super::*;
use crate::render::Output;
use crate::render::terminal::Terminal;

fn parse(words: &[&str]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("trailhound").chain(words.iter().copied()))
}

fn refused(words: &[&str]) -> String {
    let error = parse(words).expect_err("was accepted");
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

/// Splits a line of an example as a shell would, as far as the examples need it.
fn shell(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(std::mem::take(&mut word)),
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    words.into_iter().take_while(|word| word != "<" && word != ">").collect()
}

#[test]
fn clap_finds_no_fault() {
    Cli::command().debug_assert();
}

#[test]
fn every_example_parses() {
    let mut count = 0;
    let texts = [
        SCAN_EXAMPLES,
        QUERY_EXAMPLES,
        ALERTS_EXAMPLES,
        ACCESS_EXAMPLES,
        SAMPLE_EXAMPLES,
        DEMO_EXAMPLES,
        rules::EXAMPLES,
        verify::VERIFY_EXAMPLES,
        doctor::DOCTOR_EXAMPLES,
        iam_policy::IAM_POLICY_EXAMPLES,
        inventory::INVENTORY_EXAMPLES,
        policy::SIMULATE_EXAMPLES,
        policy::GENERATE_EXAMPLES,
        policy::REPLAY_EXAMPLES,
        deliver::EXAMPLES,
        investigate::EXAMPLES,
        sql::EXAMPLES,
        watch::EXAMPLES,
        watch::CONFIG_EXAMPLES,
    ];
    for line in texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.strip_prefix("  ")) {
        let command = line.rsplit_once(" | ").map_or(line, |(_, last)| last);
        if command.starts_with("trailhound ") {
            let cli = Cli::try_parse_from(shell(command)).unwrap_or_else(|error| panic!("{line}: {error}"));
            if let Command::Query(query) = cli.command {
                let logs = if query.lake.lake.is_some() { vec![] } else { vec![PathBuf::from("./logs")] };
                assert_eq!(query.split().unwrap().1, logs, "{line}");
            }
            count += 1;
        }
    }
    assert!(count >= 15, "{count} examples");
}

#[test]
fn every_command_has_a_help_text() {
    let mut command = Cli::command();
    let help = command.render_help().to_string();
    assert!(help.contains("Exit codes:") && help.contains("3  some input was rejected"), "{help}");
    for sub in command.get_subcommands_mut() {
        let help = sub.render_long_help().to_string();
        assert!(help.lines().next().is_some_and(|first| first.len() > 10), "{help}");
        for arg in sub.get_arguments() {
            assert!(arg.get_help().is_some(), "{} has no help", arg.get_id());
        }
    }
}

#[test]
fn global_flags_stand_anywhere() {
    for words in [&["--output", "csv", "-q", "scan", "a"], &["scan", "a", "--output", "csv", "--quiet"]] {
        let cli = parse(words).unwrap();
        assert_eq!(cli.global.output, Output::Csv);
        assert!(cli.global.quiet);
    }
    let cli = parse(&["scan", "a", "--memory-limit", "512MiB", "--threads", "4"]).unwrap();
    assert_eq!((cli.global.memory_limit, cli.global.threads), (Some(512 << 20), Some(4)));
}

#[test]
fn a_table_is_cut_on_a_terminal_only() {
    let screen = Terminal { color: true, width: Some(80), is_terminal: true };
    let rows_max = |words: &[&str], terminal| parse(words).unwrap().global.rows_on(terminal).rows_max;
    assert_eq!(rows_max(&["schema"], screen), Some(100));
    assert_eq!(rows_max(&["schema"], Terminal::PLAIN), None);
    assert_eq!(rows_max(&["schema", "--max-rows", "0"], screen), None);
    assert_eq!(rows_max(&["schema", "--max-rows", "7"], Terminal::PLAIN), Some(7));
}

#[test]
fn sql_is_told_from_paths() {
    let split = |words: &[&str]| match parse(words).unwrap().command {
        Command::Query(query) => query.split(),
        other => panic!("{other:?}"),
    };
    let logs = vec![PathBuf::from("a"), PathBuf::from("b")];
    let text = SqlSource::Text("SELECT 1".to_owned());
    assert_eq!(split(&["query", "SELECT 1", "a", "b"]), Ok((text.clone(), logs.clone())));
    let file = SqlSource::File(PathBuf::from("q.sql"));
    assert_eq!(split(&["query", "@q.sql", "a", "b"]), Ok((file.clone(), logs.clone())));
    assert_eq!(split(&["query", "--file", "q.sql", "a", "b"]), Ok((file.clone(), logs.clone())));
    assert_eq!(split(&["query", "a", "--file", "q.sql", "b"]), Ok((file, logs.clone())));
    assert_eq!(split(&["query", "-", "a", "b"]), Ok((SqlSource::Stdin, logs)));
    assert_eq!(split(&["query", "SELECT 1", "-"]), Ok((text, vec![PathBuf::from("-")])));
    assert!(split(&["query", "-", "-"]).unwrap_err().contains("standard input"));
    assert!(split(&["query", "SELECT 1"]).unwrap_err().contains("<PATH>"));
    assert!(split(&["query", "--file", "q.sql"]).unwrap_err().contains("<PATH>"));
    assert!(split(&["query"]).unwrap_err().contains("<SQL>"));
    // Saved queries begin with a comment; a flag that is none is no SQL.
    let saved = "-- Who was it?\nSELECT 1";
    assert!(matches!(split(&["query", saved, "a"]), Ok((SqlSource::Text(sql), _)) if sql == saved));
    assert!(split(&["query", "--lsit", "a"]).unwrap_err().contains("unexpected argument"));
    assert!(matches!(split(&["query", "-q", "SELECT 1", "a"]), Ok((SqlSource::Text(sql), _)) if sql == "SELECT 1"));
}

#[test]
fn questions_with_names_take_their_parameters_from_the_arguments() {
    let split = |words: &[&str]| match parse(words).unwrap().command {
        Command::Query(query) => query.split(),
        other => panic!("{other:?}"),
    };
    let (sql, paths) = split(&["query", "who-used-key", "AKIA'X", "./logs"]).unwrap();
    assert!(matches!(sql, SqlSource::Text(sql) if sql.contains("'AKIA''X'")));
    assert_eq!(paths, [PathBuf::from("./logs")]);
    assert!(split(&["query", "who-used-key", "AKIAX", "--lake", "./lake"]).unwrap().1.is_empty());
    assert!(split(&["query", "who-used-key", "--lake", "./lake"]).unwrap_err().contains("takes 1 (KEY)"));
    assert!(split(&["query", "who-used-keys", "x", "./logs"]).unwrap_err().contains("did you mean"));
    assert!(refused(&["query", "--list", "--lake", "x"]).contains("--list"));
}

#[test]
fn events_come_from_paths_or_from_a_lake() {
    for command in ["scan", "alerts", "access"] {
        let error = refused(&[command]);
        assert!(error.contains("PATH") && error.contains("--lake <PLACE>"), "{error}");
        let error = refused(&[command, "./logs", "--lake", "./lake"]);
        assert!(error.contains("cannot be used with") && error.contains("--lake <PLACE>"), "{error}");
    }
    let query = |words: &[&str]| match parse(words).unwrap().command {
        Command::Query(query) => (query.split(), query.lake.place(&[]).map(|place| place.map(str::to_owned))),
        other => panic!("{other:?}"),
    };
    let text = SqlSource::Text("SELECT 1".to_owned());
    let place = Ok(Some("./lake".to_owned()));
    assert_eq!(query(&["query", "SELECT 1", "--lake", "./lake"]), (Ok((text, vec![])), place.clone()));
    let file = SqlSource::File(PathBuf::from("q.sql"));
    assert_eq!(query(&["query", "--file", "q.sql", "--lake", "./lake"]), (Ok((file, vec![])), place));
    let (both, _) = query(&["query", "--file", "q.sql", "./logs", "--lake", "./lake"]);
    assert!(both.unwrap_err().contains("not both"));
    let (both, _) = query(&["query", "SELECT 1", "./logs", "--lake", "./lake"]);
    assert!(both.unwrap_err().contains("--lake <PLACE>"));
    let (none, _) = query(&["query", "--lake", "./lake"]);
    assert!(none.unwrap_err().contains("<SQL>"));
    let (_, place) = query(&["query", "SELECT 1", "./logs", "--region", "eu-west-1"]);
    assert!(place.unwrap_err().contains("give --lake or"));
}

#[test]
fn defaults_are_the_documented_ones() {
    let Command::Access(access) = parse(&["access", "a"]).unwrap().command else { panic!() };
    assert_eq!(access.window, TimeDelta::days(90));
    assert_eq!(access.input.limits.max_inflated_bytes, 256 << 20);
    assert!(!access.input.limits.accept_trailing_data && access.now.is_none() && access.granted.grants.is_empty());
    let Command::Alerts(alerts) = parse(&["alerts", "a"]).unwrap().command else { panic!() };
    assert_eq!((alerts.severity, alerts.fail_on), (None, None));
}

#[test]
fn severities_are_ordered_and_case_does_not_matter() {
    let Command::Scan(scan) = parse(&["scan", "a", "--fail-on", "High"]).unwrap().command else { panic!() };
    assert_eq!(scan.fail_on, Some(Severity::High));
    assert!(Severity::Critical > Severity::High && Severity::Low > Severity::Informational);
    let Command::Scan(scan) = parse(&["scan", "a", "--fail-on", "info"]).unwrap().command else { panic!() };
    assert_eq!(scan.fail_on, Some(Severity::Informational));
    assert!(refused(&["scan", "a", "--fail-on", "bad"]).contains("informational, low, medium, high, critical"));
}

#[test]
fn errors_name_the_next_step() {
    assert!(refused(&["access", "a", "--window", "90"]).contains("as in 90d"));
    assert!(refused(&["access", "a", "--now", "tomorrow"]).contains("2h ago"));
    assert!(refused(&["scan", "a", "--max-inflated-bytes", "1.5GiB"]).contains("512MiB"));
    assert!(refused(&["scan", "a", "--threads", "0"]).contains("1..=1024"));
    assert!(refused(&["scan", "a", "--output", "xml"]).contains("parquet"));
    assert!(refused(&["scan"]).contains("<PATH|--lake <PLACE>>"));
    assert!(refused(&["skan", "a"]).contains("scan"));
    assert!(refused(&["scan", "a", "--quiet", "--debug"]).contains("--debug"));
}
