//! The headers that tell an application who is asking.
//!
//! They are sent in full on every 200, with `-` where there is nothing to say: a proxy that finds
//! one missing passes the client's own on (Caddy 2.9 to 2.11.1) or a placeholder (Caddy 2.6).

use std::borrow::Cow;

use crate::decision::{Grant, Method};
use crate::identity::{Identity, Scope, ScopeSet};

/// How long lists of groups and scopes can be, in bytes.
const MOST_NAMES: usize = 2560;

/// What a header tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The user, or the owner or name of a key.
    User,
    /// Groups, separated by commas.
    Groups,
    /// Scopes of a key, separated by commas.
    Scopes,
    /// `basic`, `api-key`, `address` or `none`.
    Method,
    /// The realm's name.
    Realm,
    /// A key's id.
    Key,
}

/// The header of each slot; a slot without one is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeaders(Vec<(Slot, String)>);

impl IdentityHeaders {
    /// Takes the slots with their headers' names.
    #[must_use]
    pub fn new(slots: Vec<(Slot, String)>) -> Self {
        Self(slots)
    }

    /// Whether the headers for a grant leave room for the rest of a head in a page, which is what
    /// nginx reads of an answer by default (`proxy_buffer_size`).
    #[must_use]
    pub fn fit(&self, grant: &Grant) -> bool {
        let Some(identity) = grant.identity() else {
            return true;
        };
        let groups: usize = identity.groups().map(|group| group.len() + 1).sum();
        let scopes = identity.key().map(|key| &key.scopes);
        let scopes: usize = scopes
            .into_iter()
            .flat_map(ScopeSet::iter)
            .map(|scope| scope.as_str().len() + 1)
            .sum();
        groups + scopes <= MOST_NAMES
    }

    /// The headers for a grant, in the order of the slots.
    pub(super) fn of(
        &self,
        grant: &Grant,
        realm: Option<&str>,
    ) -> Vec<(Cow<'static, str>, Vec<u8>)> {
        let header = |(slot, name): &(Slot, String)| {
            let mut value = slot.value(grant, realm);
            // SECURITY: nothing that could end the line gets here; names and groups that no
            // header can carry are refused where they are read. This is the second lock.
            if value.is_empty() || value.iter().any(u8::is_ascii_control) {
                value = b"-".to_vec();
            }
            (Cow::Owned(name.clone()), value)
        };
        self.0.iter().map(header).collect()
    }
}

impl Slot {
    fn value(self, grant: &Grant, realm: Option<&str>) -> Vec<u8> {
        let identity = grant.identity();
        let key = identity.and_then(Identity::key);
        match self {
            Self::User => identity.map(|i| i.name().to_vec()).unwrap_or_default(),
            Self::Groups => identity
                .map(|i| i.groups().collect::<Vec<_>>().join(",").into_bytes())
                .unwrap_or_default(),
            Self::Scopes => key
                .map(|key| {
                    key.scopes
                        .iter()
                        .map(Scope::as_str)
                        .collect::<Vec<_>>()
                        .join(",")
                })
                .unwrap_or_default()
                .into_bytes(),
            Self::Method => grant.method().as_str().as_bytes().to_vec(),
            Self::Realm if grant.method() == Method::None => Vec::new(),
            Self::Realm => realm.unwrap_or_default().as_bytes().to_vec(),
            Self::Key => key
                .map(|key| key.id.as_str().as_bytes().to_vec())
                .unwrap_or_default(),
        }
    }
}
