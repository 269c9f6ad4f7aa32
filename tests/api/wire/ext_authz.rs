//! `/ext-authz`, as Envoy asks: the original request is the question's own line and `Host`.

use crate::helpers::{ALICE, BOB, Site};
use crate::http::basic;

fn request(method: &str, target: &str, headers: &[(&str, &str)]) -> String {
    crate::http::request(method, target, headers).replacen("Host: htgate\r\n", "", 1)
}

#[test]
fn the_question_is_the_original_request_behind_the_policy() {
    let site = Site::start();
    let (alice, bob) = (basic(ALICE), basic(BOB));
    for (method, target, host, who, status) in [
        ("GET", "/ext-authz/-/public/x", "app.example", "", 200),
        ("GET", "/ext-authz/-/x", "app.example", "", 401),
        (
            "GET",
            "/ext-authz/-/x?y=/public/",
            "app.example",
            &*alice,
            200,
        ),
        ("POST", "/ext-authz/-/x", "app.example", &alice, 200),
        ("POST", "/ext-authz/-/x", "app.example", &bob, 403),
        ("HEAD", "/ext-authz/-/public/x", "app.example", "", 200),
        ("GET", "/ext-authz/-/public/x", "other.example", "", 403),
        ("GET", "/ext-authz/-/public/x", "app.example:8443", "", 200),
        ("GET", "/ext-authz/-/public/x", "evil@app.example", "", 400),
        // By name: the path is not looked at.
        ("GET", "/ext-authz/members/public/x", "any", "", 401),
        ("GET", "/ext-authz/members/", "any", &alice, 200),
        ("GET", "/ext-authz/members", "any", &alice, 200),
        ("GET", "/ext-authz/no-such/", "any", &alice, 403),
        // Nothing behind the policy chooses another one, or another endpoint.
        ("GET", "/ext-authz/staff/../open/", "any", &bob, 403),
        (
            "GET",
            "/ext-authz/-/../../auth-request/open",
            "app.example",
            &alice,
            403,
        ),
        (
            "GET",
            "/ext-authz/-/public/..%2fx",
            "app.example",
            &alice,
            403,
        ),
        (
            "GET",
            "/ext-authz/-//public//../x",
            "app.example",
            &alice,
            403,
        ),
        ("GET", "/ext-authz/-/public/%00", "app.example", "", 403),
        ("GET", "/ext-authz/-", "app.example", &alice, 400),
        ("GET", "/ext-authz/-?/public/", "app.example", &alice, 403),
        ("OPTIONS", "*", "app.example", &alice, 404),
        (
            "GET",
            "http://app.example/ext-authz/-/public/x",
            "app.example",
            "",
            400,
        ),
        ("GET", "/ext-authz", "app.example", &alice, 404),
    ] {
        let mut headers = vec![("Host", host)];
        if !who.is_empty() {
            headers.push(("Authorization", who));
        }
        // The other endpoints' headers say nothing here.
        headers.extend([
            ("X-Forwarded-Uri", "/public/x"),
            ("X-Original-URI", "/public/x"),
        ]);
        headers.extend([
            ("X-Forwarded-Host", "app.example"),
            ("X-Forwarded-Method", "GET"),
        ]);
        let answer = site.connect().ask(&request(method, target, &headers));
        assert_eq!(answer.status, status, "{method} {target} {host}");
        assert_eq!(answer.all("Cache-Control"), ["no-store"], "{target}");
    }
}

#[test]
fn refusals_are_what_they_are_and_can_be_read() {
    let site = Site::start();
    let asked = |target: &str, more: &[(&str, &str)]| {
        site.connect().ask(&request(
            "GET",
            target,
            &[&[("Host", "app.example")], more].concat(),
        ))
    };
    let refused = asked("/ext-authz/both/x", &[("Accept", "application/json")]);
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.all("WWW-Authenticate").len(),
        2,
        "a line for each challenge"
    );
    assert_eq!(refused.all("Content-Type"), ["application/problem+json"]);
    // A client's address counts as in the other families: by X-Forwarded-For, from the right.
    let from = |list: &str| asked("/ext-authz/lan/x", &[("X-Forwarded-For", list)]).status;
    assert_eq!(from("203.0.113.7, 192.168.1.9"), 200);
    assert_eq!(from("192.168.1.9, 203.0.113.7"), 401);
    assert_eq!(from("192.168.1.9, x"), 400);
}
