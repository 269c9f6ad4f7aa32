//! The application: the one list of all its parts, and how they are replaced while it runs.
//!
//! A reload reads everything and changes all or nothing; a single file that changes by itself is
//! taken alone. Either way a new [`World`] is made from what is good and put in the old one's
//! place, so that every answer follows from one state.

use std::collections::BTreeMap;
use std::fs;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tracing::{error, info, warn};
use zeroize::Zeroizing;

use crate::authn::{KeySource, Limits, Realm, Verifier};
use crate::config::{self, ApiKeySettings, Cache, PolicySettings, RealmSettings, Settings};
use crate::gate::{Gate, Policy, World};
use crate::identity::Pepper;
use crate::policy::{PolicyRef, Rule, Rules};
use crate::server::admin::Control;
use crate::store::{ApiKeys, Groups, Htpasswd, SqliteStore, StoreError, Unusable, Watched};

/// How often files and the key store are looked at.
pub(crate) const LOOK: Duration = Duration::from_millis(100);
/// How many looks pass between two writes of the keys' last use.
const LOOKS_PER_FLUSH: u32 = 600;

/// A configuration at work.
pub struct Application {
    gate: Arc<Gate>,
    source: config::Source,
    parts: Mutex<Parts>,
    /// The key store of `parts`, to be looked at while those are busy.
    keys: ArcSwapOption<ApiKeys>,
}

/// What a world is made from.
struct Parts {
    settings: Settings,
    /// The configuration file itself, for its changes.
    file: Watched<()>,
    /// The problem that keeps a changed configuration from being taken, as it was last told.
    untaken: Option<String>,
    realms: BTreeMap<String, Files>,
    keys: Option<Arc<ApiKeys>>,
    verifier: Arc<Verifier>,
}

