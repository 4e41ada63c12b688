//! `trailhound watch`: what was said, by flags, environment, file and default, and then [`crate::watch`].

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ::deliver::Config as Delivery;
use ::deliver::config::{Form, SinkConfig};
use chrono::TimeDelta;

use super::deliver::{self, OUTBOX};
use super::ingest::{absolute, queue};
use crate::cli::{AwsArgs, Global, LogFormat, RuleFlags, WatchArgs};
use crate::config::{self, Config, Span};
use crate::diagnostics;
use crate::outcome::{Failure, Outcome};
use crate::render::words::Words;
use crate::watch::{self, Options};

/// The lake, if nothing else is said.
const LAKE: &str = "./trailhound-lake";
/// Alerts as lines on standard output.
const LINES: &str = "[sinks.lines]\ntype = 'stdout'\n[[routes]]\nsinks = ['lines']\n";

pub(crate) const COMMIT_AFTER: TimeDelta = TimeDelta::seconds(30);
pub(crate) const COMMIT_ROWS: u64 = 500_000;
const LATENESS: TimeDelta = TimeDelta::minutes(30);
const LOOK_BACK: TimeDelta = TimeDelta::days(7);
const POLL_FOLDER: TimeDelta = TimeDelta::seconds(1);
const POLL_BUCKET: TimeDelta = TimeDelta::minutes(1);
const POLL_LOOKUP: TimeDelta = TimeDelta::minutes(5);
const POLL_BESIDE: TimeDelta = TimeDelta::hours(1);
/// Digests come every hour; most of them are walked soon after.
const VERIFY_EVERY: TimeDelta = TimeDelta::minutes(10);

pub(crate) fn run(args: &WatchArgs, global: &Global, words: Words) -> Result<Outcome, Failure> {
    let mut config = Config::load(args.config.as_deref(), config::variables()).map_err(Failure::Usage)?;
    let format = args.log_format.or(config.watch.log_format).unwrap_or_default();
    diagnostics::start_service(global.debug, format == LogFormat::Json, global.no_color);
    let words = if format == LogFormat::Json { words.in_json() } else { words };
    let (options, delivery) = plan(args, &mut config)?;
    watch::run(&options, &delivery, global, words)
}

/// What would be watched, and who would be told.
///
/// # Errors
/// What cannot be meant: no source, two queues, standard input, sinks that are none.
pub(crate) fn plan(args: &WatchArgs, config: &mut Config) -> Result<(Options, Arc<Delivery>), Failure> {
    let delivery = delivery(args, config)?;
    Ok((options(args, config, &delivery)?, delivery))
}

/// Sinks and routes: of a file of their own, of the configuration, or lines on standard output.
fn delivery(args: &WatchArgs, config: &mut Config) -> Result<Arc<Delivery>, Failure> {
    let mut delivery = match (&args.deliver, config.delivery.take()) {
        (Some(path), _) => (*deliver::config(path)?).clone(),
        (None, Some(delivery)) => delivery,
        (None, None) => Delivery::parse(LINES)?,
    };
    let within = args.page_within.or(config.watch.page_within.map(|span| span.0));
    if let Some(within) = within {
        delivery.policy.max_age.0 = long(within);
    }
    Ok(Arc::new(delivery))
}

