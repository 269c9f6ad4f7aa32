//! `/ext-authz`: Envoy's `ext_authz` over HTTP, and what is built on it, such as the Gateway API.
//!
//! Envoy asks with the original method, and the original path behind a prefix of ours
//! (`path_prefix`): `/ext-authz/POLICY/…`, or `/ext-authz/-/…` for the rules. `Host` is the original
//! one. It relays refusals as they are, so those are `/forward-auth`'s.

use super::Route;
use crate::request::{FieldName, Names, RequestLine, Told};

pub(super) static NAMES: Names = Names {
    method: Told::Line("a method"),
    host: FieldName::new("host", "Host"),
    uri: Told::Line("a path behind /ext-authz/POLICY"),
    client: FieldName::new("x-forwarded-for", "X-Forwarded-For"),
    url: None,
};

/// "By the rules", where a policy would stand.
const RULES: &str = "-";

/// What is asked for, by what stands behind the endpoint's path.
///
/// SECURITY: the policy is the first segment as it stands. Nothing in the client's path, which
/// begins at the slash behind it, can reach back and choose another.
pub(super) fn route<'a>(method: &'a str, behind: &'a str) -> Option<Route<'a>> {
    let behind = behind.strip_prefix('/')?;
    let end = behind.find(['/', '?']).unwrap_or(behind.len());
    let (policy, uri) = behind.split_at_checked(end)?;
    Some(Route {
        endpoint: super::Endpoint::ExtAuthz,
        policy: (policy != RULES).then_some(policy),
        line: RequestLine {
            method: method.as_bytes(),
            uri: uri.as_bytes(),
        },
    })
}
