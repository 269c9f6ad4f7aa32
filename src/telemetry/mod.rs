//! What the service tells of itself: the log, for people; the audit log, for those who have to
//! account for changes and refusals; and metrics and traces, for those who watch many services.

pub(crate) mod audit;
mod decided;
mod log;
mod metrics;
mod traces;

use std::io;

pub(crate) use decided::Decided;
pub(crate) use log::start;
pub use metrics::State;

use crate::config::Settings;
use audit::{Event, Writer};
use metrics::Metrics;
use traces::Traces;

/// Whoever is told of decisions; shared by all that make any.
#[derive(Default)]
pub struct Observer {
    audit: Option<Writer>,
    metrics: Metrics,
    traces: Option<Traces>,
}

impl Observer {
    /// For the service of these settings.
    ///
    /// # Errors
    /// When the audit log can't be written.
    pub(crate) fn of(settings: &Settings) -> io::Result<Self> {
        let audit = settings.audit.as_deref().map(Writer::start).transpose()?;
        let metrics = Metrics::default();
        let traces = settings.traces.as_deref().map(Traces::to).transpose()?;
        Ok(Self {
            audit,
            metrics,
            traces,
        })
    }

    /// A decision was made.
    pub(crate) fn decided(&self, decided: &Decided<'_>) {
        self.metrics.decided(decided);
        log::tell(decided);
        if let Some(traces) = &self.traces {
            traces.decided(decided);
        }
        if let Some(audit) = self.audit.as_ref().filter(|_| !decided.is_allowed()) {
            audit.write(Event::refused(decided));
        }
    }

    /// Somebody was turned away before there was anything to decide.
    pub(crate) fn turned_away(&self, reason: &'static str) {
        self.metrics.turned_away(reason);
    }

    /// Everything was read anew, or nothing was, for this problem.
    pub(crate) fn reloaded(&self, problem: Option<&str>) {
        self.metrics.reloaded(problem.is_none());
        self.happened(match problem {
            None => Event::now("reloaded"),
            Some(problem) => Event::now("reload_failed").with("problem", problem),
        });
    }

    /// What a scrape gets.
    pub(crate) fn metrics(&self, state: &State) -> String {
        self.metrics.text(state)
    }

    /// Something else happened that is to be accounted for.
    pub(crate) fn happened(&self, event: Event) {
        if let Some(audit) = &self.audit {
            audit.write(event);
        }
    }

    /// Waits until all of it is told, for a while.
    pub(crate) fn end(&self) {
        if let Some(traces) = &self.traces {
            traces.end();
        }
        if let Some(audit) = &self.audit {
            audit.flush();
        }
    }
}