fn options(args: &WatchArgs, config: &Config, delivery: &Delivery) -> Result<Options, Failure> {
    let watch = &config.watch;
    let over = |flags: &[PathBuf], file: &Option<Vec<PathBuf>>| match flags.is_empty() {
        true => file.clone().unwrap_or_default(),
        false => flags.to_vec(),
    };
    let span = |flag: Option<TimeDelta>, file: Option<Span>, default: TimeDelta| {
        flag.or(file.map(|span| span.0)).unwrap_or(default)
    };
    let sources = over(&args.source, &watch.source);
    if sources.is_empty() && config.accounts.is_empty() {
        let text = "nothing to watch: give --source sqs://QUEUE, s3://BUCKET/PREFIX, a folder or `lookup:`, or an [[account]] in the configuration";
        return Err(Failure::Usage(text.to_owned()));
    }
    let queues: Vec<PathBuf> = sources.iter().filter(|source| queue::is_one(source)).cloned().collect();
    if queues.len() > 1 {
        return Err(Failure::Usage("one queue a process: watch the others with a process and a lake each".to_owned()));
    }
    let places: Vec<PathBuf> = sources.into_iter().filter(|source| !queue::is_one(source)).collect();
    if !queues.is_empty() {
        args.places.refuse_for_queue(!places.is_empty() || !config.accounts.is_empty()).map_err(Failure::Usage)?;
    }
    if places.iter().any(|place| place.as_os_str() == "-") {
        return Err(Failure::Usage("standard input ends and cannot be watched: use `ingest -`".to_owned()));
    }
    let of_accounts = config.accounts.iter().flat_map(|account| &account.places).map(Path::new);
    let all: Vec<&Path> = places.iter().map(PathBuf::as_path).chain(of_accounts).collect();
    let poll = match (queues.is_empty(), all.as_slice()) {
        (false, _) => POLL_BESIDE,
        (true, all) if all.iter().any(|place| place.as_os_str() == ::aws::lookup::PLACE) => POLL_LOOKUP,
        (true, all) if all.iter().any(|place| crate::remote::is_remote(place)) => POLL_BUCKET,
        _ => POLL_FOLDER,
    };
    let verify_digests = args.verify_digests || watch.verify_digests == Some(true);
    let public_keys = args.public_keys.clone().or(watch.public_keys.clone());
    if public_keys.is_some() && !verify_digests {
        let text = "--public-keys are for digests: give --verify-digests too";
        return Err(Failure::Usage(text.to_owned()));
    }
    Ok(Options {
        queue: queue::of(&queues),
        places: absolute(&places)?,
        accounts: config.accounts.clone(),
        lake: args.lake.clone().or(config.lake.place.clone()).unwrap_or_else(|| LAKE.to_owned()),
        outbox: args.outbox.clone().or(delivery.policy.outbox.clone()).unwrap_or_else(|| PathBuf::from(OUTBOX)),
        written: written(delivery)?,
        aws: aws(&args.aws, config),
        source: args.places.clone(),
        limits: args.limits,
        rules: rules(&args.rules, config),
        reload: config.rules.reload.unwrap_or(true),
        suppress: over(&args.suppress, &watch.suppress),
        allowed_lateness: span(args.allowed_lateness, watch.allowed_lateness, LATENESS),
        look_back: span(args.look_back, watch.look_back, LOOK_BACK),
        poll: long(span(args.poll, watch.poll, poll)),
        commit_after: long(span(args.commit_after, watch.commit_after, COMMIT_AFTER)),
        commit_rows: commit_rows(args.commit_rows.or(watch.commit_rows))?,
        metrics: args.metrics.or(config.metrics.listen),
        once: args.once,
        verify_digests,
        verify_every: long(span(args.verify_every, watch.verify_every, VERIFY_EVERY)),
        public_keys,
    })
}

fn commit_rows(said: Option<u64>) -> Result<u64, Failure> {
    match said {
        Some(0) => {
            Err(Failure::Usage("commit_rows (--commit-rows) is at least 1: nothing would ever be committed".to_owned()))
        }
        said => Ok(said.unwrap_or(COMMIT_ROWS)),
    }
}

/// Files that sinks write.
fn written(delivery: &Delivery) -> Result<Vec<PathBuf>, Failure> {
    let file = |sink: &SinkConfig| match &sink.form {
        Form::File { path } => Some(path.clone()),
        _ => None,
    };
    absolute(&delivery.sinks.values().filter_map(file).collect::<Vec<_>>())
}

fn long(span: TimeDelta) -> Duration {
    span.to_std().unwrap_or_default()
}

/// How AWS is reached: flags cover the file.
pub(crate) fn aws(flags: &AwsArgs, config: &Config) -> AwsArgs {
    let (flags, file) = (flags.clone(), config.watch.clone());
    AwsArgs {
        endpoint_url: flags.endpoint_url.or(file.endpoint_url),
        region: flags.region.or(file.region),
        profile: flags.profile.or(file.profile),
        role_arn: flags.role_arn.or(file.role_arn),
        external_id: flags.external_id.or(file.external_id),
        no_sign_request: flags.no_sign_request,
    }
}

/// Flags cover the file's folders and lists as a whole.
pub(crate) fn rules(flags: &RuleFlags, config: &Config) -> RuleFlags {
    let mut rules = flags.clone();
    if rules.rules.is_empty() {
        rules.rules = config.rules.folders.clone().unwrap_or_default();
    }
    if rules.lists.lists.is_empty() {
        rules.lists.lists = config.rules.lists.clone().unwrap_or_default().into_iter().collect();
    }
    rules.no_shipped_rules |= config.rules.shipped == Some(false);
    rules
}
