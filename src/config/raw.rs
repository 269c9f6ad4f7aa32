//! The configuration as it was written. Defaults stand here; meaning is in `settings`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::endpoint::Slot;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Raw {
    pub(super) server: Server,
    pub(super) admin: Admin,
    pub(super) realms: BTreeMap<String, Realm>,
    pub(super) policies: BTreeMap<String, Policy>,
    pub(super) rules: Vec<Rule>,
    pub(super) api_keys: ApiKeys,
    pub(super) identity_headers: IdentityHeaders,
    pub(super) cache: Cache,
    pub(super) throttle: Throttle,
    pub(super) log: Log,
    pub(super) audit: Audit,
    pub(super) traces: Traces,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Server {
    pub(super) listen: Vec<String>,
    pub(super) socket_mode: String,
    pub(super) socket_group: Option<String>,
    pub(super) trusted_proxies: Vec<String>,
    pub(super) workers: usize,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Admin {
    pub(super) listen: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Realm {
    pub(super) title: Option<String>,
    pub(super) htpasswd: Option<String>,
    pub(super) groups: Option<String>,
    pub(super) api_keys: bool,
    pub(super) offer: Option<Vec<String>>,
    pub(super) allow_weak: Vec<String>,
    pub(super) query_param: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Policy {
    pub(super) realm: Option<String>,
    pub(super) require: Vec<String>,
    pub(super) require_all: Vec<String>,
    pub(super) offer: Option<Vec<String>>,
    pub(super) allow_from: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Rule {
    pub(super) hosts: Vec<String>,
    pub(super) paths: Vec<String>,
    pub(super) methods: Vec<String>,
    pub(super) policy: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct ApiKeys {
    pub(super) store: String,
    pub(super) prefix: String,
    pub(super) pepper_file: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct IdentityHeaders {
    pub(super) user: String,
    pub(super) groups: String,
    pub(super) scopes: String,
    pub(super) method: String,
    pub(super) realm: String,
    pub(super) key: String,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Cache {
    pub(super) ttl: String,
    pub(super) capacity: u64,
    pub(super) offline_ttl: String,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Throttle {
    pub(super) failures: u64,
    pub(super) window: String,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Log {
    pub(super) format: String,
    pub(super) level: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Audit {
    pub(super) file: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Traces {
    pub(super) otlp: Option<String>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:9180".to_owned()],
            socket_mode: "0660".to_owned(),
            socket_group: None,
            trusted_proxies: vec!["127.0.0.0/8".to_owned(), "::1".to_owned()],
            workers: 0,
        }
    }
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:9181".to_owned(),
        }
    }
}

impl Default for ApiKeys {
    fn default() -> Self {
        Self {
            store: "sqlite:keys.db".to_owned(),
            prefix: "htg".to_owned(),
            pepper_file: None,
        }
    }
}

impl Default for IdentityHeaders {
    fn default() -> Self {
        Self {
            user: Slot::User.usual().to_owned(),
            groups: Slot::Groups.usual().to_owned(),
            scopes: Slot::Scopes.usual().to_owned(),
            method: Slot::Method.usual().to_owned(),
            realm: Slot::Realm.usual().to_owned(),
            key: Slot::Key.usual().to_owned(),
        }
    }
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            ttl: "5m".to_owned(),
            capacity: 100_000,
            offline_ttl: "60s".to_owned(),
        }
    }
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            failures: 10,
            window: "1m".to_owned(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: "text".to_owned(),
            level: "info".to_owned(),
        }
    }
}
