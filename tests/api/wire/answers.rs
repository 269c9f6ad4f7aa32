//! What every answer must hold, and what it may not.

use super::{MEMBERS, ask, borrowed, every_outcome};
use crate::helpers::{ALICE, CONFIG, Site, users};
use crate::http::basic;

#[test]
fn every_answer_may_not_be_stored_and_has_the_challenges_it_should() {
    let site = Site::start();
    for (target, headers, status) in every_outcome() {
        let answer = ask(&site, target, &headers);
        assert_eq!(answer.one("Cache-Control"), "no-store", "{target}");
        let lines = answer.all("WWW-Authenticate");
        let expected = match (status, target) {
            (401, "/forward-auth/both") => 2,
            (401, _) => 1,
            _ => 0,
        };
        assert_eq!(lines.len(), expected, "{target}: {lines:?}");
        if target.starts_with("/auth-request") || status == 200 {
            assert_eq!(answer.body, "", "{target}");
        }
    }
}

/// There are no logins that would have to lead back to where somebody came from.
#[test]
fn no_answer_leads_elsewhere() {
    let site = Site::start();
    for (target, headers, _) in every_outcome() {
        let mut headers = borrowed(&headers);
        headers.push(("Referer", "https://evil.example/"));
        headers.push(("X-Auth-Request-Redirect", "https://evil.example/"));
        let answer = site.ask(&format!("{target}?rd=https://evil.example/"), &headers);
        assert!(!(300..400).contains(&answer.status), "{target}");
        for name in ["Location", "Refresh", "Content-Location"] {
            assert!(answer.all(name).is_empty(), "{target}: {answer:?}");
        }
        assert!(!answer.body.contains("evil"), "{target}: {answer:?}");
    }
}

#[test]
fn the_head_of_an_answer_fits_the_buffer_of_any_proxy() {
    let long = "u".repeat(250);
    let config = CONFIG.replace("Example intranet", &"t".repeat(120));
    let mut site = Site::prepare(&config);
    site.write("users.htpasswd", &users(&[ALICE, (&long, "p")]));
    site.write("users.groups", &format!("{}: {long}\n", "g".repeat(250)));
    site.serve("htgate.toml");
    for (target, headers, _) in every_outcome() {
        let answer = ask(&site, target, &headers);
        assert!(
            answer.head_len < 4096,
            "{target}: {} bytes",
            answer.head_len
        );
    }
    let answer = site.ask(MEMBERS, &[("Authorization", &basic((&long, "p")))]);
    assert_eq!((answer.status, answer.one("X-Auth-User")), (200, &*long));
    assert!(answer.head_len < 4096, "{} bytes", answer.head_len);
}

#[test]
fn the_head_of_an_answer_stays_small_for_who_is_in_very_many_groups() {
    let mut site = Site::prepare(CONFIG);
    let groups: Vec<String> = (0..400)
        .map(|n| format!("department-of-number-{n}: alice\n"))
        .collect();
    site.write("users.groups", &groups.concat());
    site.serve("htgate.toml");
    let answer = site.ask(MEMBERS, &[("Authorization", &basic(ALICE))]);
    assert!(answer.head_len < 4096, "{} bytes", answer.head_len);
}

#[test]
fn identity_headers_are_always_all_there() {
    let site = Site::start();
    let key = site.done(&[
        "key", "create", "--realm", "intranet", "--name", "ci", "--owner", "alice", "--scope", "b",
        "--scope", "a",
    ]);
    let id = key.split('_').nth(1).unwrap();
    let alice = basic(ALICE);
    let bearer = format!("Bearer {key}");
    for (target, headers, expected) in [
        (
            "/auth-request/open",
            vec![],
            ["-", "-", "-", "none", "-", "-"],
        ),
        (
            MEMBERS,
            vec![("Authorization", &*alice)],
            ["alice", "staff", "-", "basic", "intranet", "-"],
        ),
        (
            MEMBERS,
            vec![("Authorization", &*bearer)],
            ["alice", "staff", "a,b", "api-key", "intranet", id],
        ),
        (
            "/auth-request/lan",
            vec![("X-Real-IP", "192.168.1.1")],
            ["-", "-", "-", "address", "intranet", "-"],
        ),
    ] {
        for target in [
            target.to_owned(),
            target.replace("auth-request", "forward-auth"),
        ] {
            let forwarded = [("X-Forwarded-For", "192.168.1.1")];
            let answer = site.ask(&target, &[&headers[..], &forwarded].concat());
            let names = ["User", "Groups", "Scopes", "Method", "Realm", "Key"];
            let told = names.map(|name| answer.one(&format!("X-Auth-{name}")).to_owned());
            assert_eq!(told, expected, "{target}");
            assert_eq!(
                (answer.status, answer.one("Content-Length")),
                (200, "0"),
                "{target}"
            );
        }
    }
}

#[test]
fn a_script_is_not_prompted_where_it_could_send_a_key() {
    let site = Site::start();
    let script = [("X-Requested-With", "XMLHttpRequest")];
    for (target, headers, expected) in [
        ("/forward-auth/both", &script[..], vec!["Bearer"]),
        ("/forward-auth/both", &[], vec!["Basic", "Bearer"]),
        // Without another scheme there is nothing else to say, and a 401 needs a challenge.
        ("/forward-auth/members", &script, vec!["Basic"]),
        ("/forward-auth/robots", &[], vec!["Bearer"]),
    ] {
        let answer = site.ask(target, headers);
        let schemes = answer.all("WWW-Authenticate").into_iter();
        let schemes: Vec<_> = schemes.filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(schemes, expected, "{target}");
    }
    let one = site.ask("/auth-request/both", &[]);
    assert_eq!(
        one.one("WWW-Authenticate"),
        "Basic realm=\"Example intranet\", charset=\"UTF-8\", Bearer realm=\"Example intranet\""
    );
}

#[test]
fn bearer_errors_say_what_the_sender_may_know() {
    let site = Site::start();
    let key = site.done(&["key", "create", "--realm", "robots", "--name", "k"]);
    site.done(&["key", "revoke", "k"]);
    let unknown = "x".repeat(40);
    for (headers, error) in [
        (vec![], ""),
        (vec![("X-API-Key", unknown.as_str())], "invalid_token"),
        (
            vec![("X-API-Key", key.as_str())],
            "invalid_token\", error_description=\"revoked",
        ),
    ] {
        let answer = site.ask("/forward-auth/robots", &headers);
        let line = answer.one("WWW-Authenticate");
        let told = line
            .split_once("error=\"")
            .map_or("", |(_, rest)| rest.trim_end_matches('"'));
        let told = told.split("\", error_description=\"").collect::<Vec<_>>();
        let expected = error.split("\", error_description=\"").collect::<Vec<_>>();
        assert_eq!(told.len(), expected.len(), "{line}");
        assert_eq!(told[0], expected[0], "{line}");
        assert!(
            told.last().unwrap().contains(expected.last().unwrap()),
            "{line}"
        );
    }
    let weak = site.done(&["key", "create", "--realm", "intranet", "--name", "weak"]);
    let bearer = format!("Bearer {weak}");
    let full = site.ask("/forward-auth/writers", &[("Authorization", &bearer)]);
    assert_eq!(full.status, 403);
    let line = full.one("WWW-Authenticate");
    assert!(line.contains("error=\"insufficient_scope\""), "{line}");
    assert!(line.contains("scope=\"api:write\""), "{line}");
    let nginx = site.ask("/auth-request/writers", &[("Authorization", &bearer)]);
    assert_eq!(
        (nginx.status, nginx.all("WWW-Authenticate").len()),
        (403, 0)
    );
}
