//! The application: the one list of all its parts, and how they are replaced while it runs.
//!
//! A reload reads everything and changes all or nothing; a single file that changes by itself is
//! taken alone. Either way a new [`World`](crate::gate::World) is made from what is good and put in the old one's
//! place, so that every answer follows from one state.

mod access;
mod parts;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tracing::{error, info, warn};

pub use parts::open_key_store;
use parts::{Parts, Untaken};

use crate::config::{self, Settings};
use crate::gate::Gate;
use crate::server::admin::Control;
use crate::store::{ApiKeys, StoreError, Unusable};
use crate::supervisor;
use crate::telemetry::{Observer, State};

/// How often files and the key store are looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(100);
/// How many looks pass between two tries to take a configuration that could not be taken.
const LOOKS_PER_TRY: u32 = 10;
/// How many looks pass between two writes of the keys' last use.
const LOOKS_PER_FLUSH: u32 = 600;

/// A configuration at work.
pub struct Application {
    gate: Arc<Gate>,
    source: config::Source,
    parts: Mutex<Parts>,
    /// What it was started with: sockets and workers stay as they are.
    started: Settings,
    /// The key store of `parts`, to be looked at while those are busy.
    keys: ArcSwapOption<ApiKeys>,
    observer: Arc<Observer>,
}

/// Why an application can't be built, or not in the way a new configuration says.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] config::Problems),
    /// A file.
    #[error(transparent)]
    File(#[from] Unusable),
    /// The key store.
    #[error("[api_keys] store: {0}")]
    Store(#[from] StoreError),
    /// The running service asks another key store than a command has changed.
    #[error(
        "its keys are from {0}, another store; if that is out of date, change `store` in [api_keys] \
         and run `htgate reload`"
    )]
    OtherStore(String),
    /// Threads or random bytes.
    #[error("can't start verifying passwords: {0}")]
    Verifier(#[from] std::io::Error),
}

