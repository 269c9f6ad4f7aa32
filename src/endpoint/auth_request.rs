//! `/auth-request`: nginx `auth_request` and its relatives.
//!
//! nginx relays 401 and 403 and makes a bare 500 of everything else
//! (`ngx_http_auth_request_module.c`), so what is neither is said as 403 with `X-Auth-Status`,
//! which the shipped nginx file turns back into what it was. A body would cost nginx its kept
//! connection, and before 1.23.0 only the first `WWW-Authenticate` line passes: so there is never
//! a body, and one line holds all challenges.

use super::{Answer, Reply, required};
use crate::request::{Defect, Description, Field, Headers, Names};

const NAMES: Names = Names {
    method: "X-Original-Method",
    host: "X-Original-Host",
    uri: "X-Original-URI",
    client: "X-Real-IP",
};

/// ingress-nginx sends one absolute URL in place of scheme, host and URI. Where both forms are
/// there, one of them is the client's, and nobody here can tell which.
pub(super) fn describe<H: Headers + ?Sized>(headers: &H) -> Description<'_> {
    let mut names = NAMES;
    let (host, uri) = match headers.field("x-original-url") {
        Field::Absent => (
            required(headers, "x-original-host", NAMES.host),
            required(headers, "x-original-uri", NAMES.uri),
        ),
        _ => {
            (names.host, names.uri) = ("X-Original-URL", "X-Original-URL");
            match absolute(headers) {
                Ok((host, uri)) => (Ok(host), Ok(uri)),
                Err(defect) => (Err(defect), Err(defect)),
            }
        }
    };
    Description {
        method: required(headers, "x-original-method", NAMES.method),
        host,
        uri,
        client: required(headers, "x-real-ip", NAMES.client),
        names,
    }
}

/// Host and URI of `X-Original-URL`.
fn absolute<H: Headers + ?Sized>(headers: &H) -> Result<(&[u8], &[u8]), Defect> {
    const URL: &str = "X-Original-URL";
    for (name, shown) in [
        ("x-original-uri", NAMES.uri),
        ("x-original-host", NAMES.host),
        ("x-original-proto", "X-Original-Proto"),
    ] {
        if headers.field(name) != Field::Absent {
            return Err(Defect::Conflict(URL, shown));
        }
    }
    let url = required(headers, "x-original-url", URL)?;
    let rest = url
        .strip_prefix(b"http://")
        .or_else(|| url.strip_prefix(b"https://"))
        .ok_or(Defect::Malformed(URL))?;
    let slash = rest
        .iter()
        .position(|b| *b == b'/')
        .ok_or(Defect::Malformed(URL))?;
    rest.split_at_checked(slash).ok_or(Defect::Malformed(URL))
}

pub(super) fn refuse(answer: &Answer<'_>) -> Reply {
    match answer {
        Answer::Challenge { challenges, .. } => {
            let line: Vec<String> = challenges.iter().map(ToString::to_string).collect();
            Reply::new(401).with("www-authenticate", line.join(", "))
        }
        Answer::Trouble(trouble) => {
            Reply::new(403).with("x-auth-status", trouble.status().to_string())
        }
        Answer::Forbid { .. } | Answer::Allow { .. } => Reply::new(403),
    }
}
