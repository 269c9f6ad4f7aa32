//! The headers that tell an application who is asking.
//!
//! They are sent in full on every 200, with `-` where there is nothing to say: a proxy that finds
//! one missing passes the client's own on (Caddy 2.9 to 2.11.1) or a placeholder (Caddy 2.6).

use http::{HeaderName, HeaderValue};

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

/// The names that the headers have unless they are configured otherwise.
static USUAL: [HeaderName; 6] = [
    HeaderName::from_static("x-auth-user"),
    HeaderName::from_static("x-auth-groups"),
    HeaderName::from_static("x-auth-scopes"),
    HeaderName::from_static("x-auth-method"),
    HeaderName::from_static("x-auth-realm"),
    HeaderName::from_static("x-auth-key"),
];

/// The header of each slot; a slot without one is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityHeaders(Vec<(Slot, HeaderName)>);

impl IdentityHeaders {
    /// Takes the slots with their headers' names.
    #[must_use]
    pub fn new(mut slots: Vec<(Slot, HeaderName)>) -> Self {
        // A copy of a constant name is free; one of any other counts its users, in a place that
        // all workers would share.
        for (_, name) in &mut slots {
            if let Some(usual) = USUAL.iter().find(|usual| *usual == name) {
                *name = usual.clone();
            }
        }
        Self(slots)
    }

    /// The name of a slot's header, unless it is left out.
    #[must_use]
    pub fn name(&self, slot: Slot) -> Option<&HeaderName> {
        let mut slots = self.0.iter();
        slots.find_map(|(found, name)| (*found == slot).then_some(name))
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
    pub(super) fn of(&self, grant: &Grant, realm: Option<&str>) -> Vec<(HeaderName, HeaderValue)> {
        let header = |(slot, name): &(Slot, HeaderName)| {
            // SECURITY: nothing that could end the line gets here; names and groups that no
            // header can carry are refused where they are read. This is the second lock.
            let value = slot.value(grant, realm).filter(|value| !value.is_empty());
            let value = value.unwrap_or(HeaderValue::from_static("-"));
            (name.clone(), value)
        };
        self.0.iter().map(header).collect()
    }
}

impl Slot {
    /// All slots, in the order in which they are sent.
    pub const ALL: [Self; 6] = [
        Self::User,
        Self::Groups,
        Self::Scopes,
        Self::Method,
        Self::Realm,
        Self::Key,
    ];

    /// The name that the header has unless it is configured otherwise.
    #[must_use]
    pub const fn usual(self) -> &'static str {
        match self {
            Self::User => "X-Auth-User",
            Self::Groups => "X-Auth-Groups",
            Self::Scopes => "X-Auth-Scopes",
            Self::Method => "X-Auth-Method",
            Self::Realm => "X-Auth-Realm",
            Self::Key => "X-Auth-Key",
        }
    }

    /// What the header says; nothing if there is nothing to say.
    fn value(self, grant: &Grant, realm: Option<&str>) -> Option<HeaderValue> {
        let identity = grant.identity();
        let key = identity.and_then(Identity::key);
        match self {
            Self::User => HeaderValue::from_bytes(identity?.name()).ok(),
            Self::Groups => list(identity?.groups()),
            Self::Scopes => list(key?.scopes.iter().map(Scope::as_str)),
            Self::Method => Some(HeaderValue::from_static(grant.method().as_str())),
            Self::Realm if grant.method() == Method::None => None,
            Self::Realm => HeaderValue::from_str(realm?).ok(),
            Self::Key => HeaderValue::from_str(key?.id.as_str()).ok(),
        }
    }
}

/// Words separated by commas.
fn list<'w>(mut words: impl Iterator<Item = &'w str>) -> Option<HeaderValue> {
    let first = words.next()?;
    let Some(second) = words.next() else {
        return HeaderValue::from_bytes(first.as_bytes()).ok();
    };
    let mut text = format!("{first},{second}");
    for word in words {
        text.push(',');
        text.push_str(word);
    }
    HeaderValue::try_from(text).ok()
}
