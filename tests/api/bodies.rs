//! What a refusal says to the person or the program that reads it.

use serde_json::Value;

use crate::helpers::{ALICE, BOB, CONFIG, Site, user, users};
use crate::http::{Answer, basic};

const JSON: &str = "application/problem+json";
const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

#[test]
fn the_form_of_a_body_is_the_one_that_the_client_likes_best() {
    let site = Site::start();
    for (accept, form) in [
        (None, JSON),
        (Some(""), JSON),
        (Some("*/*"), JSON),
        (Some("application/json"), JSON),
        (Some("application/problem+json"), JSON),
        (Some("APPLICATION/JSON"), JSON),
        (Some("text/html"), HTML),
        (Some("text/plain"), TEXT),
        (Some("text/*"), TEXT),
        // Firefox, Chromium, curl, and Python's requests.
        (
            Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            HTML,
        ),
        (
            Some(
                "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8,application/signed-exchange;v=b3;q=0.7",
            ),
            HTML,
        ),
        (Some("application/json, text/plain, */*"), JSON),
        (
            Some("text/plain;q=0.5, text/html;q=0.4, application/json;q=0.6"),
            JSON,
        ),
        (Some("application/json;q=0.1, text/html;q=0.2"), HTML),
        (Some("application/json;q=0.001, text/plain;q=0.002"), TEXT),
        (Some("text/html;q=0, */*"), JSON),
        (
            Some("application/json;q=0, text/html;q=0, text/plain"),
            TEXT,
        ),
        (Some("text/html ; q=0.3 , text/plain ; q=0.4"), TEXT),
        (Some("image/png"), JSON),
        (Some("image/png;q=1, text/html;q=0.1"), HTML),
        (Some("nonsense"), JSON),
        (Some(",,;q=,"), JSON),
    ] {
        let accept: Vec<(&str, &str)> = accept.map(|value| ("Accept", value)).into_iter().collect();
        let answer = site.ask("/forward-auth/members", &accept);
        assert_eq!(answer.status, 401, "{accept:?}");
        assert_eq!(answer.one("Content-Type"), form, "{accept:?}");
    }
}

#[test]
fn a_form_that_the_client_refuses_is_not_sent() {
    let site = Site::start();
    // RFC 9110 §12.5.1: the most specific range counts; §12.4.2: 0 is "not acceptable".
    for (accept, form) in [
        ("application/json;q=0, */*;q=0.1", TEXT),
        ("*/*;q=0.1, application/json;q=0, text/plain;q=0", HTML),
        ("text/*, text/plain;q=0", HTML),
    ] {
        let answer = site.ask("/forward-auth/members", &[("Accept", accept)]);
        assert_eq!(answer.one("Content-Type"), form, "{accept}");
    }
}

#[test]
fn a_problem_in_json_says_what_rfc_9457_wants() {
    let site = Site::start();
    let (alice, wrong) = (basic(ALICE), basic(("alice", "no")));
    for (target, authorization, status, code) in [
        ("/forward-auth/members", "", 401, "credentials_missing"),
        ("/forward-auth/members", &*wrong, 401, "credentials_invalid"),
        (
            "/forward-auth/members",
            "Bearer",
            401,
            "credentials_malformed",
        ),
        (
            "/forward-auth/members",
            "Basic !",
            401,
            "credentials_malformed",
        ),
        ("/forward-auth/closed", &*alice, 403, "closed"),
        ("/forward-auth/no-such", &*alice, 403, "closed"),
        ("/forward-auth/writers", &*alice, 403, "not_permitted"),
        ("/forward-auth", &*alice, 400, "bad_description"),
        ("/no-such", &*alice, 404, "no_endpoint"),
    ] {
        let headers = [("Authorization", authorization)];
        let headers = if authorization.is_empty() {
            &[][..]
        } else {
            &headers
        };
        let answer = site.ask(target, headers);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer.status, status, "{target}");
        assert_eq!(body["status"], status, "{target}");
        assert_eq!(body["code"], code, "{target} {authorization}");
        assert_eq!(body["type"], "about:blank", "{target}");
        for text in ["title", "detail"] {
            assert!(
                body[text].as_str().is_some_and(|text| !text.is_empty()),
                "{body}"
            );
        }
    }
}

