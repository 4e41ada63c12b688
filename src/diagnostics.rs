//! What the program says of its own doings, on standard error: for people, or one JSON object a line.
//!
//! `--debug` says more, `RUST_LOG` decides where it is set. Text of others is data: JSON escapes it.

use std::fmt;

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::render::terminal::Terminal;

/// Commands that end: with `--debug` our own steps, else nothing.
pub(crate) fn start(debug: bool, no_color: bool) {
    let default = if debug { "trailhound=debug,ingest=debug,query=debug,access=debug,alerts=debug" } else { "off" };
    let builder = tracing_subscriber::fmt().with_env_filter(filter(default)).with_writer(std::io::stderr);
    builder.with_ansi(Terminal::stderr(no_color).color).fmt_fields(debug_fn(field).delimited(" ")).init();
}

/// A process that never ends says what it does.
pub(crate) fn start_service(debug: bool, json: bool, no_color: bool) {
    let level = if debug { "debug" } else { "info" };
    let default = ["trailhound", "deliver", "ingest", "lake", "alerts", "aws"].map(|room| format!("{room}={level}"));
    // The SDK's targets begin with our room's name, and what it says of credentials stands in our errors, shorter.
    let default = format!("{},aws_=off", default.join(","));
    let builder = tracing_subscriber::fmt().with_env_filter(filter(&default)).with_writer(std::io::stderr);
    let builder = builder.with_ansi(Terminal::stderr(no_color).color);
    match json {
        true => builder.event_format(JsonLines).init(),
        false => builder.with_target(false).fmt_fields(debug_fn(field).delimited(" ")).init(),
    }
}

/// A field of a line for people. Names of objects and words of servers are others' text: nothing in them ends the line or
/// drives a terminal.
fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let text = format!("{value:?}");
    let text = crate::render::escape::line(&text);
    match field.name() {
        "message" => write!(writer, "{text}"),
        name => write!(writer, "{name}={text}"),
    }
}

fn filter(default: &str) -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default))
}

/// A line of JSON: `timestamp`, `level`, `message`, and what else is known, by name.
pub(crate) fn line(level: &str, message: &str, more: Map<String, Value>) -> String {
    let mut all = Map::new();
    all.insert("timestamp".to_owned(), Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true).into());
    all.insert("level".to_owned(), level.into());
    all.insert("message".to_owned(), message.into());
    all.extend(more);
    let mut out = Vec::new();
    crate::render::escape::json_text(Value::Object(all).to_string().as_bytes(), &mut out);
    String::from_utf8(out).unwrap_or_default()
}

struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = event.metadata().level().as_str().to_lowercase();
        let message = fields.0.remove("message").and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default();
        fields.0.insert("target".to_owned(), event.metadata().target().into());
        writeln!(writer, "{}", line(&level, &message, fields.0))
    }
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}
