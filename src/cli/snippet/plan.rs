//! What a proxy has to be told, whatever its language.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::config::{Listen, Settings, Source};
use crate::endpoint::{IdentityHeaders, Slot};
use crate::request::host::HostPattern;
use crate::store::Place;

/// What a proxy has to be told.
pub(super) struct Plan {
    /// The configuration that it is for.
    pub(super) config: PathBuf,
    /// Where htgate can be asked, in the order of the configuration.
    places: Vec<Ask>,
    /// The sites that the rules name; empty where there is a rule for any host.
    pub(super) hosts: Vec<HostPattern>,
    /// The policy to ask for by name; nothing where the rules decide.
    pub(super) policy: Option<String>,
    /// A policy for proxies that can't ask the rules.
    pub(super) first_policy: Option<String>,
    /// Whether systemd hands over sockets.
    pub(super) activated: bool,
    /// Whether the service has to reach, or be reached by, others than through such sockets.
    pub(super) needs_network: bool,
    /// How applications are told who is asking.
    pub(super) identity_headers: IdentityHeaders,
}

/// Where to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// Over TCP, at this host and port.
    Tcp(String),
    /// Over a unix socket.
    Unix(PathBuf),
}

/// That a proxy has no way to ask.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0} asks over TCP only, and [server] listen has no address: add one, such as \"127.0.0.1:9180\""
)]
pub(super) struct Unreachable(pub(super) &'static str);

impl Plan {
    pub(super) fn of(source: &Source, settings: &Settings) -> Self {
        let rules = &settings.rules;
        let any = rules.iter().any(|rule| rule.hosts.is_empty());
        let mut hosts = Vec::new();
        for host in rules.iter().flat_map(|rule| &rule.hosts) {
            if !any && !hosts.contains(host) {
                hosts.push(host.clone());
            }
        }
        let named = settings.policies.keys().next().filter(|_| rules.is_empty());
        Self {
            config: source.path().to_owned(),
            places: settings
                .server
                .listen
                .iter()
                .flat_map(Ask::all_at)
                .collect(),
            hosts,
            policy: named.cloned(),
            first_policy: settings.policies.keys().next().cloned(),
            activated: settings.server.listen.contains(&Listen::Systemd),
            needs_network: matches!(settings.api_keys.store, Place::Postgres(_))
                || matches!(settings.admin.listen, Listen::Tcp(_))
                || settings
                    .server
                    .listen
                    .iter()
                    .any(|listen| matches!(listen, Listen::Tcp(_))),
            identity_headers: settings.identity_headers.clone(),
        }
    }

    /// The first place to ask, of whatever kind.
    pub(super) fn place(&self) -> Ask {
        let first = self.places.first().cloned();
        first.unwrap_or_else(|| Ask::Tcp("127.0.0.1:9180".to_owned()))
    }

    /// The first place to ask over TCP, for a proxy that knows nothing else.
    pub(super) fn tcp<'p>(&'p self, proxy: &'static str) -> Result<&'p str, Unreachable> {
        let tcp = |place: &'p Ask| match place {
            Ask::Tcp(address) => Some(address.as_str()),
            Ask::Unix(_) => None,
        };
        self.places.iter().find_map(tcp).ok_or(Unreachable(proxy))
    }

    /// Whether the site is any host.
    pub(super) fn any_host(&self) -> bool {
        self.hosts.is_empty()
    }

    /// The path to ask at.
    pub(super) fn path(&self, endpoint: &str) -> String {
        match &self.policy {
            None => endpoint.to_owned(),
            Some(policy) => format!("{endpoint}/{policy}"),
        }
    }

    /// Each identity header: the name it has in the shipped files, and the one it has here, if it
    /// is sent at all.
    pub(super) fn headers(&self) -> impl Iterator<Item = (&'static str, Option<String>)> {
        Slot::ALL.into_iter().map(|slot| {
            let name = self.identity_headers.name(slot);
            (slot.usual(), name.map(|name| written(name.as_str())))
        })
    }

    /// Those of them that have another name here: the usual one first.
    pub(super) fn renamed(&self) -> Vec<(&'static str, String)> {
        let renamed = self
            .headers()
            .filter_map(|(usual, name)| Some((usual, name?)));
        renamed.filter(|(usual, name)| usual != name).collect()
    }

    /// What stands at the top of each file.
    pub(super) fn heading(&self, proxy: &str, rest: &str) -> String {
        let by = match &self.policy {
            None => "its rules decide".to_owned(),
            Some(policy) => format!("it has no rules, so the policy \"{policy}\" holds everywhere"),
        };
        let text = format!(
            "{proxy}, protected by htgate with {}: {by}. Printed by `htgate snippet`; print it \
             again when [server], [[rules]] or [identity_headers] change. {rest}",
            self.config.display()
        );
        wrapped(&text)
    }

    /// What is to be mended in the configuration before the file works.
    pub(super) fn advice(&self, settings: &Settings) -> Vec<String> {
        let mut advice = Vec::new();
        let trusted = |address: IpAddr| {
            let mut networks = settings.server.trusted_proxies.iter();
            networks.any(|network| network.contains(address))
        };
        let own = self.places.iter().find_map(|place| match place {
            Ask::Tcp(address) => address.parse().map(|at: SocketAddr| at.ip()).ok(),
            Ask::Unix(_) => None,
        });
        let own = own.filter(IpAddr::is_loopback);
        if let Some(own) = own
            && !trusted(own)
        {
            advice.push(format!(
                "a proxy on this machine asks from {own}, which is not in [server] trusted_proxies"
            ));
        }
        if settings.rules.is_empty() && settings.policies.len() > 1 {
            let names: Vec<&str> = settings.policies.keys().map(String::as_str).collect();
            let names = names.join(", ");
            advice.push(format!(
                "there are no [[rules]], so one policy is asked for by name; there are: {names}"
            ));
        }
        if settings.rules.is_empty() && settings.policies.is_empty() {
            advice.push("there are neither [[rules]] nor policies: all is refused".to_owned());
        }
        advice
    }
}

impl Ask {
    /// How to reach what listens there, from the same machine where it is any address.
    fn all_at(listen: &Listen) -> Vec<Self> {
        vec![match listen {
            Listen::Unix(path) => Self::Unix(path.clone()),
            Listen::Tcp(address) => Self::Tcp(match address.parse() {
                Ok(SocketAddr::V4(at)) if at.ip().is_unspecified() => {
                    SocketAddr::from((Ipv4Addr::LOCALHOST, at.port())).to_string()
                }
                Ok(SocketAddr::V6(at)) if at.ip().is_unspecified() => {
                    SocketAddr::from((Ipv6Addr::LOCALHOST, at.port())).to_string()
                }
                _ => address.clone(),
            }),
            // Those of the shipped htgate.socket.
            Listen::Systemd => {
                let tcp = Self::Tcp("127.0.0.1:9180".to_owned());
                return vec![tcp, Self::Unix("/run/htgate/htgate.sock".into())];
            }
        }]
    }
}

/// A socket's path as text.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A header's name as people write it: `X-Auth-User`.
pub(super) fn written(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join("-")
}

/// Text as comment lines.
fn wrapped(text: &str) -> String {
    let mut lines = vec![String::from("#")];
    for word in text.split_whitespace() {
        let last = lines.last().map_or(0, String::len);
        if last + 1 + word.len() > 100 {
            lines.push(String::from("#"));
        }
        if let Some(line) = lines.last_mut() {
            line.push(' ');
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}
