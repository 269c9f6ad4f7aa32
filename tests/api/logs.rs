//! The log, which somebody reads in a terminal and some program by lines.

use crate::helpers::{ALICE, CONFIG, Site};
use crate::http::{basic, request};

/// What turns letters around, moves the cursor, ends a line or a quotation.
const TRICKS: [&str; 8] = [
    "\u{202e}gpj.exe",
    "\u{2066}x\u{2069}",
    "\u{9b}31m",
    "\u{85}next",
    "\u{2028}next",
    "a\tb",
    "x\" reason=\"allowed",
    "%0a2026-01-01T00:00:00Z  INFO allowed",
];

#[test]
fn nothing_that_a_client_sends_breaks_or_colours_or_forges_a_line() {
    let site = Site::start();
    let names = ["X-Forwarded-Method", "X-Forwarded-Host", "X-Forwarded-For"];
    let mut asked = 0;
    for trick in TRICKS {
        let path = format!("/{trick}");
        let user = basic((trick, "secret"));
        let bearer = format!("Bearer {trick}");
        for (target, headers) in [
            ("/forward-auth", vec![("X-Forwarded-Uri", path.as_str())]),
            ("/forward-auth/members", vec![("Authorization", &*user)]),
            ("/forward-auth/members", vec![("Authorization", &*bearer)]),
            ("/forward-auth/lan", vec![("X-Forwarded-For", trick)]),
            ("/auth-request/members", vec![("X-Original-URL", trick)]),
        ] {
            let mut all = headers.clone();
            all.extend(names.map(|name| (name, trick)));
            if target == "/forward-auth/lan" {
                all = headers;
            }
            let answer = site.connect().ask(&request("GET", target, &all));
            assert!(matches!(answer.status, 400..404), "{target} {all:?}");
            asked += 1;
        }
    }
    // A path as long as a head can be is no line as long as that.
    let (endless, alice) = ("a".repeat(20_000), basic(ALICE));
    let headers = [
        ("X-Forwarded-Uri", endless.as_str()),
        ("Authorization", &*alice),
    ];
    assert_eq!(site.ask("/forward-auth/staff", &headers).status, 200);
    assert_eq!(site.ask("/forward-auth/closed", &headers).status, 403);
    asked += 1;

    let log = site.log();
    let told: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("endpoint="))
        .collect();
    assert_eq!(told.len(), asked, "a line for each refusal:\n{log}");
    for line in log.lines() {
        let printable = line.bytes().all(|b| matches!(b, b' '..=b'~'));
        assert!(printable && line.len() < 2000, "{line:?}");
        assert!(line.starts_with("20"), "each begins with its time: {line}");
    }
}

/// Every kind of refusal has one line with all that is known of it, in JSON as in text.
#[test]
fn a_refusal_is_one_line_and_one_json_object() {
    let site = Site::start_with(&format!(
        "{CONFIG}[log]\nformat = \"json\"\nlevel = \"debug\"\n"
    ));
    let wrong = basic(("alice", "hunter2"));
    let headers = [
        ("X-Forwarded-Method", "POST"),
        ("X-Forwarded-Host", "app.example"),
        ("X-Forwarded-Uri", "/a\tb?q=secret"),
        ("X-Forwarded-For", "203.0.113.7"),
        ("Authorization", &*wrong),
    ];
    assert_eq!(site.ask("/forward-auth/members", &headers).status, 401);
    let alice = basic(ALICE);
    assert_eq!(
        site.ask("/forward-auth/members", &[("Authorization", &*alice)])
            .status,
        200
    );

    let told = || -> Vec<serde_json::Value> {
        let log = site.log();
        let all = log.lines().map(serde_json::from_str);
        all.collect::<Result<_, _>>()
            .unwrap_or_else(|error| panic!("{error}\n{log}"))
    };
    let find = |code: &str| told().into_iter().find(|line| line["code"] == code);
    let refused = find("wrong_password").unwrap();
    for (field, value) in [
        ("level", "INFO"),
        ("message", "refused"),
        ("endpoint", "/forward-auth"),
        ("policy", "members"),
        ("rule", "none"),
        ("realm", "intranet"),
        ("reason", "wrong user or password"),
        ("means", "basic"),
        ("key", "-"),
        ("client", "203.0.113.7"),
        ("host", "app.example"),
        ("method", "POST"),
        ("path", "/a\\tb"),
    ] {
        assert_eq!(refused[field], value, "{field}");
    }
    assert_eq!(refused["status"], 401);
    assert_eq!(find("allowed").unwrap()["message"], "allowed alice");
    for secret in ["hunter2", ALICE.1, "secret"] {
        assert!(!site.log().contains(secret), "{secret}");
    }
}

#[test]
fn every_code_is_explained() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let page = read("docs/logs.md");
    let mut known = 0;
    for file in ["src/decision.rs", "src/endpoint/mod.rs"] {
        let source = read(file);
        for body in source.split("pub const fn code(&self)").skip(1) {
            let body = &body[..body.find("\n    }").unwrap()];
            for code in body.split('"').skip(1).step_by(2) {
                assert!(page.contains(&format!("| `{code}` |")), "{code}");
                known += 1;
            }
        }
    }
    let table = page.split("| `code` |").nth(1).unwrap();
    let table = table.split("\n\n").next().unwrap();
    assert_eq!(table.matches("\n| `").count(), known, "no others");
}
