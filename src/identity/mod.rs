//! Who someone is, once it is proven, and what proves it.

pub mod api_key;
mod key_record;
mod label;
mod password;
mod scope;
mod username;

use std::fmt;
use std::sync::Arc;

pub use api_key::{
    ApiKey, ApiKeyDigest, ApiKeyId, Form, InvalidApiKey, InvalidDigest, InvalidId, InvalidPepper,
    InvalidPrefix, NoRandomness, Pepper, Prefix,
};
pub use key_record::{ApiKeyRecord, KeyState, KeyUnusable};
pub use label::{InvalidLabel, Label};
pub use password::Password;
pub use scope::{InvalidScope, Scope, ScopeSet};
pub use username::{InvalidUsername, Shown, Username};

/// Names of groups, sorted; shared with the group file they come from.
pub type GroupNames = Arc<[Arc<str>]>;

/// A user or a key, with what is known of it.
#[derive(Clone, Debug)]
pub enum Identity {
    /// A user, proven by a password.
    User {
        /// The name, as in the htpasswd file.
        name: Username,
        /// The groups that name the user.
        groups: GroupNames,
    },
    /// An API key.
    Key {
        /// Its record.
        key: Arc<ApiKeyRecord>,
        /// The groups that name its owner.
        groups: GroupNames,
    },
}

/// In words for a log: a key is told by its id.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { name, .. } => write!(f, "user {name}"),
            Self::Key { key, .. } => write!(f, "key {}", key.id),
        }
    }
}

impl Identity {
    /// The name that an application is told: of the user; of the key's owner, else of the key.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        match self {
            Self::User { name, .. } => name.as_bytes(),
            Self::Key { key, .. } => key.user().as_str().as_bytes(),
        }
    }

    /// The user this is, or acts for. A key without an owner acts for nobody, whatever its name.
    #[must_use]
    pub fn user(&self) -> Option<&[u8]> {
        match self {
            Self::User { name, .. } => Some(name.as_bytes()),
            Self::Key { key, .. } => key.owner.as_ref().map(|owner| owner.as_str().as_bytes()),
        }
    }

    /// The groups, sorted.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        let (Self::User { groups, .. } | Self::Key { groups, .. }) = self;
        groups.iter().map(AsRef::as_ref)
    }

    /// The key, if it is one.
    #[must_use]
    pub fn key(&self) -> Option<&ApiKeyRecord> {
        match self {
            Self::User { .. } => None,
            Self::Key { key, .. } => Some(key),
        }
    }
}
