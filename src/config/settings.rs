//! What a configuration means: words become types, and names are held against each other.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::Document;
use super::problem::{Problem, Problems, suggestion};
use super::{duration, raw};
use crate::endpoint::{IdentityHeaders, Slot};
use crate::http_auth::{Realm, Scheme};
use crate::identity::Prefix;
use crate::password_hash::{WeakFormat, WeakFormats};
use crate::policy::Requirement;
use crate::request::host::HostPattern;
use crate::request::method::Method;
use crate::request::network::Network;
use crate::request::path::PathPattern;

/// A configuration without contradictions. The files it names need not be there: see
/// [`Settings::readable`].
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
    /// The SQLite file.
    pub store: PathBuf,
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

impl Listen {
    /// Whether both can't be had at once.
    fn overlaps(&self, other: &Self) -> bool {
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

    /// Whether the files that are named can be read, and the pepper by nobody else.
    ///
    /// # Errors
    /// All [`Problems`].
    pub fn readable(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let mut try_open = |key: String, path: &Path, hint: &str| {
            if let Err(error) = File::open(path) {
                problems.push(Problem {
                    line: 0,
                    place: self.file.display().to_string(),
                    message: format!("{key}: can't read {}: {error}{hint}", path.display()),
                });
            }
        };
        for realm in self.realms.values() {
            let section = format!("[realms.{}]", realm.name);
            if let Some(path) = &realm.htpasswd {
                let hint = format!("; \"htgate user set --realm {} NAME\" makes it", realm.name);
                try_open(format!("{section} htpasswd"), path, &hint);
            }
            if let Some(path) = &realm.groups {
                try_open(format!("{section} groups"), path, "");
            }
        }
        if let Some(path) = &self.api_keys.pepper_file {
            try_open("[api_keys] pepper_file".to_owned(), path, "");
            let mode = fs::metadata(path).map_or(0, |found| found.permissions().mode());
            if mode & 0o027 != 0 {
                problems.push(Problem {
                    line: 0,
                    place: self.file.display().to_string(),
                    message: format!(
                        "[api_keys] pepper_file: {} is open to others; chmod 0640 it, or less",
                        path.display()
                    ),
                });
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems.sorted())
        }
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
        said
    }
}

/// Reads meaning, and collects what has none.
pub(super) struct Reader<'a> {
    document: &'a Document,
    problems: &'a mut Problems,
    advice: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(document: &'a Document, problems: &'a mut Problems) -> Self {
        Self {
            document,
            problems,
            advice: Vec::new(),
        }
    }

    /// The settings, with advice; nothing if there are problems.
    pub(super) fn read(mut self, raw: &raw::Raw) -> Option<(Settings, Vec<String>)> {
        let server = self.server(&raw.server);
        let admin = self.listen("admin.listen", &raw.admin.listen);
        if let Some(admin) = &admin
            && server.listen.iter().any(|listen| listen.overlaps(admin))
        {
            self.fault(
                "admin.listen",
                "must not be one of the addresses in [server] listen",
            );
        }
        let mut realms = BTreeMap::new();
        for (name, realm) in &raw.realms {
            if let Some(realm) = self.realm(name, realm) {
                realms.insert(name.clone(), realm);
            }
        }
        let mut policies = BTreeMap::new();
        for (name, policy) in &raw.policies {
            if let Some(policy) = self.policy(name, policy, raw, &realms) {
                policies.insert(name.clone(), policy);
            }
        }
        let rules = raw.rules.iter().enumerate();
        let rules = rules
            .filter_map(|(index, rule)| self.rule(index, rule, raw))
            .collect();
        let settings = Settings {
            file: self.document.path().to_owned(),
            server,
            admin: Admin { listen: admin? },
            realms,
            policies,
            rules,
            api_keys: self.api_keys(&raw.api_keys)?,
            identity_headers: self.identity_headers(&raw.identity_headers),
            cache: self.cache(&raw.cache)?,
        };
        self.throttle(&raw.throttle);
        Some((settings, self.advice))
    }

    fn fault(&mut self, key: &str, message: impl fmt::Display) {
        let problem = self.document.problem(key, &message.to_string());
        self.problems.push(problem);
    }

