//! Endpoints: each speaks one kind of proxy's dialect. Headers in, a [`Reply`] out; no I/O.
//!
//! An endpoint reads its own proxy's headers and no others: every proxy overwrites one family and
//! lets the client's copy of the others through, so "the first one found" would be a bypass.

mod auth_request;
mod forward_auth;
mod identity_headers;
mod reply;

pub use identity_headers::{IdentityHeaders, Slot};
pub use reply::{Problem, Reply};

use std::time::Duration;

use crate::decision::{Forbidden, Grant, Rejection};
use crate::http_auth::Challenge;
use crate::identity::ApiKeyId;
use crate::request::{Defect, Description, Headers};

/// One proxy's way of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// nginx `auth_request`, ingress-nginx, `HAProxy`.
    AuthRequest,
    /// Traefik `forwardAuth`, Caddy `forward_auth`.
    ForwardAuth,
}

/// What a path of ours asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// In which dialect.
    pub endpoint: Endpoint,
    /// Under which policy; by the rules where none is named.
    pub policy: Option<&'a str>,
}

/// The answer to a question, before it is put in a dialect.
#[derive(Debug)]
pub enum Answer<'w> {
    /// 200.
    Allow {
        /// Who passes, and why.
        grant: Grant,
        /// The name of the realm that asked, where one did.
        realm: Option<&'w str>,
    },
    /// 401.
    Challenge {
        /// What was wrong.
        rejection: Rejection,
        /// What is asked for: never empty, in order of preference.
        challenges: Vec<Challenge<'w>>,
    },
    /// 403.
    Forbid {
        /// Why.
        forbidden: Forbidden,
        /// Where a scope is lacking, the realm to say so in.
        realm: Option<&'w crate::http_auth::Realm>,
    },
    /// No decision could be made.
    Trouble(Trouble),
}

/// Why no decision could be made. Each is told in the way that the proxy can relay, and none is
/// ever a yes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The proxy described the request badly: 400.
    #[error("{0}")]
    Description(#[from] Defect),
    /// A store can't be asked: 503.
    #[error("the key store can't be read: {0}")]
    Store(String),
    /// The identity fills more than an answer's head may hold: 503.
    #[error("the identity headers are too long for a proxy: too many groups or scopes")]
    TooLong,
    /// Too many wrong passwords for one user from one network, and how long until another one is
    /// looked at: 429.
    #[error("too many wrong passwords for one user from one network")]
    Throttled(Duration),
    /// Too many passwords are waiting to be hashed: 503.
    #[error("too many passwords are waiting to be verified")]
    Busy,
    /// A fault of ours: 503.
    #[error("a fault in htgate: please report it, with the panic that is told above")]
    Fault,
}

impl Trouble {
    /// The status that says it best.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Description(_) => 400,
            Self::Throttled(_) => 429,
            Self::Store(_) | Self::TooLong | Self::Busy | Self::Fault => 503,
        }
    }

    /// The same in a word that stays as it is, for logs and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Description(_) => "bad_description",
            Self::Store(_) => "store_away",
            Self::TooLong => "headers_too_long",
            Self::Throttled(_) => "throttled",
            Self::Busy => "busy",
            Self::Fault => "fault",
        }
    }

    /// When to come again, as `Retry-After` says it: whole seconds, at least one (RFC 9110
    /// §10.2.3).
    fn retry_after(&self) -> Option<u128> {
        match self {
            Self::Throttled(wait) => Some(wait.as_millis().div_ceil(1000).max(1)),
            _ => None,
        }
    }
}

impl Answer<'_> {
    /// Under the policy `open`.
    #[must_use]
    pub fn open() -> Self {
        Self::Allow {
            grant: Grant::open(),
            realm: None,
        }
    }

    /// The status that says it best, whether or not the proxy can relay it.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Allow { .. } => 200,
            Self::Challenge { .. } => 401,
            Self::Forbid { .. } => 403,
            Self::Trouble(trouble) => trouble.status(),
        }
    }

    /// Why, in a word that stays as it is, for logs and metrics.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Allow { .. } => "allowed",
            Self::Challenge { rejection, .. } => rejection.code(),
            Self::Forbid { forbidden, .. } => forbidden.code(),
            Self::Trouble(trouble) => trouble.code(),
        }
    }

    /// The key that was refused, where it is known.
    #[must_use]
    pub const fn refused_key(&self) -> Option<ApiKeyId> {
        match self {
            Self::Challenge { rejection, .. } => rejection.key(),
            Self::Forbid { forbidden, .. } => forbidden.key(),
            Self::Allow { .. } | Self::Trouble(_) => None,
        }
    }

    /// Why, in words for the log. None tells of a credential.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Allow { grant, .. } => format!("allowed ({})", grant.method().as_str()),
            Self::Challenge { rejection, .. } => rejection.to_string(),
            Self::Forbid { forbidden, .. } => forbidden.to_string(),
            Self::Trouble(trouble) => trouble.to_string(),
        }
    }

    /// A refusal that no realm has a part in.
    #[must_use]
    pub fn forbid(forbidden: Forbidden) -> Self {
        Self::Forbid {
            forbidden,
            realm: None,
        }
    }
}

impl Endpoint {
    /// All endpoints.
    pub const ALL: [Self; 2] = [Self::AuthRequest, Self::ForwardAuth];

    /// The path under which it is asked.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::AuthRequest => "/auth-request",
            Self::ForwardAuth => "/forward-auth",
        }
    }

    /// What a path of ours asks for, if it is one: the endpoint's path, alone or with a policy.
    #[must_use]
    pub fn route(path: &str) -> Option<Route<'_>> {
        Self::ALL.into_iter().find_map(|endpoint| {
            let policy = match path.strip_prefix(endpoint.path())? {
                "" => None,
                rest => Some(rest.strip_prefix('/')?),
            };
            Some(Route { endpoint, policy })
        })
    }

    /// The original request, from the headers of this endpoint's family.
    pub fn describe(self, headers: &dyn Headers) -> Description<'_> {
        let names = match self {
            Self::AuthRequest => &auth_request::NAMES,
            Self::ForwardAuth => &forward_auth::NAMES,
        };
        Description { headers, names }
    }

    /// The answer in this endpoint's dialect.
    #[must_use]
    pub fn reply(self, answer: &Answer<'_>, names: &IdentityHeaders) -> Reply {
        match (answer, self) {
            (Answer::Allow { grant, realm }, _) => Reply::allow(names.of(grant, *realm)),
            (refusal, Self::AuthRequest) => auth_request::refuse(refusal),
            (refusal, Self::ForwardAuth) => forward_auth::refuse(refusal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_an_endpoint_alone_or_with_a_policy() {
        let route = |endpoint, policy| Some(Route { endpoint, policy });
        for (path, expected) in [
            ("/auth-request", route(Endpoint::AuthRequest, None)),
            (
                "/auth-request/staff",
                route(Endpoint::AuthRequest, Some("staff")),
            ),
            (
                "/forward-auth/staff",
                route(Endpoint::ForwardAuth, Some("staff")),
            ),
            // An empty name, or one with a slash in it, is no policy's, but never "by the rules".
            ("/forward-auth/", route(Endpoint::ForwardAuth, Some(""))),
            (
                "/forward-auth/a/b",
                route(Endpoint::ForwardAuth, Some("a/b")),
            ),
            ("/forward-authx", None),
            ("/Forward-Auth", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(Endpoint::route(path), expected, "{path}");
        }
    }
}
