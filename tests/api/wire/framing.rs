//! What is HTTP, what is not, and how much of it is taken.

use super::{MEMBERS, ask, borrowed, every_outcome};
use crate::helpers::{ALICE, BOB, Site};
use crate::http::{Answer, basic, get, request};

/// Header lines that make a request none (RFC 9112 §5, §6).
const NO_HTTP: [&str; 8] = [
    "Host : x\r\n",
    "Host: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
    "Host: x\r\nContent-Length: -1\r\n",
    "Host: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    "Host: x\r\nTransfer-Encoding: chunked, identity\r\n",
    "Host: x\r\nX-Api-Key: a\0b\r\n",
    "Host: x\r\nX-Folded: a\r\n b\r\n",
    "Host: x\r\nno colon\r\n",
];

#[test]
fn every_method_gets_the_same_answer_and_head_no_body() {
    let site = Site::start();
    let methods = "GET HEAD POST PUT PATCH DELETE OPTIONS TRACE PROPFIND M-SEARCH get x";
    for (target, headers, status) in every_outcome() {
        let expected = ask(&site, target, &headers);
        assert_eq!(expected.status, status, "{target}: {expected:?}");
        for method in methods.split(' ') {
            let request = request(method, target, &borrowed(&headers));
            let mut connection = site.connect();
            let mut answer = connection.ask(&request);
            if method == "HEAD" {
                assert_eq!(answer.body, "");
                answer.body.clone_from(&expected.body);
            }
            assert_eq!(answer, expected, "{method} {target}");
            // Nothing was left in between: the same connection answers the next one.
            assert_eq!(connection.ask(&request).status, status, "{method} {target}");
        }
    }
}

#[test]
fn any_host_will_do_and_http_1_1_needs_exactly_one() {
    let site = Site::start();
    let alice = basic(ALICE);
    for (hosts, status, trouble) in [
        ("Host: app.example\r\n", 200, ""),
        ("Host: 127.0.0.1:80\r\n", 200, ""),
        ("Host: [::1]:9180\r\n", 200, ""),
        ("Host: htgate_backend\r\n", 200, ""),
        ("Host:\r\n", 200, ""),
        ("host: unix:/run/htgate.sock:\r\n", 200, ""),
        // RFC 9112 §3.2.
        ("", 400, ""),
        ("Host: a\r\nHost: a\r\n", 400, ""),
    ] {
        let lines = format!("{hosts}Authorization: {alice}\r\n\r\n");
        let answer = site
            .connect()
            .ask(&format!("GET {MEMBERS} HTTP/1.1\r\n{lines}"));
        assert_eq!(answer.status, status, "{hosts}");
        assert_eq!(answer.all("X-Auth-Status").join(","), trouble, "{hosts}");
        let full = "/forward-auth/members";
        let answer = site
            .connect()
            .ask(&format!("GET {full} HTTP/1.1\r\n{lines}"));
        assert_eq!(
            answer.status,
            if status == 200 { 200 } else { 400 },
            "{hosts}"
        );
    }
}

#[test]
fn header_names_have_no_case_and_blanks_around_values_do_not_count() {
    let site = Site::start();
    let alice = basic(ALICE);
    for line in [
        format!("authorization: {alice}"),
        format!("AUTHORIZATION:{alice}"),
        format!("aUtHoRiZaTiOn: \t  {alice} \t "),
    ] {
        let answer = site.connect().ask(&format!(
            "GET {MEMBERS} HTTP/1.1\r\nhOsT: x\r\n{line}\r\n\r\n"
        ));
        assert_eq!(answer.status, 200, "{line:?}");
    }
    let described =
        "x-original-METHOD:  POST \r\nX-ORIGINAL-HOST:\tapp.example\r\nx-original-uri: /a \r\n";
    let bob = basic(BOB);
    let head =
        format!("GET /auth-request HTTP/1.1\r\nHost: x\r\n{described}Authorization: {bob}\r\n\r\n");
    assert_eq!(site.connect().ask(&head).status, 403, "POST is for staff");
}

#[test]
fn a_header_block_of_32_kilobytes_is_taken() {
    let site = Site::start();
    let line = |length: usize| format!("Cookie: {}\r\n", "c".repeat(length));
    for filler in [
        line(7_000).repeat(3),
        line(8_000).repeat(4),
        line(32_000),
        line(400).repeat(78),
    ] {
        taken(&site, &filler);
    }
}

#[test]
fn ninety_header_lines_are_taken_and_many_more_are_refused() {
    let site = Site::start();
    taken(&site, &"X-Line: value\r\n".repeat(90));
    // The HTTP parser below us takes 96 lines; what has more is refused before anybody looks.
    let (answer, closed) = ask_with(&site, &"X-Line: value\r\n".repeat(900));
    assert_eq!((answer.status, closed), (431, true));
}

/// Holds that a request with these further lines is answered, and so is the next one.
fn taken(site: &Site, filler: &str) {
    let alice = basic(ALICE);
    let head =
        format!("GET {MEMBERS} HTTP/1.1\r\nHost: x\r\n{filler}Authorization: {alice}\r\n\r\n");
    let mut connection = site.connect();
    for _ in 0..2 {
        let status = connection.ask(&head).status;
        assert_eq!(
            status,
            200,
            "{} lines, {} bytes",
            head.lines().count(),
            head.len()
        );
    }
}

#[test]
fn a_request_that_is_no_http_is_refused() {
    let site = Site::start();
    for lines in NO_HTTP {
        let (answer, closed) = ask_with(&site, lines);
        assert_eq!((answer.status, closed), (400, true), "{lines:?}");
    }
}

/// Asks with alice's password and these lines.
fn ask_with(site: &Site, lines: &str) -> (Answer, bool) {
    let alice = basic(ALICE);
    let mut connection = site.connect();
    let head = format!("GET {MEMBERS} HTTP/1.1\r\n{lines}Authorization: {alice}\r\n\r\n");
    (connection.ask(&head), connection.is_closed())
}

#[test]
fn half_a_head_is_not_waited_for_forever() {
    let site = Site::start();
    let whole = get(MEMBERS, &[("Authorization", &basic(ALICE))]);
    let mut connection = site.connect();
    let answer = connection.ask(whole.trim_end());
    assert_eq!(answer.status, 408);
    assert!(connection.is_closed());
}
