//! From what was written to what it means: every mistake is collected, none ends the reading.

mod access;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderName;
use tracing::level_filters::LevelFilter;

use super::document::Document;
use super::problem::Problems;
use super::settings::{Admin, ApiKeySettings, Cache, Listen, Log, LogFormat, Server, Settings};
use super::{duration, raw};
use crate::authn::Allowance;
use crate::endpoint::{IdentityHeaders, Slot};
use crate::identity::Prefix;
use crate::request::network::Network;
use crate::store::Place;

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
        if admin == Some(Listen::Systemd) {
            self.fault(
                "admin.listen",
                "must be an address or a path: htgate's commands have to find it",
            );
        }
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
        // Each is read before any is missed, so that no mistake hides another one.
        let api_keys = self.api_keys(&raw.api_keys);
        let identity_headers = self.identity_headers(&raw.identity_headers);
        let cache = self.cache(&raw.cache);
        let throttle = self.throttle(&raw.throttle);
        let log = self.log(&raw.log);
        let traces = raw.traces.otlp.as_ref().map(|otlp| self.collector(otlp));
        let settings = Settings {
            file: self.document.path().to_owned(),
            server,
            admin: Admin { listen: admin? },
            realms,
            policies,
            rules,
            api_keys: api_keys?,
            identity_headers,
            cache: cache?,
            throttle,
            log: log?,
            traces: match traces {
                None => None,
                Some(collector) => Some(collector?),
            },
            audit: raw.audit.file.as_deref().map(|file| self.path(file)),
            lines: self.document.lines().clone(),
        };
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

    /// The file of a secret. Where the service manager hands over a credential under its name
    /// (`LoadCredential=pepper:/etc/htgate/pepper`, systemd.exec(5)), that is read in its place; so one
    /// configuration serves both the service, which need not be able to read the file itself, and
    /// whoever runs commands.
    fn secret(&self, raw: &str) -> PathBuf {
        let path = self.path(raw);
        let handed = std::env::var_os("CREDENTIALS_DIRECTORY")
            .and_then(|folder| Some(PathBuf::from(folder).join(path.file_name()?)));
        handed.filter(|handed| handed.is_file()).unwrap_or(path)
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
            return Some(Listen::Systemd);
        }
        let port = raw.rsplit_once(':').and_then(|(host, port)| {
            (!host.is_empty())
                .then(|| port.parse::<u16>().ok())
                .flatten()
        });
        if port.is_none() {
            self.fault(
                key,
                format_args!("{raw:?} must be \"host:port\", \"unix:/path\" or \"systemd\""),
            );
            return None;
        }
        Some(Listen::Tcp(raw.to_owned()))
    }

    fn api_keys(&mut self, raw: &raw::ApiKeys) -> Option<ApiKeySettings> {
        let store = Place::parse(&raw.store, |path| self.secret(path));
        let store = self.take("api_keys.store", store);
        let prefix = self.take("api_keys.prefix", Prefix::parse(&raw.prefix));
        Some(ApiKeySettings {
            store: store?,
            prefix: prefix?,
            pepper_file: raw.pepper_file.as_deref().map(|path| self.secret(path)),
        })
    }

    fn identity_headers(&mut self, raw: &raw::IdentityHeaders) -> IdentityHeaders {
        let mut slots: Vec<(Slot, HeaderName)> = Vec::new();
        for (key, slot, name) in [
            ("user", Slot::User, &raw.user),
            ("groups", Slot::Groups, &raw.groups),
            ("scopes", Slot::Scopes, &raw.scopes),
            ("method", Slot::Method, &raw.method),
            ("realm", Slot::Realm, &raw.realm),
            ("key", Slot::Key, &raw.key),
        ] {
            let key = format!("identity_headers.{key}");
            if name.is_empty() {
                continue;
            }
            let token = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            let Some(parsed) = HeaderName::from_bytes(name.as_bytes())
                .ok()
                .filter(|_| name.bytes().all(token))
            else {
                self.fault(&key, "must be a header's name: letters, digits and \"-\"");
                continue;
            };
            if RESERVED
                .iter()
                .any(|reserved| name.eq_ignore_ascii_case(reserved))
            {
                self.fault(
                    &key,
                    format_args!("{name} has a meaning of its own; choose another name"),
                );
            } else if slots.iter().any(|(_, taken)| *taken == parsed) {
                self.fault(
                    &key,
                    format_args!("{name} is taken by another of these headers"),
                );
            } else {
                slots.push((slot, parsed));
            }
        }
        IdentityHeaders::new(slots)
    }

    fn cache(&mut self, raw: &raw::Cache) -> Option<Cache> {
        let ttl = self.span("cache.ttl", &raw.ttl, Duration::from_millis(1));
        let offline_ttl = self.span("cache.offline_ttl", &raw.offline_ttl, SECOND);
        if raw.capacity == 0 {
            self.fault("cache.capacity", "must be at least 1");
        }
        Some(Cache {
            ttl: ttl?,
            capacity: raw.capacity,
            offline_ttl: offline_ttl?,
        })
    }

    fn throttle(&mut self, raw: &raw::Throttle) -> Option<Allowance> {
        let window = self.span("throttle.window", &raw.window, SECOND);
        let failures = u32::try_from(raw.failures);
        let failures = failures.map_err(|_| "is more than anybody can count; 0 turns it off");
        let failures = self.take("throttle.failures", failures)?;
        Some(Allowance {
            failures: NonZeroU32::new(failures)?,
            window: window?,
        })
    }

    fn collector(&mut self, otlp: &str) -> Option<String> {
        let place = otlp.trim_end_matches('/');
        let at = place.strip_prefix("http://");
        let port = at
            .and_then(|at| at.rsplit_once(':'))
            .map(|(_, port)| port.parse::<u16>());
        if at.is_some_and(|at| !at.contains(['/', '@', '?'])) && matches!(port, Some(Ok(_))) {
            return Some(place.to_owned());
        }
        self.fault(
            "traces.otlp",
            "must be the collector's \"http://host:port\", such as \"http://127.0.0.1:4318\"",
        );
        None
    }

    fn log(&mut self, raw: &raw::Log) -> Option<Log> {
        let format = match raw.format.as_str() {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            "journald" => Ok(LogFormat::Journald),
            _ => Err("must be \"text\", \"json\" or \"journald\""),
        };
        let level = match raw.level.as_str() {
            "error" => Ok(LevelFilter::ERROR),
            "warn" => Ok(LevelFilter::WARN),
            "info" => Ok(LevelFilter::INFO),
            "debug" => Ok(LevelFilter::DEBUG),
            _ => Err("must be \"error\", \"warn\", \"info\" or \"debug\""),
        };
        let (format, level) = (
            self.take("log.format", format),
            self.take("log.level", level),
        );
        Some(Log {
            format: format?,
            level: level?,
        })
    }

    /// A span of time from this up to a day.
    fn span(&mut self, key: &str, text: &str, least: Duration) -> Option<Duration> {
        const DAY: Duration = Duration::from_secs(86_400);
        let span = self.take(key, duration::parse(text))?;
        if (least..=DAY).contains(&span) {
            return Some(span);
        }
        self.fault(key, format_args!("must be from {least:?} to a day"));
        None
    }
}

const SECOND: Duration = Duration::from_secs(1);

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
