//! `trailhound config check`: whether `watch` can begin with a configuration, and what it says.

use std::io;
use std::path::{Path, PathBuf};

use ::alerts::{Engine, Settings};
use serde_json::{Value, json};

use crate::cli::{ConfigCommand, Global, WatchArgs};
use crate::commands;
use crate::config::{self, Config};
use crate::outcome::{Failure, Outcome};
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;
use crate::render::words::Words;
use crate::render::{self, Output};
use crate::rulebook::Rulebook;
use crate::watch;

pub(crate) fn run(command: &ConfigCommand, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let ConfigCommand::Check { file } = command;
    let config = Config::load(Some(file), config::variables()).map_err(Failure::Usage)?;
    // What `watch` would refuse is refused here, by the same code.
    let mut planned = Config::load(Some(file), config::variables()).map_err(Failure::Usage)?;
    let args = WatchArgs::of(file).map_err(Failure::Usage)?;
    let rules = match planned.delivery.take_if(|_| config.watch.source.is_none() && config.accounts.is_empty()) {
        // What `--deliver` takes: there is nothing to watch in it, and need not be.
        Some(delivery) => {
            let rules = Rulebook::open(&commands::watch::rules(&args.rules, &config), words)?;
            let outbox = delivery.policy.outbox.clone().unwrap_or_else(|| PathBuf::from(commands::deliver::OUTBOX));
            watch::check_delivery(&delivery, &outbox, &rules)?;
            words.note("no sources: checked as a file for `--deliver`; `watch` needs --source beside it");
            rules
        }
        None => {
            let (options, delivery) = commands::watch::plan(&args, &mut planned)?;
            watch::check(&options, &delivery, words)?.rules
        }
    };
    let (engine, mut errors) = Engine::new(rules.rules, &Settings::default());
    errors.extend(rules.errors);
    errors.iter().for_each(|error| words.error(&error.to_string()));
    let value = value(&config, engine.rules().len(), errors.len());
    let mut out = io::stdout();
    let settled = match global.output {
        Output::Json => render::json::document(&value, &mut out),
        Output::Jsonl => render::json::document_line(&value, &mut out),
        Output::Table => report(file, &value, &mut Report::new(&mut out, Terminal::stdout(global.no_color))),
        Output::Csv | Output::Parquet | Output::Arrow => {
            return Err(Failure::Usage("this is not rows: use --output table or json".to_owned()));
        }
    };
    render::settle(settled)?;
    if errors.is_empty() {
        return Ok(Outcome::Done);
    }
    words.warning(&format!("{} rules cannot be used, as said above", number(errors.len() as u64)));
    Ok(Outcome::Rejected)
}

/// The contract of `config check --output json`: `docs/contract.md`. Holds no secret: of sinks only names and kinds.
fn value(config: &Config, rules: usize, refused: usize) -> Value {
    let delivery = config.delivery.as_ref();
    let sinks: Vec<Value> = delivery
        .iter()
        .flat_map(|delivery| &delivery.sinks)
        .map(|(name, sink)| json!({"sink": name, "type": sink.form.name()}))
        .collect();
    json!({
        "watch": config.watch,
        "rules": config.rules,
        "lake": config.lake,
        "metrics": config.metrics,
        "accounts": config.accounts.iter().map(|account| json!({"account": account.name, "places": account.places})).collect::<Vec<_>>(),
        "sinks": sinks,
        "routes": delivery.map_or(0, |delivery| delivery.routes.len()),
        "silences": delivery.map_or(0, |delivery| delivery.silences.len()),
        "rules_loaded": rules,
        "rules_refused": refused,
    })
}

fn report(file: &Path, value: &Value, report: &mut Report<'_>) -> io::Result<()> {
    report.title(&format!("{} can be used", file.display()))?;
    let mut facts: Vec<(String, String)> = Vec::new();
    for section in ["watch", "rules", "lake", "metrics"] {
        for (key, value) in value[section].as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            facts.push((format!("{section}.{key}"), text));
        }
    }
    for account in value["accounts"].as_array().into_iter().flatten() {
        let name = account["account"].as_str().unwrap_or_default();
        facts.push((format!("account.{name}"), account["places"].to_string()));
    }
    for sink in value["sinks"].as_array().into_iter().flatten() {
        let text = |key: &str| sink[key].as_str().unwrap_or_default().to_owned();
        facts.push((format!("sinks.{}", text("sink")), text("type")));
    }
    facts.push(("rules that run".to_owned(), value["rules_loaded"].to_string()));
    let facts: Vec<(&str, String)> = facts.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
    report.facts(&facts)
}