    /// The value, or a problem.
    fn take<T, E: fmt::Display>(&mut self, key: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.fault(key, error)).ok()
    }

    fn take_all<T, E: fmt::Display>(
        &mut self,
        key: &str,
        raw: &[String],
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let parsed: Vec<_> = raw.iter().map(|text| parse(text)).collect();
        parsed
            .into_iter()
            .filter_map(|value| self.take(key, value))
            .collect()
    }

    fn path(&self, raw: &str) -> PathBuf {
        self.document.folder().join(raw)
    }

    fn server(&mut self, raw: &raw::Server) -> Server {
        if raw.listen.is_empty() {
            self.fault("server.listen", "names no place to listen on");
        }
        let listen = raw
            .listen
            .iter()
            .filter_map(|place| self.listen("server.listen", place))
            .collect();
        let mode = u32::from_str_radix(&raw.socket_mode, 8)
            .ok()
            .filter(|mode| *mode <= 0o777);
        if mode.is_none() {
            self.fault(
                "server.socket_mode",
                "must be a mode in octal, such as \"0660\"",
            );
        }
        let trusted = self.take_all(
            "server.trusted_proxies",
            &raw.trusted_proxies,
            Network::parse,
        );
        if trusted.iter().any(|network| network.prefix_len() == 0) {
            self.fault(
                "server.trusted_proxies",
                "a network of everybody lets anybody describe requests; name your proxies",
            );
        }
        if raw.workers > 1024 {
            self.fault("server.workers", "must be at most 1024");
        }
        Server {
            listen,
            socket_mode: mode.unwrap_or(0o660),
            socket_group: raw.socket_group.clone(),
            trusted_proxies: trusted,
            workers: raw.workers,
        }
    }

    fn listen(&mut self, key: &str, raw: &str) -> Option<Listen> {
        if let Some(path) = raw.strip_prefix("unix:") {
            return Some(Listen::Unix(self.path(path)));
        }
        if raw == "systemd" {
            self.fault(
                key,
                "this version can't take sockets from systemd; name an address or a path",
            );
            return None;
        }
        let port = raw.rsplit_once(':').and_then(|(host, port)| {
            (!host.is_empty())
                .then(|| port.parse::<u16>().ok())
                .flatten()
        });
        if port.is_none() {
            self.fault(
                key,
                format_args!("{raw:?} must be \"host:port\" or \"unix:/path\""),
            );
            return None;
        }
        Some(Listen::Tcp(raw.to_owned()))
    }

    fn offer(&mut self, key: &str, raw: &[String], users: bool, keys: bool) -> Vec<Scheme> {
        let offer = self.take_all(key, raw, |word| {
            Scheme::parse(word).ok_or_else(|| {
                let near = suggestion(word, Scheme::ALL.iter().map(|scheme| scheme.name()));
                format!("{word:?} is no scheme; there are Basic, Bearer and ApiKey{near}")
            })
        });
        for scheme in &offer {
            let fits = match scheme {
                Scheme::Basic => users || keys,
                Scheme::Bearer | Scheme::ApiKey => keys,
            };
            if !fits {
                self.fault(
                    key,
                    format_args!("{scheme} is offered, but the realm has no api_keys"),
                );
            }
        }
        if raw.is_empty() {
            self.fault(key, "offers nothing; leave it out for the default");
        }
        offer
    }

    fn realm(&mut self, name: &str, raw: &raw::Realm) -> Option<RealmSettings> {
        let at = |key: &str| format!("realms.{name}.{key}");
        let users = raw.htpasswd.is_some();
        if !users && !raw.api_keys && !self.document.is_faulty(&["realms", name]) {
            let near = "needs htpasswd = \"FILE\", or api_keys = true, or both";
            self.fault(&format!("realms.{name}"), near);
        }
        let title = self.take(
            &at("title"),
            Realm::parse(raw.title.as_deref().unwrap_or(name)),
        );
        let weak: Vec<WeakFormat> = self.take_all(&at("allow_weak"), &raw.allow_weak, str::parse);
        let offer = match &raw.offer {
            Some(offer) => self.offer(&at("offer"), offer, users, raw.api_keys),
            None if users => vec![Scheme::Basic],
            None => vec![Scheme::Bearer],
        };
        if let Some(param) = &raw.query_param {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || b == b'.';
            if param.is_empty() || !param.bytes().all(plain) {
                self.fault(
                    &at("query_param"),
                    "must be letters, digits, \"_\", \"-\" and \".\"",
                );
            }
            if !raw.api_keys {
                self.fault(
                    &at("query_param"),
                    "is for keys, and the realm has no api_keys",
                );
            }
        }
        Some(RealmSettings {
            name: name.to_owned(),
            title: title?,
            htpasswd: raw.htpasswd.as_deref().map(|path| self.path(path)),
            groups: raw.groups.as_deref().map(|path| self.path(path)),
            keys: if raw.api_keys {
                Keys::Accepted
            } else {
                Keys::Refused
            },
            offer,
            allow_weak: weak.into_iter().collect(),
            query_param: raw.query_param.clone(),
        })
    }

    fn policy(
        &mut self,
        name: &str,
        raw: &raw::Policy,
        all: &raw::Raw,
        realms: &BTreeMap<String, RealmSettings>,
    ) -> Option<PolicySettings> {
        let at = |key: &str| format!("policies.{name}.{key}");
        if matches!(name, "open" | "closed") {
            self.fault(
                &format!("policies.{name}"),
                "this policy exists always; choose another name",
            );
        }
        for (key, words) in [("require", &raw.require), ("require_all", &raw.require_all)] {
            if let Err(faults) = Requirement::parse(words, &[]) {
                for fault in faults {
                    self.fault(&at(key), fault);
                }
            }
            if words.is_empty() && self.document.says(&at(key)) {
                self.fault(&at(key), "requires nothing; leave it out for valid-user");
            }
        }
        let allow_from = self.take_all(&at("allow_from"), &raw.allow_from, Network::parse);
        if allow_from.iter().any(|network| network.prefix_len() == 0) {
            self.fault(
                &at("allow_from"),
                "lets everybody in; point the rule at \"open\" if you mean that",
            );
        }
        let Some(realm) = &raw.realm else {
            self.fault(
                &format!("policies.{name}"),
                "names no realm; write realm = \"NAME\"",
            );
            return None;
        };
        if !all.realms.contains_key(realm) {
            let near = suggestion(realm, all.realms.keys().map(String::as_str));
            self.fault(
                &at("realm"),
                format_args!("no realm is called {realm:?}{near}"),
            );
        }
        let known = realms.get(realm)?;
        let offer = raw.offer.as_ref().map(|offer| {
            self.offer(
                &at("offer"),
                offer,
                known.htpasswd.is_some(),
                known.has_keys(),
            )
        });
        Some(PolicySettings {
            name: name.to_owned(),
            realm: realm.clone(),
            requirement: Requirement::parse(&raw.require, &raw.require_all).ok()?,
            offer,
            allow_from,
        })
    }

    fn rule(&mut self, index: usize, raw: &raw::Rule, all: &raw::Raw) -> Option<RuleSettings> {
        let at = |key: &str| format!("rules.[{index}].{key}");
        let hosts = self.take_all(&at("hosts"), &raw.hosts, HostPattern::parse);
        if raw.hosts.is_empty() && self.document.says(&at("hosts")) {
            self.fault(&at("hosts"), "names no host; leave it out for any host");
        }
        let paths = self.take_all(&at("paths"), &raw.paths, PathPattern::parse);
        let methods = self.take_all(&at("methods"), &raw.methods, method);
        let Some(policy) = &raw.policy else {
            self.fault(
                &format!("rules.[{index}]"),
                "names no policy; write policy = \"NAME\"",
            );
            return None;
        };
        let named = all.policies.keys().map(String::as_str);
        let mut known = named.chain(["open", "closed"]);
        if !known.clone().any(|name| name == policy) {
            let near = suggestion(policy, known.by_ref());
            self.fault(
                &at("policy"),
                format_args!("no policy is called {policy:?}{near}"),
            );
        }
        Some(RuleSettings {
            hosts,
            paths,
            methods,
            policy: policy.clone(),
        })
    }

    fn api_keys(&mut self, raw: &raw::ApiKeys) -> Option<ApiKeySettings> {
        let store = raw
            .store
            .strip_prefix("sqlite:")
            .filter(|path| !path.is_empty());
        let store = match store {
            Some(path) => Ok(self.path(path)),
            None if raw.store.starts_with("postgres") => {
                Err("this version keeps keys in SQLite only; write \"sqlite:FILE\"")
            }
            None => Err("must be \"sqlite:FILE\""),
        };
        let store = self.take("api_keys.store", store);
        let prefix = self.take("api_keys.prefix", Prefix::parse(&raw.prefix));
        Some(ApiKeySettings {
            store: store?,
            prefix: prefix?,
            pepper_file: raw.pepper_file.as_deref().map(|path| self.path(path)),
        })
    }

    fn identity_headers(&mut self, raw: &raw::IdentityHeaders) -> IdentityHeaders {
        let mut slots: Vec<(Slot, String)> = Vec::new();
        for (key, slot, name) in [
            ("user", Slot::User, &raw.user),
            ("groups", Slot::Groups, &raw.groups),
            ("scopes", Slot::Scopes, &raw.scopes),
            ("method", Slot::Method, &raw.method),
            ("realm", Slot::Realm, &raw.realm),
            ("key", Slot::Key, &raw.key),
        ] {
            let key = format!("identity_headers.{key}");
            let token = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            if !name.bytes().all(token) {
                self.fault(&key, "must be a header's name: letters, digits and \"-\"");
            } else if RESERVED
                .iter()
                .any(|reserved| name.eq_ignore_ascii_case(reserved))
            {
                self.fault(
                    &key,
                    format_args!("{name} has a meaning of its own; choose another name"),
                );
            } else if slots
                .iter()
                .any(|(_, taken)| name.eq_ignore_ascii_case(taken))
            {
                self.fault(
                    &key,
                    format_args!("{name} is taken by another of these headers"),
                );
            } else if !name.is_empty() {
                slots.push((slot, name.clone()));
            }
        }
        IdentityHeaders::new(slots)
    }

    fn cache(&mut self, raw: &raw::Cache) -> Option<Cache> {
        const DAY: Duration = Duration::from_secs(86_400);
        let mut span = |key: &str, text: &str| {
            let span = self.take(key, duration::parse(text))?;
            if span.is_zero() || span > DAY {
                self.fault(key, "must be more than nothing and at most a day");
            }
            Some(span)
        };
        let ttl = span("cache.ttl", &raw.ttl);
        let offline_ttl = span("cache.offline_ttl", &raw.offline_ttl);
        if offline_ttl.is_some_and(|ttl| ttl < Duration::from_secs(1)) {
            self.fault("cache.offline_ttl", "must be at least a second");
        }
        if raw.capacity == 0 {
            self.fault("cache.capacity", "must be at least 1");
        }
        Some(Cache {
            ttl: ttl?,
            capacity: raw.capacity,
            offline_ttl: offline_ttl?,
        })
    }

    /// The keys are read, so that a configuration for a later version loads; there is no limiter.
    fn throttle(&mut self, raw: &raw::Throttle) {
        self.take("throttle.window", duration::parse(&raw.window));
        if raw.failures > 0 && self.document.says("throttle.failures") {
            self.advice.push(
                "[throttle]: this version does not limit guesses; limit requests in the proxy"
                    .to_owned(),
            );
        }
    }
}

/// A method; one in lower case would match nothing, and leave its requests to later rules.
fn method(raw: &str) -> Result<Method, String> {
    let upper = raw.to_ascii_uppercase();
    if upper != raw && COMMON_METHODS.contains(&upper.as_str()) {
        return Err(format!(
            "methods are compared with case: {raw:?} is not {upper:?}"
        ));
    }
    Method::parse(raw.as_bytes()).map_err(|error| format!("{raw:?}: {error}"))
}

/// RFC 9110 §9.3 and RFC 5789.
const COMMON_METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];

/// Headers that HTTP or an endpoint gives a meaning.
const RESERVED: &[&str] = &[
    "Authorization",
    "Cache-Control",
    "Connection",
    "Content-Length",
    "Content-Type",
    "Date",
    "Host",
    "Keep-Alive",
    "Location",
    "Retry-After",
    "Set-Cookie",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "WWW-Authenticate",
    "X-Accel-Redirect",
    "X-Auth-Status",
];