impl Application {
    /// Builds everything from settings.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(
        source: config::Source,
        settings: Settings,
        observer: &Arc<Observer>,
    ) -> Result<Arc<Self>, BuildError> {
        let parts = Parts::build(settings, None)?;
        parts.tell();
        Ok(Arc::new(Self {
            gate: Arc::new(Gate::new(parts.world())),
            source,
            started: parts.settings.clone(),
            keys: ArcSwapOption::new(parts.keys.clone()),
            parts: Mutex::new(parts),
            observer: Arc::clone(observer),
        }))
    }

    /// What is worth knowing about the files, each line with its place.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.lock().warnings()
    }

    /// What answers questions.
    #[must_use]
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Reads everything anew: configuration, files and keys. When it returns, the new state
    /// answers. What it returns is worth saying, but stopped nothing.
    ///
    /// # Errors
    /// [`BuildError`]; then the old state still answers, unchanged.
    pub fn reload(&self) -> Result<Vec<String>, BuildError> {
        let done = self.read_anew();
        if let Ok(warnings) = &done {
            info!("reloaded");
            for warning in warnings {
                warn!("{warning}");
            }
        }
        supervisor::reloaded(done.as_ref().err());
        let problem = done.as_ref().err().map(one_line);
        self.observer.reloaded(problem.as_deref());
        done
    }

    fn read_anew(&self) -> Result<Vec<String>, BuildError> {
        let mut parts = self.lock();
        let (settings, mut advice) = self.source.load()?;
        settings.usable()?;
        let fresh = Parts::build(settings, Some(&parts))?;
        advice.extend(fresh.settings.needs_restart(&self.started));
        if let Some(keys) = &fresh.keys {
            match keys.refresh() {
                // Users don't wait for a database.
                Err(away @ StoreError::Away { .. }) => advice.push(format!(
                    "the key store is away: {away}; everything else was read anew"
                )),
                caught_up => caught_up?,
            }
        }
        self.gate.replace(fresh.world());
        self.keys.store(fresh.keys.clone());
        *parts = fresh;
        Ok(advice.into_iter().chain(parts.warnings()).collect())
    }

    /// Reads users and groups anew, after a command has changed them.
    ///
    /// # Errors
    /// [`BuildError`]; a file that can't be used keeps its last good state.
    pub fn refresh_users(&self) -> Result<(), BuildError> {
        let mut parts = self.lock();
        let mut first = None;
        for files in parts.realms.values_mut() {
            for result in files.refresh() {
                if let Err(unusable) = result {
                    first.get_or_insert(unusable);
                }
            }
        }
        self.gate.replace(parts.world());
        match first {
            None => Ok(()),
            Some(unusable) => Err(unusable.into()),
        }
    }

    /// Takes up every change of keys, after a command has made one in the store of this identity.
    ///
    /// # Errors
    /// [`StoreError`]; then no key counts that the store doesn't tell of anew. Or it is another store.
    pub fn refresh_keys(&self, store: &str) -> Result<(), BuildError> {
        let Some(keys) = self.keys.load_full() else {
            return Ok(());
        };
        if keys.place().identity() != store {
            return Err(BuildError::OtherStore(keys.place().setting()));
        }
        Ok(keys.refresh()?)
    }

    /// Looks after files and keys, each on a thread of its own, until the application is dropped.
    ///
    /// # Errors
    /// When there can be no threads.
    pub fn watch(self: &Arc<Self>) -> std::io::Result<()> {
        self.every_look("watch-files", |app, _| app.look())?;
        let mut away: Option<String> = None;
        self.every_look("watch-keys", move |app, looks| {
            away = app.look_at_keys(away.as_deref());
            if looks % LOOKS_PER_FLUSH == 0 {
                app.flush();
            }
        })
    }

    fn every_look(
        self: &Arc<Self>,
        name: &str,
        mut look: impl FnMut(&Self, u32) + Send + 'static,
    ) -> std::io::Result<()> {
        let weak = Arc::downgrade(self);
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn(move || {
            let mut looks: u32 = 0;
            while let Some(app) = Weak::upgrade(&weak) {
                looks = looks.wrapping_add(1);
                look(&app, looks);
                drop(app);
                thread::sleep(LOOK);
            }
        })?;
        Ok(())
    }

    /// Writes down when keys were last used.
    pub fn flush(&self) {
        let keys = self.keys.load_full();
        if let Some(Err(error)) = keys.map(|keys| keys.flush_last_used()) {
            warn!(%error, "the keys' last use could not be written down");
        }
    }

    /// One look at the key store; told when it goes away, when there is another reason for that,
    /// and when it is back.
    fn look_at_keys(&self, was_away: Option<&str>) -> Option<String> {
        let away = self.poll_keys().err().map(|error| error.to_string());
        match (&away, was_away) {
            (Some(error), None) => error!(error, "the key store is away"),
            (Some(error), Some(before)) if error != before => {
                error!(error, "the key store is still away");
            }
            (None, Some(_)) => info!("the key store is back"),
            _ => {}
        }
        away
    }

    fn poll_keys(&self) -> Result<(), StoreError> {
        self.keys.load().as_ref().map_or(Ok(()), |keys| keys.poll())
    }

    /// One look at the files.
    fn look(&self) {
        let mut parts = self.lock();
        match parts.file.poll() {
            Ok(false) => {}
            Ok(true) => parts.untaken = Some(Untaken::default()),
            Err(unusable) => error!("the configuration is left as it was: {unusable}"),
        }
        if let Some(untaken) = &mut parts.untaken {
            untaken.looks += 1;
            if untaken.looks % LOOKS_PER_TRY == 1 {
                drop(parts);
                self.take_changes();
                parts = self.lock();
            }
        }
        let mut changed = false;
        for (realm, files) in &mut parts.realms {
            for result in files.poll() {
                match result {
                    Ok(false) => {}
                    Ok(true) => {
                        changed = true;
                        files.tell(realm);
                    }
                    Err(unusable) => {
                        error!(realm, "kept as it was: {unusable}");
                        self.observer.reloaded(Some(&one_line(&unusable)));
                    }
                }
            }
        }
        if changed {
            self.gate.replace(parts.world());
            info!("users or groups were read anew");
        }
    }

    /// Takes a changed configuration. What stands in its way, such as a file that isn't there yet,
    /// may go: so it is tried again, and told when the problem is another one.
    fn take_changes(&self) {
        if let Err(error) = self.reload() {
            let problem = one_line(&error);
            let mut parts = self.lock();
            if let Some(untaken) = &mut parts.untaken
                && untaken.problem != problem
            {
                error!("the configuration is left as it was: {problem}");
                untaken.problem = problem;
            }
        }
    }

    /// A panic while the parts are held leaves them whole: they are replaced, not changed.
    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Problems on one line, for the log.
pub(crate) fn one_line(problems: &impl ToString) -> String {
    let problems = problems.to_string();
    let lines: Vec<&str> = problems.lines().map(str::trim).collect();
    lines.join("; ")
}

impl Control for Application {
    fn serves(&self, config: &[u8]) -> bool {
        self.source.identity().as_os_str().as_encoded_bytes() == config
    }

    fn ready(&self) -> Result<(), String> {
        self.poll_keys().map_err(|error| error.to_string())
    }

    fn metrics(&self) -> String {
        let world = self.gate.world();
        let keys = self.keys.load();
        let users = world
            .realms
            .iter()
            .filter_map(|realm| Some((realm.name.clone(), realm.users.as_ref()?.entries().len())));
        self.observer.metrics(&State {
            store_up: keys.as_ref().map(|keys| keys.poll().is_ok()),
            keys: keys.as_ref().map(|keys| keys.looks()).unwrap_or_default(),
            verifier: world.verifier.load(),
            users: users.collect(),
        })
    }

    fn reload(&self) -> Result<Vec<String>, String> {
        Self::reload(self).map_err(|error| error.to_string())
    }

    fn refresh_users(&self) -> Result<(), String> {
        Self::refresh_users(self).map_err(|error| error.to_string())
    }

    fn refresh_keys(&self, store: &str) -> Result<(), String> {
        Self::refresh_keys(self, store).map_err(|error| error.to_string())
    }
}
