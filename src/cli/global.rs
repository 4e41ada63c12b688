//! Flags that every command takes: how answers are written, and what a question may use.

use ::query::Control;
use chrono::TimeDelta;
use clap::Args;

use super::{duration, size};
use crate::render::terminal::Terminal;
use crate::render::{Output, RowOptions};
use crate::stop::Stop;

/// More rows than this are rarely read, and one seldom means to print them on a screen.
const MAX_ROWS_ON_TERMINAL: u64 = 100;

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// How answers are written: table, json, jsonl, csv, parquet or arrow
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t, hide_possible_values = true)]
    pub(crate) output: Output,

    /// Show at most this many rows, and end a query there; 0 shows all [default: 100 of a table on a terminal, else all]
    #[arg(long, global = true, value_name = "N")]
    pub(crate) max_rows: Option<u64>,

    /// In CSV, leave cells as they are that a spreadsheet would run as a formula, and what acts on a terminal (ESC, bidi)
    #[arg(long, global = true)]
    pub(crate) csv_raw: bool,

    /// Say nothing but warnings and errors on standard error
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    /// Say what is being done, step by step, on standard error
    #[arg(long, global = true, conflicts_with = "quiet")]
    pub(crate) debug: bool,

    /// Use no colours; the variable NO_COLOR says the same
    #[arg(long, global = true)]
    pub(crate) no_color: bool,

    /// Threads to work with [default: one a processor]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,

    /// Memory that a query may take before it spills to disk, such as 512MiB or 2GiB
    #[arg(long, global = true, value_name = "SIZE", value_parser = size::parse)]
    pub(crate) memory_limit: Option<u64>,

    /// Time that a query may take, such as 30s or 5m [default: what it takes]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) timeout: Option<TimeDelta>,
}

impl Global {
    /// How rows are written to standard output.
    pub(crate) fn rows(&self) -> RowOptions {
        self.rows_on(Terminal::stdout(self.no_color))
    }

    /// What a query may use.
    pub(crate) fn query_limits(&self) -> ::query::Limits {
        let mut limits = ::query::Limits::default();
        if let Some(bytes) = self.memory_limit {
            limits.memory_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        if let Some(threads) = self.threads {
            limits.partitions = usize::from(threads);
        }
        limits
    }

    /// What ends a query that starts now.
    pub(crate) fn control(&self, stop: &Stop) -> Control {
        Control::default().within(self.timeout.and_then(|time| time.to_std().ok())).until(stop.flag())
    }

    pub(super) fn rows_on(&self, terminal: Terminal) -> RowOptions {
        let default = if terminal.is_terminal { MAX_ROWS_ON_TERMINAL } else { 0 };
        let rows_max = Some(self.max_rows.unwrap_or(default)).filter(|&rows| rows > 0);
        RowOptions { terminal, rows_max, csv_raw: self.csv_raw }
    }
}
