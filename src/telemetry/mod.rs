//! What the service tells of itself: the log, for people, and the audit log, for those who have to
//! account for changes and refusals.

pub(crate) mod audit;
mod decided;
mod log;

use std::io;

pub(crate) use decided::Decided;
pub(crate) use log::start;

use crate::config::Settings;
use audit::{Event, Writer};

/// Whoever is told of decisions; shared by all that make any.
#[derive(Default)]
pub struct Observer {
    audit: Option<Writer>,
}

impl Observer {
    /// For the service of these settings.
    ///
    /// # Errors
    /// When the audit log can't be written.
    pub(crate) fn of(settings: &Settings) -> io::Result<Self> {
        let audit = settings.audit.as_deref().map(Writer::start).transpose()?;
        Ok(Self { audit })
    }

    /// A decision was made.
    pub(crate) fn decided(&self, decided: &Decided<'_>) {
        log::tell(decided);
        if let Some(audit) = self.audit.as_ref().filter(|_| !decided.is_allowed()) {
            audit.write(Event::refused(decided));
        }
    }

    /// Something else happened that is to be accounted for.
    pub(crate) fn happened(&self, event: Event) {
        if let Some(audit) = &self.audit {
            audit.write(event);
        }
    }

    /// Waits until all of it is written down.
    pub(crate) fn flush(&self) {
        if let Some(audit) = &self.audit {
            audit.flush();
        }
    }
}
