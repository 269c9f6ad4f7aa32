//! What holds behind every proxy, by whatever way it reaches htgate.

mod changes;
mod guesses;
mod identity;
mod refusals;
mod transport;

use crate::harness::{http::Response, site::Site};

/// What a client could say to pass for somebody else.
pub(crate) const SPOOFED: [(&str, &str); 14] = [
    ("X-Auth-User", "spoofed"),
    ("x-auth-groups", "spoofed"),
    ("X-Auth-Scopes", "spoofed"),
    ("X-Auth-Method", "spoofed"),
    ("X-Auth-Realm", "spoofed"),
    ("X-Auth-Key", "spoofed"),
    ("Remote-User", "spoofed"),
    ("Remote-Groups", "spoofed"),
    ("X-Remote-User", "spoofed"),
    ("X-Forwarded-User", "spoofed"),
    ("X-Webauth-User", "spoofed"),
    ("X-Original-URL", "/spoofed"),
    ("X-Rewrite-URL", "/spoofed"),
    ("Forwarded", "for=192.0.2.1;host=spoofed"),
];

/// Asserts the status of a refusal, and that the application heard nothing of it.
pub(crate) fn assert_refused(site: &Site, status: u16, response: &Response) {
    assert_eq!(response.status, status, "{response:?}");
    assert_eq!(response.all("X-Upstream"), [""; 0], "{response:?}");
    assert!(
        site.application.take().is_empty(),
        "nothing reaches the application"
    );
}
