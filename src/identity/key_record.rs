//! What is known of an API key, and whether it counts now.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;

use super::api_key::ApiKeyId;
use super::label::Label;
use super::scope::ScopeSet;

/// An API key without its secret.
///
/// A record may be kept in memory; a verdict on it may not. [`usable`](Self::usable),
/// [`admits`](Self::admits) and the scopes are judged on every request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// The public id.
    pub id: ApiKeyId,
    /// A name that no other key of the store has.
    pub name: Label,
    /// The realm that accepts this key, by its name.
    pub realm: String,
    /// Whom the key acts for.
    pub owner: Option<Label>,
    /// What it may be used for.
    pub scopes: ScopeSet,
    /// Where it may be used from; empty: anywhere.
    pub networks: Vec<IpNet>,
    /// When it was made or imported.
    pub created: Timestamp,
    /// The first instant at which it counts no more; `None`: never.
    pub expires: Option<Timestamp>,
    /// Whether it was revoked.
    pub state: KeyState,
    /// When it was last used, to the minute; `None`: never.
    pub last_used: Option<Timestamp>,
    /// For the secret this record was found by: the first instant at which that secret counts
    /// no more. `None` for the current secret, and for a record that was not found by a secret.
    pub secret_not_after: Option<Timestamp>,
}

/// Whether a key was revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It was not.
    Active,
    /// It was, for good.
    Revoked {
        /// When.
        at: Timestamp,
    },
}

impl KeyState {
    /// When it was revoked, if it was.
    #[must_use]
    pub fn revoked(self) -> Option<Timestamp> {
        match self {
            Self::Active => None,
            Self::Revoked { at } => Some(at),
        }
    }
}

/// From when it was revoked, if it was.
impl From<Option<Timestamp>> for KeyState {
    fn from(revoked: Option<Timestamp>) -> Self {
        match revoked {
            None => Self::Active,
            Some(at) => Self::Revoked { at },
        }
    }
}

/// Why a known key doesn't count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyUnusable {
    /// It was revoked.
    #[error("the key was revoked at {at}")]
    Revoked {
        /// When.
        at: Timestamp,
    },
    /// Its time is over.
    #[error("the key expired at {at}")]
    Expired {
        /// The first instant at which it didn't count.
        at: Timestamp,
    },
    /// The key has a newer secret, and the grace period of this one is over.
    #[error("the key was rotated; this secret ended at {at}")]
    RotatedOut {
        /// The first instant at which this secret didn't count.
        at: Timestamp,
    },
}

impl ApiKeyRecord {
    /// Whether the key, by the secret it was found with, counts at the instant `now`.
    ///
    /// # Errors
    /// [`KeyUnusable`], at and after the instant of expiry too.
    pub fn usable(&self, now: Timestamp) -> Result<(), KeyUnusable> {
        if let KeyState::Revoked { at } = self.state {
            return Err(KeyUnusable::Revoked { at });
        }
        if let Some(at) = self.expires.filter(|&at| now >= at) {
            return Err(KeyUnusable::Expired { at });
        }
        if let Some(at) = self.secret_not_after.filter(|&at| now >= at) {
            return Err(KeyUnusable::RotatedOut { at });
        }
        Ok(())
    }

    /// Whether the key may be used from this address. An IPv4 address in IPv6 form is taken as
    /// the IPv4 address it is.
    #[must_use]
    pub fn admits(&self, client: IpAddr) -> bool {
        let client = client.to_canonical();
        self.networks.is_empty() || self.networks.iter().any(|net| net.contains(&client))
    }

    /// Whom the application is told: the owner, else the key's own name.
    #[must_use]
    pub fn user(&self) -> &Label {
        self.owner.as_ref().unwrap_or(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn record() -> ApiKeyRecord {
        ApiKeyRecord {
            id: ApiKeyId::parse("0123456789ab").unwrap(),
            name: Label::parse("ci").unwrap(),
            realm: "intranet".into(),
            owner: None,
            scopes: ScopeSet::default(),
            networks: Vec::new(),
            created: at(0),
            expires: None,
            state: KeyState::Active,
            last_used: None,
            secret_not_after: None,
        }
    }

    #[test]
    fn a_key_counts_until_just_before_its_end() {
        let nanosecond = std::time::Duration::from_nanos(1);
        let just_before = at(100).checked_sub(nanosecond).unwrap();
        let expired = KeyUnusable::Expired { at: at(100) };
        let rotated = KeyUnusable::RotatedOut { at: at(100) };
        let revoked = KeyUnusable::Revoked { at: at(900) };
        for (expires, secret_ends, state, now, verdict) in [
            (None, None, KeyState::Active, Timestamp::MAX, Ok(())),
            (Some(at(100)), None, KeyState::Active, just_before, Ok(())),
            (Some(at(100)), None, KeyState::Active, at(100), Err(expired)),
            (Some(at(100)), None, KeyState::Active, at(101), Err(expired)),
            (None, Some(at(100)), KeyState::Active, just_before, Ok(())),
            (None, Some(at(100)), KeyState::Active, at(100), Err(rotated)),
            (
                None,
                None,
                KeyState::Revoked { at: at(900) },
                at(1),
                Err(revoked),
            ),
        ] {
            let key = ApiKeyRecord {
                expires,
                secret_not_after: secret_ends,
                state,
                ..record()
            };
            assert_eq!(key.usable(now), verdict, "{key:?} at {now}");
        }
    }

    #[test]
    fn networks_limit_where_a_key_is_used_from() {
        let anywhere = record();
        let limited = ApiKeyRecord {
            networks: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            ..record()
        };
        for (client, admitted) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("fd00::1", true),
            ("11.0.0.1", false),
            ("::1", false),
            ("::10.1.2.3", false),
        ] {
            let client: IpAddr = client.parse().unwrap();
            assert!(anywhere.admits(client));
            assert_eq!(limited.admits(client), admitted, "{client}");
        }
    }

    #[test]
    fn the_user_of_a_key_is_its_owner_else_its_name() {
        let mut key = record();
        assert_eq!(key.user().as_str(), "ci");
        key.owner = Some(Label::parse("alice").unwrap());
        assert_eq!(key.user().as_str(), "alice");
    }
}
