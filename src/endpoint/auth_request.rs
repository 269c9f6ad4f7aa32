//! `/auth-request`: nginx `auth_request` and its relatives.
//!
//! nginx relays 401 and 403 and makes a bare 500 of everything else
//! (`ngx_http_auth_request_module.c`), so what is neither is said as 403 with `X-Auth-Status`,
//! which the shipped nginx file turns back into what it was. A body would cost nginx its kept
//! connection, and before 1.23.0 only the first `WWW-Authenticate` line passes: so there is never
//! a body, and one line holds all challenges.

use http::{HeaderName, header};

use super::{Answer, Reply};
use crate::request::{FieldName, Names, Told, UrlNames};

pub(super) static NAMES: Names = Names {
    method: Told::Header(FieldName::new("x-original-method", "X-Original-Method")),
    host: FieldName::new("x-original-host", "X-Original-Host"),
    uri: Told::Header(FieldName::new("x-original-uri", "X-Original-URI")),
    client: FieldName::new("x-real-ip", "X-Real-IP"),
    // ingress-nginx.
    url: Some(UrlNames {
        url: FieldName::new("x-original-url", "X-Original-URL"),
        proto: FieldName::new("x-original-proto", "X-Original-Proto"),
    }),
};

/// The status that nginx can't relay.
static STATUS: HeaderName = HeaderName::from_static("x-auth-status");

pub(super) fn refuse(answer: &Answer<'_>) -> Reply {
    match answer {
        Answer::Challenge { challenges, .. } => {
            let line: Vec<String> = challenges.iter().map(ToString::to_string).collect();
            Reply::new(401).with(&header::WWW_AUTHENTICATE, line.join(", "))
        }
        Answer::Trouble(trouble) => Reply::new(403)
            .with(&STATUS, trouble.status().to_string())
            .retry_after(trouble),
        Answer::Forbid { .. } | Answer::Allow { .. } => Reply::new(403),
    }
}
