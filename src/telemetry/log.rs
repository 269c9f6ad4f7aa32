//! The log: lines on standard error, where systemd's journal takes them.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging. `HTGATE_LOG` is `error`, `warn`, `info` or `debug`; anything else is `info`.
/// Of the libraries, only what is wrong is logged.
pub(crate) fn start() {
    let level = std::env::var("HTGATE_LOG").ok();
    let level = level
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false);
    let targets = Targets::new()
        .with_target("htgate", level)
        .with_default(level.min(LevelFilter::WARN));
    tracing_subscriber::registry()
        .with(lines)
        .with(targets)
        .init();
}
