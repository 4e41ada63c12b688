//! What `verify` found, as it is told: a report, one JSON document, or a line of JSON for each finding as it comes.

use std::io::{self, Write};

use ::access::instant;
use chrono::{DateTime, TimeDelta, Utc};
use ingest::digest::verdict::Standing;
use ingest::digest::{Chain, Counts, File, Finding, Findings, Remark, Role, Summary, Verdict};
use ingest::key::Key;
use lake::Proof;
use serde_json::{Value, json};

use crate::cli::Global;
use crate::proof::{self, Witness};
use crate::render::report::{Report, number};
use crate::render::terminal::Terminal;
use crate::render::{self, Output};

/// Most findings of one kind that are kept for a document; beyond them only figures. Lines of JSON have no limit.
const MAX_KEPT: usize = 100_000;
/// Remarks that a report shows of one kind.
const REMARKS_SHOWN: usize = 20;

/// When files were delivered that are to be verified.
pub(super) type Asked = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// A digest comes within about an hour: log files that are so much older have lost theirs.
const DIGESTED_BY_THEN: TimeDelta = TimeDelta::hours(3);

/// What lies beside the files that digests list.
#[derive(Debug, Clone, Copy, Default)]
struct Beside {
    logs: u64,
    regions: u64,
}

impl Beside {
    /// How a headline ends, so that "all" never stands for files that nobody proved.
    fn words(self) -> String {
        let mut text = String::new();
        match self.logs {
            0 => {}
            1 => text += "; 1 more is proven by nothing",
            n => text += &format!("; {} more are proven by nothing", number(n)),
        }
        match self.regions {
            0 => {}
            1 => text += "; 1 Region has log files and no digest",
            n => text += &format!("; {} Regions have log files and no digest", number(n)),
        }
        text
    }
}

/// Takes findings.
pub(super) struct Told {
    /// Digests whose key nobody has.
    pub(super) keyless: u64,
    /// How much of a lake is proven, where one took notes.
    pub(super) proof: Option<Proof>,
    /// Remarks that fail with `--strict` though an honest bucket may cause them.
    pub(super) doubtful: u64,
    /// Log files beside those that digests list, and Regions of which no digest speaks.
    beside: Beside,
    output: Output,
    verbose: bool,
    valid: Vec<Finding>,
    kept: Vec<Finding>,
    unlisted: u64,
    /// A line that could not be written ends the lines; the walk goes on, and its outcome stands.
    failed: Option<io::Error>,
}

impl Told {
    pub(super) fn new(global: &Global, verbose: bool) -> Told {
        Told {
            keyless: 0,
            proof: None,
            doubtful: 0,
            beside: Beside::default(),
            output: global.output,
            verbose,
            valid: Vec::new(),
            kept: Vec::new(),
            unlisted: 0,
            failed: None,
        }
    }

    /// Writes what is left to be written.
    pub(super) fn end(
        self,
        summary: &Summary,
        asked: Asked,
        chains: &[Chain],
        global: &Global,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if let Some(failed) = self.failed {
            return Err(failed);
        }
        match self.output {
            Output::Jsonl => render::json::document_line(&self.summary(summary, asked, chains), out),
            Output::Json => render::json::document(&self.document(summary, asked, chains), out),
            _ => self.report(summary, asked, &mut Report::new(out, Terminal::stdout(global.no_color))),
        }
    }

    fn remarked(&mut self, remark: Remark, object: &str) {
        match remark {
            Remark::UnlistedLog | Remark::RenamedLog => self.beside.logs += 1,
            Remark::UncoveredLog => {
                self.beside.logs += 1;
                let time = Key::parse(object).and_then(|key| key.time());
                // The newest digest may have been taken away, and with it all that speaks of these files.
                let late = time.is_none_or(|time| Utc::now().signed_duration_since(time) > DIGESTED_BY_THEN);
                self.doubtful += u64::from(late);
            }
            Remark::NoDigests => {
                self.beside.regions += 1;
                self.doubtful += 1;
            }
            _ => {}
        }
    }

    fn summary(&self, summary: &Summary, asked: Asked, chains: &[Chain]) -> Value {
        let mut value = summary_json(summary, asked, chains);
        value["unproven_beside"] = json!({"logs": self.beside.logs, "regions": self.beside.regions});
        if let Some(proof) = self.proof {
            value["proof"] = json!(proof);
        }
        value
    }

