//! The log: lines on standard error, where systemd's journal takes them.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;

/// Starts logging. `HTGATE_LOG` is `error`, `warn`, `info` or `debug`; anything else is `info`.
pub(crate) fn start() {
    let level = std::env::var("HTGATE_LOG").ok();
    let level = level
        .and_then(|level| level.parse().ok())
        .unwrap_or(LevelFilter::INFO);
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
}
