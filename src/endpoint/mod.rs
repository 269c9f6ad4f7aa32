//! Endpoints: each speaks one kind of proxy's dialect. Headers in, a [`Reply`] out; no I/O.
//!
//! An endpoint reads its own proxy's headers and no others: every proxy overwrites one family and
//! lets the client's copy of the others through, so "the first one found" would be a bypass.

mod auth_request;
mod ext_authz;
mod forward_auth;
mod identity_headers;
mod reply;

pub use identity_headers::{IdentityHeaders, Slot};
pub use reply::{Problem, Reply};

use std::time::Duration;

use crate::decision::{Forbidden, Grant, Rejection};
use crate::http_auth::Challenge;
use crate::identity::ApiKeyId;
use crate::request::{Defect, Description, Headers, RequestLine};

/// One proxy's way of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// nginx `auth_request`, ingress-nginx, `HAProxy`.
    AuthRequest,
    /// Traefik `forwardAuth`, Caddy `forward_auth`.
    ForwardAuth,
    /// Envoy `ext_authz` over HTTP, Gateway API.
    ExtAuthz,
}

/// What a path of ours asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// In which dialect.
    pub endpoint: Endpoint,
    /// Under which policy; by the rules where none is named.
    pub policy: Option<&'a str>,
    /// What the question's own first line says of the original request, where that counts.
    pub line: RequestLine<'a>,
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
    pub const ALL: [Self; 3] = [Self::AuthRequest, Self::ForwardAuth, Self::ExtAuthz];

    /// The path under which it is asked.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::AuthRequest => "/auth-request",
            Self::ForwardAuth => "/forward-auth",
            Self::ExtAuthz => "/ext-authz",
        }
    }

    /// What a question asks for, by its method and target, if it is one: the endpoint's path, alone
    /// or with a policy. The query of the question itself never matters, except where it is the
    /// original one.
    #[must_use]
    pub fn route<'a>(method: &'a str, target: &'a str) -> Option<Route<'a>> {
        Self::ALL.into_iter().find_map(|endpoint| {
            let behind = target.strip_prefix(endpoint.path())?;
            if endpoint == Self::ExtAuthz {
                return ext_authz::route(method, behind);
            }
            let policy = match behind.split('?').next()? {
                "" => None,
                rest => Some(rest.strip_prefix('/')?),
            };
            Some(Route::new(endpoint, policy))
        })
    }

    /// The answer in this endpoint's dialect.
    #[must_use]
    pub fn reply(self, answer: &Answer<'_>, names: &IdentityHeaders) -> Reply {
        match (answer, self) {
            (Answer::Allow { grant, realm }, _) => Reply::allow(names.of(grant, *realm)),
            (refusal, Self::AuthRequest) => auth_request::refuse(refusal),
            (refusal, Self::ForwardAuth | Self::ExtAuthz) => forward_auth::refuse(refusal),
        }
    }
}

impl<'a> Route<'a> {
    /// Where all that describes the original request is in headers.
    #[must_use]
    pub fn new(endpoint: Endpoint, policy: Option<&'a str>) -> Self {
        Self {
            endpoint,
            policy,
            line: RequestLine::default(),
        }
    }

    /// The original request, from this line and the headers of this endpoint's family.
    #[must_use]
    pub fn describe(&self, headers: &'a dyn Headers) -> Description<'a> {
        let names = match self.endpoint {
            Endpoint::AuthRequest => &auth_request::NAMES,
            Endpoint::ForwardAuth => &forward_auth::NAMES,
            Endpoint::ExtAuthz => &ext_authz::NAMES,
        };
        Description {
            headers,
            names,
            line: self.line,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_an_endpoint_alone_or_with_a_policy() {
        let route = |endpoint, policy| Some(Route::new(endpoint, policy));
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
            assert_eq!(Endpoint::route("GET", path), expected, "{path}");
            let asked = format!("{path}?x=/staff");
            assert_eq!(Endpoint::route("GET", &asked), expected, "{asked}");
        }
    }

    #[test]
    fn envoy_tells_the_original_request_behind_the_policy() {
        for (target, policy, uri) in [
            ("/ext-authz/-/a/b?q=1", None, "/a/b?q=1"),
            ("/ext-authz/staff/", Some("staff"), "/"),
            ("/ext-authz/-//a", None, "//a"),
            (
                "/ext-authz/staff/../-/public/",
                Some("staff"),
                "/../-/public/",
            ),
            (
                "/ext-authz/staff/%2e%2e/open/x",
                Some("staff"),
                "/%2e%2e/open/x",
            ),
            (
                "/ext-authz/-/../../auth-request/open",
                None,
                "/../../auth-request/open",
            ),
            ("/ext-authz/%2d/x", Some("%2d"), "/x"),
            // No path: whether that is enough is the policy's matter.
            ("/ext-authz/staff", Some("staff"), ""),
            ("/ext-authz/-", None, ""),
            ("/ext-authz/-?q", None, "?q"),
            ("/ext-authz/", Some(""), ""),
            ("/ext-authz//x", Some(""), "/x"),
        ] {
            let expected = Route {
                endpoint: Endpoint::ExtAuthz,
                policy,
                line: RequestLine {
                    method: b"PATCH",
                    uri: uri.as_bytes(),
                },
            };
            assert_eq!(Endpoint::route("PATCH", target), Some(expected), "{target}");
        }
        for target in [
            "/ext-authz",
            "/ext-authzx/-/",
            "/ext-authz?/-/x",
            "/EXT-AUTHZ/-/x",
        ] {
            assert_eq!(Endpoint::route("GET", target), None, "{target}");
        }
    }
}