    /// The contract of `verify --output json`: `docs/contract.md`.
    fn document(&self, summary: &Summary, asked: Asked, chains: &[Chain]) -> Value {
        let mut value = self.summary(summary, asked, chains);
        let of = |kind: &str| -> Vec<Value> {
            let all = self.kept.iter().chain(&self.valid).map(finding_json);
            all.filter(|value| value["finding"] == kind).collect()
        };
        let mut files = of("file");
        files.sort_by(|a, b| text(a, "object").cmp(text(b, "object")));
        value["files"] = Value::Array(files);
        value["gaps"] = Value::Array(of("gap"));
        value["remarks"] = Value::Array(of("remark"));
        value["unlisted"] = self.unlisted.into();
        value
    }

    fn report(&self, summary: &Summary, asked: Asked, report: &mut Report<'_>) -> io::Result<()> {
        let checked = summary.digests.total() + summary.backfill_digests.total() + summary.logs.total();
        let beside = self.beside.words();
        match (summary.invalid(), summary.unproven()) {
            (0, 0) if checked == 0 => report.title("No digests found: nothing is proven")?,
            (0, 0) if beside.is_empty() => {
                report.title(&format!("All {} files are what CloudTrail delivered", number(checked)))?;
            }
            (0, 0) => report
                .title(&format!("{} files that digests list are what CloudTrail delivered{beside}", number(checked)))?,
            (0, n) => {
                report.title(&format!("Of {} of {} files nothing can be said{beside}", number(n), number(checked)))?;
            }
            (n, _) => report.title(&format!(
                "{} of {} files are NOT what CloudTrail delivered{beside}",
                number(n),
                number(checked)
            ))?,
        }
        let mut facts = vec![("requested", format!("{} to {}", time(asked.0, "the beginning"), time(asked.1, "now")))];
        if let Some((from, to)) = summary.found {
            facts.push(("found", format!("{} to {}", time(Some(from), ""), time(Some(to), ""))));
        }
        for (name, counts) in [
            ("digest files", summary.digests),
            ("backfill digests", summary.backfill_digests),
            ("log files", summary.logs),
        ] {
            if counts.total() > 0 {
                facts.push((name, ratio(counts)));
            }
        }
        if let Some(proof) = &self.proof {
            facts.push(("lake", proof::words(proof)));
        }
        report.facts(&facts)?;
        self.report_files(report)?;
        self.report_rest(report)?;
        if self.unlisted > 0 {
            report.prose(&format!("and {} more findings; --output jsonl lists all", number(self.unlisted)))?;
        }
        Ok(())
    }

    fn report_files(&self, report: &mut Report<'_>) -> io::Result<()> {
        let bad = self.kept.iter().filter_map(|finding| match finding {
            Finding::File(file) => Some(file),
            _ => None,
        });
        let good = self.valid.iter().filter(|_| self.verbose).filter_map(|finding| match finding {
            Finding::File(file) => Some(file),
            _ => None,
        });
        let mut begun = false;
        for file in bad.chain(good) {
            if !std::mem::replace(&mut begun, true) {
                report.heading("Files")?;
            }
            let object = format!("s3://{}/{}", file.bucket, file.key);
            match file.verdict.standing() {
                Standing::Valid => report.finding("informational", &format!("{}: valid: {object}", role(file.role)))?,
                standing => {
                    let severity = if standing == Standing::Invalid { "critical" } else { "medium" };
                    let reason = file.verdict.reason().unwrap_or_default();
                    report.finding(severity, &format!("{}: {reason}: {object}", role(file.role)))?;
                }
            }
            if let Some(detail) = &file.detail {
                report.detail("seen", detail)?;
            }
        }
        Ok(())
    }

