//! Sending: one attempt to hand one message to one sink, and what its answer means.
//!
//! No retries and no memory here; that is the courier's and the outbox's. Everything that goes over the network passes
//! `guard`, which keeps us from being sent to addresses inside.

mod answer;
mod aws;
pub(crate) mod guard;
mod http;
mod lines;
mod shape;

pub(crate) use answer::RETRY_AFTER_MAX;

use std::fmt;
use std::future::Future;
use std::io::Write;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;

use crate::config::{Form, SinkConfig};
use crate::error::Error;
use crate::message::Message;

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The sink has it.
    Sent,
    /// Not now: a server that is down, busy, or out of reach.
    Later {
        /// The sink's own wish, from `Retry-After`; it holds for all messages to that sink.
        after: Option<Duration>,
        /// Why, for people. Holds no secret.
        why: String,
    },
    /// Never: trying the same again would fail the same way.
    Never {
        /// Why, for people. Holds no secret.
        why: String,
    },
}

/// An attempt under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Verdict> + Send + 'a>>;

/// Something that takes messages.
pub trait Sink: Send + Sync {
    /// Tries once to hand over a message. Ends within the sink's timeout.
    fn send<'a>(&'a self, message: &'a Message) -> Sending<'a>;
}

/// What sinks need that is not in the configuration.
#[derive(Clone)]
pub struct Outside {
    /// Standard output, or what stands for it.
    pub stdout: Arc<Mutex<dyn Write + Send>>,
    /// Where credentials for AWS come from; `None` if no sink needs them.
    pub credentials: Option<SharedCredentialsProvider>,
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").finish_non_exhaustive()
    }
}

/// Whether a sink of this form needs credentials for AWS.
pub fn needs_credentials(form: &Form) -> bool {
    matches!(form, Form::Sns { .. } | Form::EventBridge { .. } | Form::SecurityHub { .. })
}

/// Opens a sink: reads its secrets and checks what can be checked without calling it.
///
/// # Errors
/// [`Error::Config`] with the sink's name, never with a secret.
pub fn open(name: &str, config: &SinkConfig, outside: &Outside) -> Result<Arc<dyn Sink>, Error> {
    let opened: Result<Arc<dyn Sink>, String> = match &config.form {
        Form::Stdout {} => Ok(Arc::new(lines::Lines::stdout(outside.stdout.clone()))),
        Form::File { path } => folder_of(path).map(|()| Arc::new(lines::Lines::file(path.clone())) as Arc<dyn Sink>),
        _ => shape::HttpSink::open(config, outside).map(|sink| Arc::new(sink) as Arc<dyn Sink>),
    };
    opened.map_err(|reason| Error::Config(format!("[sinks.{name}]: {reason}")))
}

/// Whether a file can be made here: its folder is there, and no folder has its name.
fn folder_of(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return Err(format!("{}: a folder; name a file in it", path.display()));
    }
    match path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        Some(folder) => Err(format!("{}: there is no such folder; make it first", folder.display())),
        None => Ok(()),
    }
}