/// The files of a realm.
struct Files {
    users: Option<Watched<Htpasswd>>,
    groups: Option<Watched<Groups>>,
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
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Threads or random bytes.
    #[error("can't start verifying passwords: {0}")]
    Verifier(#[from] std::io::Error),
}

impl Application {
    /// Builds everything from settings.
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(source: config::Source, settings: Settings) -> Result<Arc<Self>, BuildError> {
        let parts = Parts::build(settings, None)?;
        parts.tell();
        Ok(Arc::new(Self {
            gate: Arc::new(Gate::new(parts.world())),
            source,
            keys: ArcSwapOption::new(parts.keys.clone()),
            parts: Mutex::new(parts),
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
        let mut parts = self.lock();
        let (settings, mut advice) = self.source.load()?;
        settings.readable()?;
        let fresh = Parts::build(settings, Some(&parts))?;
        advice.extend(fresh.settings.needs_restart(&parts.settings));
        if let Some(keys) = &fresh.keys {
            keys.refresh()?;
        }
        self.gate.replace(fresh.world());
        self.keys.store(fresh.keys.clone());
        *parts = fresh;
        parts.tell();
        info!("reloaded");
        Ok(advice.into_iter().chain(parts.warnings()).collect())
    }

    /// Reads users, groups and keys anew, after a command has changed them.
    ///
    /// # Errors
    /// [`BuildError`]; a file that can't be used keeps its last good state.
    pub fn refresh(&self) -> Result<(), BuildError> {
        let mut parts = self.lock();
        let mut first = None;
        for files in parts.realms.values_mut() {
            for result in files.refresh() {
                if let Err(unusable) = result {
                    first.get_or_insert(unusable);
                }
            }
        }
        // SECURITY: users who are gone are gone, whatever becomes of the keys.
        self.gate.replace(parts.world());
        if let Some(keys) = &parts.keys {
            keys.refresh()?;
        }
        match first {
            None => Ok(()),
            Some(unusable) => Err(unusable.into()),
        }
    }

    /// Looks after files and keys, each on a thread of its own, until the application is dropped.
    ///
    /// # Errors
    /// When there can be no threads.
    pub fn watch(self: &Arc<Self>) -> std::io::Result<()> {
        self.every_look("watch-files", |app, _| app.look())?;
        let mut away = false;
        self.every_look("watch-keys", move |app, looks| {
            away = app.look_at_keys(away);
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

    /// One look at the key store; told when it goes away and when it is back.
    fn look_at_keys(&self, was_away: bool) -> bool {
        let looked = self.keys.load().as_ref().map_or(Ok(()), |keys| keys.poll());
        match (&looked, was_away) {
            (Err(error), false) => error!(%error, "the key store is away"),
            (Ok(()), true) => info!("the key store is back"),
            _ => {}
        }
        looked.is_err()
    }

    /// One look at the files.
    fn look(&self) {
        let mut parts = self.lock();
        match parts.file.poll() {
            Ok(false) => {}
            Ok(true) => parts.untaken = Some(String::new()),
            Err(unusable) => error!("the configuration is left as it was: {unusable}"),
        }
        if let Some(told) = parts.untaken.clone() {
            drop(parts);
            self.take_changes(&told);
            return;
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
                    Err(unusable) => error!(realm, "kept as it was: {unusable}"),
                }
            }
        }
        if changed {
            self.gate.replace(parts.world());
            info!("users or groups were read anew");
        }
    }

    /// Takes a changed configuration. What stands in its way, such as a file that isn't there yet,
    /// may go: so it is tried again at every look, and told when the problem is another one.
    fn take_changes(&self, told: &str) {
        match self.reload() {
            Ok(advice) => advice.iter().for_each(|advice| warn!("{advice}")),
            Err(error) => {
                let problem = error.to_string();
                if problem != told {
                    error!("the configuration is left as it was:\n{problem}");
                }
                self.lock().untaken = Some(problem);
            }
        }
    }

    /// A panic while the parts are held leaves them whole: they are replaced, not changed.
    fn lock(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Control for Application {
    fn serves(&self, config: &[u8]) -> bool {
        self.source.identity().as_os_str().as_encoded_bytes() == config
    }

    fn ready(&self) -> Result<(), String> {
        let looked = self.keys.load().as_ref().map_or(Ok(()), |keys| keys.poll());
        looked.map_err(|error| error.to_string())
    }

    fn reload(&self) -> Result<Vec<String>, String> {
        Self::reload(self).map_err(|error| error.to_string())
    }

    fn refresh(&self) -> Result<(), String> {
        Self::refresh(self).map_err(|error| error.to_string())
    }
}

impl Parts {
    /// Reads every file; takes over from `old` what stays as it is.
    fn build(settings: Settings, old: Option<&Self>) -> Result<Self, BuildError> {
        let limits = Limits {
            ttl: settings.cache.ttl,
            capacity: settings.cache.capacity,
        };
        let verifier = match old.filter(|old| old.verifier.limits() == limits) {
            Some(old) => Arc::clone(&old.verifier),
            None => Arc::new(Verifier::start(
                limits,
                lasting_secret(&settings)?.as_deref(),
            )?),
        };
        let keys = if settings.realms.values().any(RealmSettings::has_keys) {
            let kept = old
                .filter(|old| old.settings.api_keys == settings.api_keys)
                .filter(|old| same_key_cache(&old.settings.cache, &settings.cache))
                .and_then(|old| old.keys.clone());
            match kept {
                Some(keys) => Some(keys),
                None => {
                    let cache = &settings.cache;
                    let (store, pepper) = (&settings.api_keys.store, pepper(&settings.api_keys)?);
                    let keys = ApiKeys::open(store, pepper, cache.capacity, cache.offline_ttl)?;
                    Some(Arc::new(keys))
                }
            }
        } else {
            None
        };
        let realms = settings.realms.values();
        let realms = realms.map(|realm| Ok((realm.name.clone(), Files::open(realm)?)));
        Ok(Self {
            file: Watched::open(&settings.file, |_| Ok(()))?,
            realms: realms.collect::<Result<_, Unusable>>()?,
            untaken: None,
            keys,
            verifier,
            settings,
        })
    }

    /// The world that these parts make.
    fn world(&self) -> World {
        let realms: Vec<Realm> = self
            .settings
            .realms
            .values()
            .map(|realm| self.realm(realm))
            .collect();
        let policies: Vec<Policy> = self
            .settings
            .policies
            .values()
            .filter_map(|policy| self.policy(policy, &realms))
            .collect();
        World {
            rules: self.rules(&policies),
            policies,
            realms,
            identity_headers: self.settings.identity_headers.clone(),
            trusted_proxies: self.settings.server.trusted_proxies.clone(),
            verifier: Arc::clone(&self.verifier),
        }
    }

    fn realm(&self, settings: &RealmSettings) -> Realm {
        let files = self.realms.get(&settings.name);
        let users = files.and_then(|files| files.users.as_ref());
        let groups = files.and_then(|files| files.groups.as_ref());
        Realm {
            name: settings.name.clone(),
            title: settings.title.clone(),
            users: users.map(|users| Arc::clone(users.current())),
            groups: groups
                .map(|groups| Arc::clone(groups.current()))
                .unwrap_or_default(),
            keys: self
                .keys
                .clone()
                .filter(|_| settings.has_keys())
                .map(|keys| KeySource {
                    keys,
                    prefix: self.settings.api_keys.prefix.clone(),
                }),
            query_param: settings.query_param.clone(),
        }
    }

    fn policy(&self, settings: &PolicySettings, realms: &[Realm]) -> Option<Policy> {
        let realm = realms
            .iter()
            .position(|realm| realm.name == settings.realm)?;
        let offer = settings.offer.as_ref();
        Some(Policy {
            name: settings.name.clone(),
            realm,
            requirement: settings.requirement.clone(),
            offers: offer
                .unwrap_or(&self.settings.realms.get(&settings.realm)?.offer)
                .clone(),
            allow_from: settings.allow_from.clone(),
        })
    }

    fn rules(&self, policies: &[Policy]) -> Rules {
        let policy = |name: &str| match name {
            "open" => PolicyRef::Open,
            // The settings have seen that every other name exists; one that doesn't opens nothing.
            _ => policies
                .iter()
                .position(|policy| policy.name == name)
                .map_or(PolicyRef::Closed, PolicyRef::Named),
        };
        let rules = self.settings.rules.iter().map(|rule| Rule {
            hosts: rule.hosts.clone(),
            paths: rule.paths.clone(),
            methods: rule.methods.clone(),
            policy: policy(&rule.policy),
        });
        Rules::new(rules.collect())
    }

    /// Logs what is worth knowing about the files.
    fn tell(&self) {
        for (realm, files) in &self.realms {
            files.tell(realm);
        }
    }

    fn warnings(&self) -> Vec<String> {
        self.realms.values().flat_map(Files::warnings).collect()
    }
}

/// The pepper's fingerprint, which all machines of a site share, else this machine's id.
fn lasting_secret(settings: &Settings) -> Result<Option<Vec<u8>>, Unusable> {
    let shared = pepper(&settings.api_keys)?.map(|pepper| pepper.fingerprint().into_bytes());
    Ok(shared.or_else(|| fs::read("/etc/machine-id").ok().filter(|id| !id.is_empty())))
}

/// Whether the key store can be kept open.
fn same_key_cache(one: &Cache, two: &Cache) -> bool {
    (one.capacity, one.offline_ttl) == (two.capacity, two.offline_ttl)
}

/// Opens the key store of a configuration, as commands use it.
///
/// # Errors
/// [`BuildError`].
pub fn open_key_store(settings: &ApiKeySettings) -> Result<SqliteStore, BuildError> {
    Ok(SqliteStore::open(&settings.store, pepper(settings)?)?)
}

/// The pepper, less one line end.
fn pepper(settings: &ApiKeySettings) -> Result<Option<Pepper>, Unusable> {
    let Some(path) = &settings.pepper_file else {
        return Ok(None);
    };
    let unusable = |why: String| Unusable {
        path: path.clone(),
        why,
    };
    let mut bytes = Zeroizing::new(fs::read(path).map_err(|e| unusable(e.to_string()))?);
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    Pepper::new(bytes)
        .map(Some)
        .map_err(|e| unusable(e.to_string()))
}

impl Files {
    fn open(settings: &RealmSettings) -> Result<Self, Unusable> {
        let weak = settings.allow_weak;
        let users = settings.htpasswd.as_ref().map(|path| {
            Watched::open(path, move |bytes| {
                Htpasswd::parse(bytes, weak).map_err(|e| e.to_string())
            })
        });
        let groups = settings.groups.as_ref().map(|path| {
            Watched::open(path, |bytes| {
                Groups::parse(bytes).map_err(|e| e.to_string())
            })
        });
        Ok(Self {
            users: users.transpose()?,
            groups: groups.transpose()?,
        })
    }

    fn poll(&mut self) -> [Result<bool, Unusable>; 2] {
        [
            self.users.as_mut().map_or(Ok(false), Watched::poll),
            self.groups.as_mut().map_or(Ok(false), Watched::poll),
        ]
    }

    fn refresh(&mut self) -> [Result<(), Unusable>; 2] {
        [
            self.users.as_mut().map_or(Ok(()), Watched::refresh),
            self.groups.as_mut().map_or(Ok(()), Watched::refresh),
        ]
    }

    fn tell(&self, realm: &str) {
        for warning in self.warnings() {
            warn!(realm, "{warning}");
        }
    }

    /// Every line that can't be used, and every group member who is nobody, file and line first.
    fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Some(users) = &self.users {
            let file = users.path().display();
            let told = users.current().warnings().iter();
            warnings.extend(told.map(|warning| format!("{file}: {warning}")));
        }
        if let Some(groups) = &self.groups {
            let file = groups.path().display();
            let told = groups.current().warnings().iter();
            warnings.extend(told.map(|warning| format!("{file}: {warning}")));
            let users = self.users.as_ref().map(Watched::current);
            let strangers = groups.current().members().filter(|(name, _)| {
                users.is_some_and(|users| users.get(name.as_bytes()).is_none())
            });
            let mut strangers: Vec<_> = strangers.map(|(name, line)| (line, name)).collect();
            strangers.sort();
            warnings.extend(strangers.into_iter().map(|(line, name)| {
                format!("{file}: line {line}: member {name} is no user of this realm")
            }));
        }
        warnings
    }
}
