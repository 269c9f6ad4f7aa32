//! The log, which somebody reads in a terminal and some program by lines.

use crate::helpers::{ALICE, Site};
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