    fn report_rest(&self, report: &mut Report<'_>) -> io::Result<()> {
        let mut shown = std::collections::BTreeMap::<_, usize>::new();
        let mut begun = false;
        for finding in &self.kept {
            let (severity, text) = match finding {
                Finding::File(_) => continue,
                Finding::Gap(gap) => {
                    let (from, to) = (time(Some(gap.from), ""), time(Some(gap.to), ""));
                    ("high", format!("gap: CloudTrail wrote no digest for {from} to {to}"))
                }
                Finding::Remark(remark, object, detail) => {
                    let count = shown.entry(*remark).or_default();
                    *count += 1;
                    if *count > REMARKS_SHOWN {
                        continue;
                    }
                    let severity = if remark.is_suspicious() { "high" } else { "informational" };
                    (severity, format!("{}: {object}: {detail}", remark.name()))
                }
            };
            if !std::mem::replace(&mut begun, true) {
                report.heading("Also seen")?;
            }
            report.finding(severity, &text)?;
        }
        for (remark, count) in shown.iter().filter(|(_, count)| **count > REMARKS_SHOWN) {
            let more = number((count - REMARKS_SHOWN) as u64);
            report.prose(&format!("and {more} more of {}; --output json lists them", remark.name()))?;
        }
        Ok(())
    }
}

impl Witness for Told {}

impl Findings for Told {
    fn found(&mut self, finding: Finding) {
        let keyless = matches!(&finding, Finding::File(file) if matches!(file.verdict, Verdict::KeyNotFound { .. }));
        self.keyless += u64::from(keyless);
        if let Finding::Remark(remark, object, _) = &finding {
            self.remarked(*remark, object);
        }
        if self.output == Output::Jsonl {
            if self.failed.is_none() {
                let line = render::json::document_line(&finding_json(&finding), &mut io::stdout());
                self.failed = line.err();
            }
            return;
        }
        let valid = matches!(&finding, Finding::File(file) if file.verdict.standing() == Standing::Valid);
        let wanted = !valid || self.verbose || self.output == Output::Json;
        let list = if valid { &mut self.valid } else { &mut self.kept };
        if wanted && list.len() < MAX_KEPT {
            list.push(finding);
        } else {
            self.unlisted += u64::from(wanted);
        }
    }
}

fn summary_json(summary: &Summary, asked: Asked, chains: &[Chain]) -> Value {
    let asked_time = |time: Option<DateTime<Utc>>| time.map(|time| instant::format(time.timestamp_micros()));
    let chain = |chain: &Chain| {
        json!({
            "account": chain.account(),
            "region": chain.region,
            "trail": chain.trail,
            "home_region": chain.home,
            "prefix": chain.stem,
        })
    };
    json!({
        "finding": "summary",
        "valid": summary.invalid() == 0 && summary.unproven() == 0 && summary.digests.total() > 0,
        "requested": {"start": asked_time(asked.0), "end": asked_time(asked.1)},
        "found": summary.found.map(|(start, end)| json!({"start": asked_time(Some(start)), "end": asked_time(Some(end))})),
        "digests": summary.digests,
        "backfill_digests": summary.backfill_digests,
        "logs": summary.logs,
        "gap_count": summary.gaps,
        "remark_count": summary.remarks,
        "suspicious_count": summary.suspicious,
        "chains": chains.iter().map(chain).collect::<Vec<_>>(),
    })
}

fn finding_json(finding: &Finding) -> Value {
    match finding {
        Finding::File(File { role, bucket, key, verdict, listed_by, detail }) => json!({
            "finding": "file",
            "kind": role,
            "object": format!("s3://{bucket}/{key}"),
            "verdict": verdict.standing(),
            "reason": verdict.reason(),
            "detail": detail,
            "listed_by": listed_by,
        }),
        Finding::Gap(gap) => json!({
            "finding": "gap",
            "from": instant::format(gap.from.timestamp_micros()),
            "to": instant::format(gap.to.timestamp_micros()),
            "before": gap.digest,
            "backfill": gap.backfill,
        }),
        Finding::Remark(remark, object, detail) => json!({
            "finding": "remark",
            "remark": remark,
            "object": object,
            "suspicious": remark.is_suspicious(),
            "detail": detail,
        }),
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

fn time(time: Option<DateTime<Utc>>, otherwise: &str) -> String {
    time.map_or_else(|| otherwise.to_owned(), |time| instant::format(time.timestamp_micros()))
}

/// In the words of the client of AWS.
fn ratio(counts: Counts) -> String {
    let total = number(counts.total());
    let mut text = format!("{}/{total} valid", number(counts.valid));
    if counts.invalid > 0 {
        text += &format!(", {}/{total} INVALID", number(counts.invalid));
    }
    if counts.unproven > 0 {
        text += &format!(", {}/{total} unproven", number(counts.unproven));
    }
    text
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Digest => "Digest file",
        Role::BackfillDigest => "(backfill) Digest file",
        Role::Log => "Log file",
    }
}
