//! What a world is made from, and how it is made.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;

use tracing::warn;
use zeroize::Zeroizing;

use super::{BuildError, access};
use crate::authn::{Clock, KeySource, Limits, Realm, Verifier};
use crate::config::{ApiKeySettings, Cache, RealmSettings, Settings};
use crate::gate::{Policies, World};
use crate::identity::{Pepper, Shown};
use crate::policy::Rules;
use crate::store::{ApiKeys, Groups, Htpasswd, KeyStore, Unusable, Watched};

/// What a world is made from.
pub(super) struct Parts {
    pub(super) settings: Settings,
    rules: Arc<Rules>,
    policies: Arc<Policies>,
    /// The configuration file itself, for its changes.
    pub(super) file: Watched<()>,
    /// A changed configuration that could not be taken yet.
    pub(super) untaken: Option<Untaken>,
    pub(super) realms: BTreeMap<String, Files>,
    pub(super) keys: Option<Arc<ApiKeys>>,
    /// What is to be said of the keys, as they were found.
    moved: Option<String>,
    pub(super) verifier: Arc<Verifier>,
    clock: Arc<Clock>,
}

/// Why a changed configuration isn't in force.
#[derive(Default)]
pub(super) struct Untaken {
    /// The problem, as it was last told.
    pub(super) problem: String,
    /// How many looks ago it was found.
    pub(super) looks: u32,
}

/// The files of a realm.
pub(super) struct Files {
    pub(super) users: Option<Watched<Htpasswd>>,
    pub(super) groups: Option<Watched<Groups>>,
}

impl Parts {
    /// Reads every file; takes over from `old` what stays as it is.
    pub(super) fn build(settings: Settings, old: Option<&Self>) -> Result<Self, BuildError> {
        let limits = Limits {
            ttl: settings.cache.ttl,
            capacity: settings.cache.capacity,
            guesses: settings.throttle,
        };
        let verifier = match old.filter(|old| old.verifier.limits() == limits) {
            Some(old) => Arc::clone(&old.verifier),
            None => Arc::new(Verifier::start(
                limits,
                lasting_secret(&settings)?.as_deref(),
            )?),
        };
        let keys = if settings.realms.values().any(RealmSettings::has_keys) {
            let pepper = pepper(&settings.api_keys)?;
            let before = old.and_then(|old| old.keys.as_ref());
            let kept = before
                .filter(|_| old.is_some_and(|old| same_keys(&old.settings, &settings)))
                .filter(|keys| keys.has_pepper(pepper.as_ref()));
            Some(match kept {
                Some(keys) => Arc::clone(keys),
                None => {
                    let (store, cache) = (&settings.api_keys.store, &settings.cache);
                    let keys = ApiKeys::open(store, pepper, cache.capacity, cache.offline_ttl)?;
                    if before.is_some() {
                        keys.poll()?; // one that is away doesn't take the place of one that may not be
                    }
                    Arc::new(keys)
                }
            })
        } else {
            None
        };
        let realms = settings.realms.values();
        let realms = realms.map(|realm| Ok((realm.name.clone(), Files::open(realm)?)));
        let policies = access::policies(&settings);
        Ok(Self {
            rules: Arc::new(access::rules(&settings, &policies)),
            policies: Arc::new(policies),
            file: Watched::open(&settings.file, |_| Ok(()))?,
            realms: realms.collect::<Result<_, Unusable>>()?,
            untaken: None,
            moved: keys.as_ref().and_then(|keys| moved(keys)),
            keys,
            verifier,
            clock: old.map(|old| Arc::clone(&old.clock)).unwrap_or_default(),
            settings,
        })
    }

    /// The world that these parts make.
    pub(super) fn world(&self) -> World {
        let realms: Vec<Realm> = self
            .settings
            .realms
            .values()
            .map(|realm| self.realm(realm))
            .collect();
        World {
            rules: Arc::clone(&self.rules),
            policies: Arc::clone(&self.policies),
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
                    clock: Arc::clone(&self.clock),
                }),
            query_param: settings.query_param.clone(),
        }
    }

    /// Logs what is worth knowing about the files.
    pub(super) fn tell(&self) {
        for (realm, files) in &self.realms {
            files.tell(realm);
        }
        if let Some(moved) = &self.moved {
            warn!("{moved}");
        }
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        let of_files = self.realms.values().flat_map(Files::warnings);
        of_files.chain(self.moved.clone()).collect()
    }
}

/// That the keys are kept elsewhere by now, and so what is revoked there counts here.
fn moved(keys: &ApiKeys) -> Option<String> {
    let (here, there) = (keys.place(), keys.moved_to().ok().flatten()?);
    Some(format!(
        "{here}: its keys were moved to {there}, and changes there don't count here; set `store` in \
         [api_keys] to that"
    ))
}

/// The pepper's fingerprint, which all machines of a site share, else this machine's id.
fn lasting_secret(settings: &Settings) -> Result<Option<Vec<u8>>, Unusable> {
    let shared = pepper(&settings.api_keys)?.map(|pepper| pepper.fingerprint().into_bytes());
    Ok(shared.or_else(|| fs::read("/etc/machine-id").ok().filter(|id| !id.is_empty())))
}

/// Whether the key store can be kept open, but for its pepper.
fn same_keys(one: &Settings, two: &Settings) -> bool {
    let cache = |cache: &Cache| (cache.capacity, cache.offline_ttl);
    one.api_keys == two.api_keys && cache(&one.cache) == cache(&two.cache)
}

/// Opens the key store of a configuration, as commands use it.
///
/// # Errors
/// [`BuildError`].
pub fn open_key_store(settings: &ApiKeySettings) -> Result<KeyStore, BuildError> {
    Ok(KeyStore::open(&settings.store, pepper(settings)?)?)
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

    pub(super) fn poll(&mut self) -> [Result<bool, Unusable>; 2] {
        [
            self.users.as_mut().map_or(Ok(false), Watched::poll),
            self.groups.as_mut().map_or(Ok(false), Watched::poll),
        ]
    }

    pub(super) fn refresh(&mut self) -> [Result<(), Unusable>; 2] {
        [
            self.users.as_mut().map_or(Ok(()), Watched::refresh),
            self.groups.as_mut().map_or(Ok(()), Watched::refresh),
        ]
    }

    pub(super) fn tell(&self, realm: &str) {
        for warning in self.warnings() {
            warn!(realm, "{warning}");
        }
    }

    /// Every line that can't be used, and every group member who is nobody, file and line first.
    pub(super) fn warnings(&self) -> Vec<String> {
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
            let members = groups.current().members();
            let strangers =
                members.filter(|(name, _)| users.is_some_and(|users| users.get(name).is_none()));
            warnings.extend(strangers.map(|(name, line)| match name {
                // SECURITY: lines of a password file; what is in them is not for the log.
                [b'$' | b'{', ..] => format!(
                    "{file}: line {line}: a member looks like a password's hash; this file is for groups"
                ),
                _ => {
                    let name = Shown(name);
                    format!("{file}: line {line}: member {name} is no user of this realm")
                }
            }));
        }
        warnings
    }
}
