//! What can be asked of a process that watches: whether it lives, whether it takes events, and its metrics.

use std::net::SocketAddr;
use std::sync::Arc;

use super::families::{READY, RESIDENT};
use super::health::Health;
use super::metrics::Metrics;
use super::sending::Sending;
use super::server::{self, Page};
use crate::outcome::Failure;

/// Serves what can be asked.
pub(super) fn serve(
    address: SocketAddr,
    metrics: &Arc<Metrics>,
    health: &Arc<Health>,
    sending: &Arc<Sending>,
) -> Result<SocketAddr, Failure> {
    let (metrics, health, sending) = (metrics.clone(), health.clone(), sending.clone());
    let answer = move |path: &str| {
        Some(match path {
            "/healthz" if health.is_alive() => Page::text(200, "alive"),
            "/healthz" => Page::text(503, "no sign of life for ten minutes"),
            "/readyz" => match health.trouble().or_else(|| sending.courier.trouble()) {
                None => Page::text(200, "ready"),
                Some(trouble) => Page::text(503, &trouble),
            },
            "/metrics" => {
                sending.measure(&metrics);
                let is_ready = health.trouble().or_else(|| sending.courier.trouble()).is_none();
                metrics.set(READY, &[], if is_ready { 1.0 } else { 0.0 });
                if let Some(bytes) = resident() {
                    metrics.set(RESIDENT, &[], bytes as f64);
                }
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                Page { status: 200, kind, body: metrics.text() }
            }
            _ => return None,
        })
    };
    server::start(address, Arc::new(answer)).map_err(Failure::Usage)
}

/// Memory of this process, where the system tells it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}
