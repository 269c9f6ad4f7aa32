//! `/forward-auth`: Traefik `forwardAuth` and Caddy `forward_auth`.
//!
//! Both, and Envoy, relay status, headers and body of everything that is not 2xx, so refusals are what they
//! are, with a body that the client can read, and one challenge a line, since Chromium swallows a
//! second one on the same line.

use http::header;

use super::{Answer, Problem, Reply};
use crate::decision::Forbidden;
use crate::http_auth::{BearerError, Challenge, Scheme};
use crate::request::{FieldName, Names, Told};

pub(super) static NAMES: Names = Names {
    method: Told::Header(FieldName::new("x-forwarded-method", "X-Forwarded-Method")),
    host: FieldName::new("x-forwarded-host", "X-Forwarded-Host"),
    uri: Told::Header(FieldName::new("x-forwarded-uri", "X-Forwarded-Uri")),
    client: FieldName::new("x-forwarded-for", "X-Forwarded-For"),
    url: None,
};

pub(super) fn refuse(answer: &Answer<'_>) -> Reply {
    match answer {
        Answer::Challenge {
            rejection,
            challenges,
        } => challenges.iter().fold(
            Reply::new(401).about(Problem::rejected(rejection)),
            |reply, challenge| reply.with(&header::WWW_AUTHENTICATE, challenge.to_string()),
        ),
        Answer::Forbid { forbidden, realm } => {
            let reply = Reply::new(403).about(Problem::forbidden(forbidden));
            match (forbidden, realm) {
                (Forbidden::Scope { scopes, .. }, Some(realm)) => {
                    let challenge = Challenge {
                        scheme: Scheme::Bearer,
                        realm,
                        error: Some(BearerError::InsufficientScope(scopes)),
                    };
                    reply.with(&header::WWW_AUTHENTICATE, challenge.to_string())
                }
                _ => reply,
            }
        }
        Answer::Trouble(trouble) => Reply::new(trouble.status())
            .about(Problem::trouble(trouble))
            .retry_after(trouble),
        // An answer that says yes is no refusal; should one get here, it is refused.
        Answer::Allow { .. } => Reply::new(403),
    }
}
