//! The decision itself: what is needed, what was proven, and so yes or no. No I/O, no clock.

use std::net::IpAddr;

use crate::identity::{ApiKeyId, Identity};
use crate::policy::Requirement;
use crate::request::Defect;

/// The answer to "may this request pass?".
#[derive(Debug)]
pub enum Decision {
    /// It may.
    Allow(Grant),
    /// Not without (other) credentials: 401.
    Challenge(Rejection),
    /// It may not, whoever asks or because of who asks: 403.
    Forbid(Forbidden),
}

/// Permission to pass. With an identity, only [`decide`] can make one.
#[derive(Debug)]
pub struct Grant(Basis);

#[derive(Debug)]
enum Basis {
    Open,
    Address,
    Identity(Identity),
}

/// What became of the credentials.
#[derive(Debug)]
pub enum Outcome {
    /// They prove an identity.
    Verified(Identity),
    /// There were none, or they prove nothing.
    Rejected(Rejection),
}

/// Why credentials prove nothing. The words are for the log and for whoever sent them: none tells
/// whether a user exists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Nothing was presented.
    #[error("no credentials were sent")]
    Absent,
    /// More than one credential, or one given twice.
    #[error("more than one credential; send one")]
    Several,
    /// Something that can't be read as a credential.
    #[error("{0}")]
    Malformed(String),
    /// Credentials of a kind that the realm has nothing to hold against.
    #[error("credentials of a kind that is not accepted here")]
    NotAccepted,
    /// No such user, or not that password, or an entry that never verifies.
    #[error("wrong user or password")]
    Password,
    /// No such key in this realm.
    #[error("the key is not valid")]
    UnknownKey,
    /// A key that is not for the client's address.
    #[error("the key is not valid from this address")]
    KeyAddress(ApiKeyId),
    /// A key whose time is over.
    #[error("the key is expired")]
    ExpiredKey(ApiKeyId),
    /// The secret that a key had before it was rotated, its grace over.
    #[error("the key is expired: it was rotated")]
    RotatedKey(ApiKeyId),
    /// A key that was revoked.
    #[error("the key is revoked")]
    RevokedKey(ApiKeyId),
}

/// Why nothing would help, or what is lacking.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forbidden {
    /// The policy is `closed`, by a rule or because none matched.
    #[error("closed")]
    Closed,
    /// The readings of the path fall under different policies, or it has none.
    #[error("ambiguous or malformed path")]
    Ambiguous,
    /// The endpoint's path names a policy that isn't there.
    #[error("no such policy")]
    NoPolicy,
    /// The requirement is not met by this user or key.
    #[error("{who} does not meet the requirement")]
    Requirement {
        /// The user or key in words.
        who: String,
        /// The key, if it is one.
        key: Option<ApiKeyId>,
    },
    /// A key lacks scopes.
    #[error("the key lacks scope {scopes}")]
    Scope {
        /// Those it lacks, separated by blanks.
        scopes: String,
        /// The key.
        key: Option<ApiKeyId>,
    },
}

impl Rejection {
    /// The same in a word that stays as it is, for logs and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Absent => "credentials_missing",
            Self::Several => "credentials_several",
            Self::Malformed(_) => "credentials_malformed",
            Self::NotAccepted => "credentials_not_accepted",
            Self::Password => "wrong_password",
            Self::UnknownKey => "key_unknown",
            Self::KeyAddress(_) => "key_address",
            Self::ExpiredKey(_) => "key_expired",
            Self::RotatedKey(_) => "key_rotated",
            Self::RevokedKey(_) => "key_revoked",
        }
    }

    /// The key that was refused, where it is known.
    #[must_use]
    pub const fn key(&self) -> Option<ApiKeyId> {
        match self {
            Self::KeyAddress(id)
            | Self::ExpiredKey(id)
            | Self::RotatedKey(id)
            | Self::RevokedKey(id) => Some(*id),
            _ => None,
        }
    }
}

impl Forbidden {
    /// The same in a word that stays as it is, for logs and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Ambiguous => "ambiguous_path",
            Self::NoPolicy => "no_policy",
            Self::Requirement { .. } => "requirement",
            Self::Scope { .. } => "scope",
        }
    }

    /// The key that may not, if it is one.
    #[must_use]
    pub const fn key(&self) -> Option<ApiKeyId> {
        match self {
            Self::Requirement { key, .. } | Self::Scope { key, .. } => *key,
            Self::Closed | Self::Ambiguous | Self::NoPolicy => None,
        }
    }
}

/// How a grant came about, as `X-Auth-Method` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A user's password.
    Basic,
    /// An API key.
    ApiKey,
    /// The client's address, by `allow_from`.
    Address,
    /// Nobody was asked.
    None,
}

impl Method {
    /// The word for the header.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::ApiKey => "api-key",
            Self::Address => "address",
            Self::None => "none",
        }
    }
}

impl Grant {
    /// Under the policy `open`.
    #[must_use]
    pub fn open() -> Self {
        Self(Basis::Open)
    }

    /// For a client whose address needs no credentials.
    #[must_use]
    pub fn by_address() -> Self {
        Self(Basis::Address)
    }

    /// How it came about.
    #[must_use]
    pub fn method(&self) -> Method {
        match &self.0 {
            Basis::Open => Method::None,
            Basis::Address => Method::Address,
            Basis::Identity(Identity::User { .. }) => Method::Basic,
            Basis::Identity(Identity::Key { .. }) => Method::ApiKey,
        }
    }

    /// Who passes, where that was asked.
    #[must_use]
    pub fn identity(&self) -> Option<&Identity> {
        match &self.0 {
            Basis::Identity(identity) => Some(identity),
            Basis::Open | Basis::Address => None,
        }
    }
}

/// The decision under a requirement. The client's address is asked for where it matters.
///
/// # Errors
/// The [`Defect`] in the client's address.
pub fn decide<C>(need: &Requirement, outcome: Outcome, client: &C) -> Result<Decision, Defect>
where
    C: Fn() -> Result<IpAddr, Defect>,
{
    Ok(match outcome {
        Outcome::Rejected(rejection) => Decision::Challenge(rejection),
        Outcome::Verified(identity) if need.met(&identity, client)? => {
            Decision::Allow(Grant(Basis::Identity(identity)))
        }
        Outcome::Verified(identity) => {
            let key = identity.key().map(|key| key.id);
            Decision::Forbid(match need.missing_scopes(&identity, client)? {
                Some(scopes) => Forbidden::Scope { scopes, key },
                None => Forbidden::Requirement {
                    who: identity.to_string(),
                    key,
                },
            })
        }
    })
}
