//! What went wrong in programs of this kind, once each, done to this one.
//!
//! Every test names the advisory that it comes from. `docs/threats.md` has the list, also of the
//! advisories whose lesson another test shows already.

mod addresses;
mod headers;
mod paths;

use crate::harness::{
    http::{Connection, Response, request},
    program::Htgate,
    proxy::Front,
    site::{ALICE, Site, basic, every_site, htgate},
};

type Header<'a> = (&'a str, &'a str);

/// Each endpoint, and its headers for method, host, address and URI.
const ENDPOINTS: [(&str, [&str; 4]); 2] = [
    (
        "/auth-request",
        [
            "X-Original-Method",
            "X-Original-Host",
            "X-Real-IP",
            "X-Original-URI",
        ],
    ),
    (
        "/forward-auth",
        [
            "X-Forwarded-Method",
            "X-Forwarded-Host",
            "X-Forwarded-For",
            "X-Forwarded-Uri",
        ],
    ),
];

/// Asks htgate itself, by the rules, about a GET of `app.example`.
fn direct(htgate: &Htgate, endpoint: usize, uri: Option<&str>, more: &[Header<'_>]) -> u16 {
    let (path, names) = ENDPOINTS[endpoint];
    let values = [Some("GET"), Some("app.example"), Some("192.0.2.1"), uri];
    let mut headers = vec![("Host", "htgate")];
    headers.extend(
        names
            .into_iter()
            .zip(values)
            .filter_map(|(name, value)| Some((name, value?))),
    );
    headers.extend_from_slice(more);
    let question = request("GET", path, &headers, b"");
    Connection::open(htgate.address)
        .ask(&question)
        .map_or(0, |answer| answer.status)
}

/// Through a proxy; some things it answers by closing.
fn through(site: &Site, target: &str, headers: &[Header<'_>]) -> Option<Response> {
    let headers = [&[("Host", site.front.host())], headers].concat();
    let question = request("GET", target, &headers, b"");
    Connection::open(site.proxy.address).ask(&question).ok()
}

/// Asks without credentials, of both endpoints and through every proxy: it stays closed.
fn stays_closed(targets: &[&str], headers: &[Header<'_>]) {
    let htgate = htgate();
    for target in targets {
        for endpoint in 0..ENDPOINTS.len() {
            let status = direct(&htgate, endpoint, Some(target), headers);
            assert!(matches!(status, 400..404), "{target:?}: {status}");
        }
    }
    for site in every_site() {
        for target in targets {
            let answer = through(&site, target, headers);
            let refused = answer.as_ref().is_none_or(|a| matches!(a.status, 400..404));
            let arrived = site.application.take();
            // Envoy resolves dots before anybody is asked: what it made of the path was judged, and
            // arrives.
            let resolved = |target: &str| target.starts_with("/public/") && !target.contains("..");
            let made_public = site.front == Front::Envoy
                && !arrived.is_empty()
                && arrived.iter().all(|seen| resolved(&seen.target));
            assert!(refused || made_public, "{target:?}: {answer:?} {arrived:?}");
            assert!(arrived.is_empty() || made_public, "{target:?}: {arrived:?}");
        }
    }
}

/// Asks for the page of the staff with each set of headers: nobody gets in by them, alice isn't
/// kept out, and the application hears that it is her, and no X-Forwarded-* of the client's.
fn make_no_difference(cases: &[&[Header<'_>]]) {
    let htgate = htgate();
    let authorization = basic(ALICE);
    let alice = [("Authorization", authorization.as_str())];
    let with_alice = |headers| [&alice[..], headers].concat();
    for headers in cases {
        for endpoint in 0..ENDPOINTS.len() {
            let status = |headers: &[_]| direct(&htgate, endpoint, Some("/staff/x"), headers);
            assert_eq!(status(headers), 401, "{headers:?}");
            assert_eq!(status(&with_alice(headers)), 200, "{headers:?}");
        }
    }
    for site in every_site() {
        let status = |headers: &[_]| through(&site, "/staff/x", headers).map(|a| a.status);
        for headers in cases {
            // Envoy itself refuses a Connection that names what it writes.
            if site.front == Front::Envoy && status(headers) == Some(400) {
                assert!(site.application.take().is_empty(), "{headers:?}");
                continue;
            }
            assert_eq!(status(headers), Some(401), "{headers:?}");
            assert!(site.application.take().is_empty(), "{headers:?}");
            assert_eq!(status(&with_alice(headers)), Some(200), "{headers:?}");
            let seen = site.application.take_one();
            assert_eq!(seen.all("X-Auth-User"), ["alice"], "{headers:?}");
            assert_eq!(seen.all("X-Auth-Groups"), ["staff"], "{headers:?}");
            for (name, value) in *headers {
                let forwarded = name.starts_with("X-Forwarded-");
                assert!(!(forwarded && seen.all(name).contains(value)), "{seen:?}");
            }
        }
    }
}