#[test]
fn what_is_malformed_is_named() {
    let site = Site::start();
    for (header, value, word) in [
        ("Authorization", "abcdefghijklmnop", "scheme"),
        ("Authorization", "Digest username=alice", "scheme"),
        ("Authorization", "Basic b2ggbm8", "colon"),
        ("Authorization", "Basic a b", "token"),
        ("Authorization", "Basic YWI6Y-_=", "base64"),
    ] {
        let answer = site.ask("/forward-auth/members", &[(header, value)]);
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let detail = body["detail"].as_str().unwrap();
        assert!(detail.contains(word), "{value:?}: {detail}");
    }
}

#[test]
fn no_body_is_longer_than_a_kilobyte_or_names_anybody() {
    let site = Site::start();
    let key = site.done(&["key", "create", "--realm", "intranet", "--name", "keyname"]);
    let bearer = format!("Bearer {key}");
    let (alice, bob) = (basic(ALICE), basic(BOB));
    let (long, other) = ("<script>".repeat(500), format!("{} x", "s".repeat(3000)));
    let long_uri = format!("/{long}/../x");
    let target = |uri| {
        [
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Host", "app.example"),
            ("X-Forwarded-Uri", uri),
        ]
    };
    for accept in ["application/json", "text/html", "text/plain"] {
        for (path, headers) in [
            ("/forward-auth/members", vec![]),
            ("/forward-auth/members", vec![("Authorization", &*long)]),
            ("/forward-auth/members", vec![("Authorization", &*other)]),
            ("/forward-auth/members", vec![("X-API-Key", &*long)]),
            ("/forward-auth/staff", vec![("Authorization", &*bob)]),
            ("/forward-auth/writers", vec![("Authorization", &*alice)]),
            ("/forward-auth/writers", vec![("Authorization", &*bearer)]),
            ("/forward-auth/closed", vec![("Authorization", &*alice)]),
            ("/forward-auth/no-such-policy", vec![]),
            ("/forward-auth/robots", vec![("Authorization", &*bearer)]),
            ("/forward-auth/robots", vec![("Authorization", &*alice)]),
            ("/forward-auth", target(&long_uri).to_vec()),
            ("/forward-auth", target("/a%2f..%2fpublic/x").to_vec()),
            ("/forward-auth", vec![]),
            ("/%3Cb%3Ealice", vec![]),
        ] {
            let headers = [&headers[..], &[("Accept", accept)]].concat();
            let Answer { status, body, .. } = site.ask(path, &headers);
            assert!((400..500).contains(&status), "{path}: {status}");
            assert!(
                (20..=1024).contains(&body.len()),
                "{path}: {} bytes",
                body.len()
            );
            for secret in [
                "alice",
                "bob",
                "staff",
                "members",
                "robots",
                "no-such",
                "keyname",
                "htpasswd",
                "htgate-api",
                "script>",
                "<b>",
                "intranet",
                &key,
            ] {
                // The scope that is lacking is for the client to know; RFC 6750 §3.1.
                assert!(
                    !body.contains(secret),
                    "{path} {accept}: {secret:?} in {body}"
                );
            }
        }
    }
}

#[test]
fn an_unknown_user_and_a_wrong_password_cannot_be_told_apart() {
    let mut site = Site::prepare(CONFIG);
    let locked = format!("locked:!{}", user(("x", "p"), 4).trim_start_matches("x:"));
    let file = users(&[ALICE, BOB]) + &locked + "empty:\n";
    site.write("users.htpasswd", &file);
    site.serve("htgate.toml");
    for endpoint in [
        "/auth-request/members",
        "/forward-auth/members",
        "/forward-auth/both",
    ] {
        for accept in ["application/json", "text/html", "text/plain"] {
            let ask = |who| {
                let authorization = basic(who);
                site.ask(
                    endpoint,
                    &[("Authorization", &authorization), ("Accept", accept)],
                )
            };
            let expected = ask(("alice", "wrong"));
            assert_eq!(expected.status, 401);
            for who in [
                ("nobody", "wrong"),
                ("nobody", "wonderland"),
                ("Alice", "wonderland"),
                ("alice ", "wonderland"),
                ("bob", "wonderland"),
                ("alice", ""),
                ("nobody", ""),
                ("locked", "p"),
                ("empty", ""),
                ("empty", "x"),
                ("", "wonderland"),
                ("alice", &"w".repeat(600)),
                ("nobody", &"w".repeat(600)),
            ] {
                assert_eq!(ask(who), expected, "{endpoint} {accept} {who:?}");
            }
        }
    }
}
