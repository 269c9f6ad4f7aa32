//! What a configuration means: words become types, and names are held against each other.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tracing::level_filters::LevelFilter;

use super::problem::suggestion;
use crate::authn::Allowance;
use crate::endpoint::IdentityHeaders;
use crate::http_auth::{Realm, Scheme};
use crate::identity::Prefix;
use crate::password_hash::WeakFormats;
use crate::policy::Requirement;
use crate::request::host::HostPattern;
use crate::request::method::Method;
use crate::request::network::Network;
use crate::request::path::PathPattern;
use crate::store::Place;

/// A configuration without contradictions. The files it names need not be there: see
/// [`Settings::usable`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration file.
    pub file: PathBuf,
    /// `[server]`
    pub server: Server,
    /// `[admin]`
    pub admin: Admin,
    /// `[realms.NAME]`
    pub realms: BTreeMap<String, RealmSettings>,
    /// `[policies.NAME]`
    pub policies: BTreeMap<String, PolicySettings>,
    /// `[[rules]]`, in order.
    pub rules: Vec<RuleSettings>,
    /// `[api_keys]`
    pub api_keys: ApiKeySettings,
    /// `[identity_headers]`
    pub identity_headers: IdentityHeaders,
    /// `[cache]`
    pub cache: Cache,
    /// `[throttle]`; nothing where it is off.
    pub throttle: Option<Allowance>,
    /// `[log]`
    pub log: Log,
    /// `[audit] file`: where changes and refusals are written down.
    pub audit: Option<PathBuf>,
    /// `[traces] otlp`: the collector that is told of decisions, as `http://host:port`.
    pub traces: Option<String>,
    /// The line of each key that the file has.
    pub(super) lines: HashMap<String, usize>,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Where to listen; at least one place.
    pub listen: Vec<Listen>,
    /// Mode of socket files.
    pub socket_mode: u32,
    /// Group of socket files.
    pub socket_group: Option<String>,
    /// Whose description of a request is believed.
    pub trusted_proxies: Vec<Network>,
    /// Worker threads; 0 is one per core.
    pub workers: usize,
}

/// `[admin]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where to listen.
    pub listen: Listen,
}

/// A place to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// `host:port`
    Tcp(String),
    /// `unix:/path`
    Unix(PathBuf),
    /// `systemd`: wherever the service manager's sockets are.
    Systemd,
}

/// `[realms.NAME]`: it has an htpasswd file, or keys, or both.
#[derive(Clone, Debug)]
pub struct RealmSettings {
    /// NAME
    pub name: String,
    /// What challenges say.
    pub title: Realm,
    /// The users' file.
    pub htpasswd: Option<PathBuf>,
    /// The group file.
    pub groups: Option<PathBuf>,
    /// `api_keys`
    pub keys: Keys,
    /// Challenges, in order; never empty.
    pub offer: Vec<Scheme>,
    /// Weak formats that count all the same.
    pub allow_weak: WeakFormats,
    /// The query parameter that may hold a key.
    pub query_param: Option<String>,
}

/// Whether a realm takes keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// It does.
    Accepted,
    /// It doesn't.
    Refused,
}

/// `[policies.NAME]`
#[derive(Clone, Debug)]
pub struct PolicySettings {
    /// NAME
    pub name: String,
    /// The name of a realm that exists.
    pub realm: String,
    /// What must hold.
    pub requirement: Requirement,
    /// Challenges in place of the realm's.
    pub offer: Option<Vec<Scheme>>,
    /// Addresses that need no credentials.
    pub allow_from: Vec<Network>,
}

/// `[[rules]]`
#[derive(Clone, Debug)]
pub struct RuleSettings {
    /// Hosts; empty: any.
    pub hosts: Vec<HostPattern>,
    /// Paths; empty: any.
    pub paths: Vec<PathPattern>,
    /// Methods; empty: any.
    pub methods: Vec<Method>,
    /// `open`, `closed` or the name of a policy that exists.
    pub policy: String,
}

/// `[api_keys]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeySettings {
    /// Where they are kept.
    pub store: Place,
    /// What new keys start with.
    pub prefix: Prefix,
    /// The file with the pepper.
    pub pepper_file: Option<PathBuf>,
}

/// `[cache]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cache {
    /// How long a verified password may skip its hash.
    pub ttl: Duration,
    /// How many verified passwords, and how many keys, are remembered.
    pub capacity: u64,
    /// How long keys are trusted after the store was last heard of.
    pub offline_ttl: Duration,
}

/// `[log]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// How lines look.
    pub format: LogFormat,
    /// The least that is logged.
    pub level: LevelFilter,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people, on standard error.
    Text,
    /// A JSON object a line, on standard error.
    Json,
    /// Entries with fields, to systemd's journal itself.
    Journald,
}

impl Listen {
    /// Whether both can't be had at once.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        let (Self::Tcp(one), Self::Tcp(two)) = (self, other) else {
            return self == other;
        };
        let (Some((host, port)), Some((other_host, other_port))) =
            (one.rsplit_once(':'), two.rsplit_once(':'))
        else {
            return false;
        };
        let any = |host| matches!(host, "0.0.0.0" | "[::]");
        port == other_port && port != "0" && (host == other_host || any(host) || any(other_host))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd => f.write_str("systemd"),
        }
    }
}

impl RealmSettings {
    /// Whether keys of this realm are accepted.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.keys == Keys::Accepted
    }
}

impl Settings {
    /// The realm of this name.
    ///
    /// # Errors
    /// A sentence that names the realms there are.
    pub fn realm(&self, name: &str) -> Result<&RealmSettings, String> {
        let known = || self.realms.keys().map(String::as_str);
        self.realms.get(name).ok_or_else(|| {
            let all: Vec<&str> = known().collect();
            let near = suggestion(name, known());
            format!(
                "no realm is called {name:?} (there is: {}){near}",
                all.join(", ")
            )
        })
    }

    /// The line of a key or section in the file, such as `policies.staff` or `rules.[0]`.
    #[must_use]
    pub fn line(&self, key: &str) -> Option<usize> {
        self.lines.get(key).copied()
    }

    /// What a reload can't change.
    #[must_use]
    pub fn needs_restart(&self, old: &Self) -> Vec<String> {
        let mut said = Vec::new();
        let sockets = |server: &Server| {
            (
                server.listen.clone(),
                server.socket_mode,
                server.socket_group.clone(),
            )
        };
        if sockets(&self.server) != sockets(&old.server)
            || self.server.workers != old.server.workers
        {
            said.push("[server]: sockets and workers change with a restart".to_owned());
        }
        if self.admin != old.admin {
            said.push("[admin] listen: changes with a restart".to_owned());
        }
        if self.log != old.log || self.audit != old.audit || self.traces != old.traces {
            said.push("[log], [audit] and [traces]: change with a restart".to_owned());
        }
        said
    }
}
