//! What comes along with a request, and must make no difference.

use super::{MEMBERS, ask, borrowed, every_outcome};
use crate::helpers::{ALICE, Site};
use crate::http::{Answer, basic};

#[test]
fn what_is_not_meant_for_us_changes_nothing() {
    let site = Site::start();
    for (target, headers, _) in every_outcome() {
        let expected = less_connection(ask(&site, target, &headers));
        for (name, value) in [
            ("Expect", "100-continue"),
            ("Expect", "something else"),
            ("Upgrade", "websocket"),
            ("Upgrade", "h2c"),
            ("HTTP2-Settings", "AAMAAABkAAQAAP__"),
            ("If-None-Match", "*"),
            ("If-Match", "\"x\""),
            ("If-Modified-Since", "Thu, 01 Jan 2099 00:00:00 GMT"),
            ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("Range", "bytes=0-0"),
            ("Accept-Encoding", "gzip, br, zstd"),
            ("Accept-Language", "xx"),
            ("TE", "trailers"),
            ("Origin", "https://evil.example"),
            ("Access-Control-Request-Method", "GET"),
            ("X-HTTP-Method-Override", "DELETE"),
            ("Cache-Control", "only-if-cached"),
            ("X-Rewrite-URL", "/public/x"),
            ("Forwarded", "for=127.0.0.1;host=app.example;proto=https"),
        ] {
            let mut headers = borrowed(&headers);
            headers.push((name, value));
            assert_eq!(
                less_connection(site.ask(target, &headers)),
                expected,
                "{name}: {value}, {target}"
            );
        }
        let mut upgrade = borrowed(&headers);
        upgrade.extend([("Connection", "Upgrade"), ("Upgrade", "websocket")]);
        assert_eq!(
            less_connection(site.ask(target, &upgrade)),
            expected,
            "{target}"
        );
    }
}

/// Whether a connection is kept after it was asked to become another one is nobody's concern.
fn less_connection(mut answer: Answer) -> Answer {
    answer.lines.retain(|line| !line.starts_with("connection:"));
    answer.head_len = answer.lines.iter().map(|line| line.len() + 2).sum();
    answer
}

#[test]
fn names_that_only_look_alike_are_other_headers() {
    let site = Site::start();
    let bearer = format!("Bearer {}", "x".repeat(30));
    for (name, value) in [
        ("X_Api_Key", "k"),
        ("X.Api.Key", "k"),
        ("Proxy-Authorization", &*basic(ALICE)),
        ("X-Authorization", &bearer),
        ("Remote-User", "alice"),
        ("X-Auth-User", "alice"),
        ("Cookie", "api_key=k"),
    ] {
        let answer = site.ask(MEMBERS, &[(name, value)]);
        assert_eq!(answer.status, 401, "{name}");
        let both = site.ask(MEMBERS, &[("Authorization", &basic(ALICE)), (name, value)]);
        assert_eq!(both.one("X-Auth-User"), "alice", "{name}");
    }
}

#[test]
fn the_endpoints_own_query_never_matters() {
    let site = Site::start();
    for (target, headers, _) in every_outcome() {
        let expected = ask(&site, target, &headers);
        for query in [
            "?",
            "?a=b",
            "?/auth-request/open",
            "?api_key=x&policy=open",
            "??x#",
        ] {
            let answer = ask(&site, &format!("{target}{query}"), &headers);
            assert_eq!(answer, expected, "{target}{query}");
        }
    }
}

#[test]
fn only_the_exact_paths_are_endpoints() {
    let site = Site::start();
    let alice = basic(ALICE);
    for (target, status) in [
        ("/", 404),
        ("/auth-request-x", 404),
        ("/Auth-Request/members", 404),
        ("//auth-request/members", 404),
        ("/x/../auth-request/members", 404),
        ("/auth%2drequest/members", 404),
        ("/auth-request%2fmembers", 404),
        ("/healthz", 404),
        ("/readyz", 404),
        ("/metrics", 404),
        ("/reload", 404),
        ("/auth-request/", 403),
        ("/auth-request/members/", 403),
        ("/auth-request/Members", 403),
        ("/auth-request/mem%62ers", 403),
        ("/auth-request/x/../members", 403),
        ("/auth-request/members;x", 403),
    ] {
        let answer = site.ask(target, &[("Authorization", &alice)]);
        assert_eq!(answer.status, status, "{target}");
    }
}
