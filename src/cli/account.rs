//! Accounting for what commands change: a line in the audit log, if there is one.

use nix::unistd::{User, getuid};

use super::{Exit, Failure};
use crate::config::Settings;
use crate::identity::ApiKeyRecord;
use crate::telemetry::audit::{Event, Trail};

/// The audit log of a configuration, open before anything is changed.
pub(super) struct Account(Option<Trail>);

impl Account {
    /// Opens the audit log.
    ///
    /// # Errors
    /// When it can't be written: then nothing may be changed.
    pub(super) fn open(settings: &Settings) -> Result<Self, Failure> {
        let trail = settings.audit.as_deref().map(Trail::open).transpose();
        let trail = trail.map_err(|error| {
            Failure::new(Exit::Io, format_args!("{error}; nothing was changed"))
        })?;
        Ok(Self(trail))
    }

    /// Writes down what was changed, and by whom.
    ///
    /// # Errors
    /// When it can't be written any more; the change is made.
    pub(super) fn changed(&mut self, event: Event) -> Result<(), Failure> {
        let Some(trail) = &mut self.0 else {
            return Ok(());
        };
        let uid = getuid();
        let name = User::from_uid(uid).ok().flatten().map(|user| user.name);
        let name = name.unwrap_or_else(|| uid.to_string());
        // Only root's environment is worth anything.
        let behind = std::env::var("SUDO_USER").ok().filter(|_| uid.is_root());
        let event = event.with(
            "by",
            behind.map_or(name.clone(), |user| format!("{user}, as {name}")),
        );
        trail.write(&event).map_err(|error| {
            Failure::new(
                Exit::Io,
                format_args!("the change is made, but is not in the audit log: {error}"),
            )
        })
    }
}

/// What became of a key, with all that the audit log says of it: never a secret or a digest.
pub(super) fn key(event: &str, record: &ApiKeyRecord) -> Event {
    let listed = |items: Vec<String>| {
        if items.is_empty() {
            "-".to_owned()
        } else {
            items.join(",")
        }
    };
    let owner = record.owner.as_ref().map_or("-", |owner| owner.as_str());
    let scopes = record.scopes.iter().map(|scope| scope.as_str().to_owned());
    let networks = record.networks.iter().map(ToString::to_string);
    let expires = record
        .expires
        .map_or_else(|| "never".to_owned(), |at| at.to_string());
    Event::now(event)
        .with("key", record.id)
        .with("name", record.name.as_str())
        .with("realm", &record.realm)
        .with("owner", owner)
        .with("scopes", listed(scopes.collect()))
        .with("networks", listed(networks.collect()))
        .with("expires", expires)
}
