//! What a realm holds credentials against.

use std::sync::Arc;

use super::Clock;
use crate::http_auth;
use crate::identity::Prefix;
use crate::store::{ApiKeys, Groups, Htpasswd};

/// A realm, as it stands now: replaced whole when one of its files changes.
#[derive(Clone)]
pub struct Realm {
    /// Its name in the configuration, which applications are told.
    pub name: String,
    /// What a challenge calls it.
    pub title: http_auth::Realm,
    /// Its users, if it has any.
    pub users: Option<Arc<Htpasswd>>,
    /// Who is in which group.
    pub groups: Arc<Groups>,
    /// Its keys, if it has any.
    pub keys: Option<KeySource>,
    /// The query parameter that may hold a key.
    pub query_param: Option<String>,
}

/// Where a realm's keys are.
#[derive(Clone)]
pub struct KeySource {
    /// The store, as the running service asks it.
    pub keys: Arc<ApiKeys>,
    /// What our own keys start with.
    pub prefix: Prefix,
    /// By which they expire.
    pub clock: Arc<Clock>,
}
