//! Which connections are kept, which are closed, and whose are answered.

use std::thread;

use super::{MEMBERS, ask, borrowed, every_outcome};
use crate::helpers::{ALICE, Site};
use crate::http::{basic, get, request};

#[test]
fn http_1_0_and_close_are_closed_and_everything_else_is_kept() {
    let site = Site::start();
    let alice = basic(ALICE);
    for (version, connection, host, closed) in [
        ("1.0", "Connection: close\r\n", "Host: x\r\n", true),
        ("1.0", "", "", true),
        ("1.0", "", "Host: \r\n", true),
        ("1.0", "Connection: keep-alive\r\n", "", false),
        ("1.1", "", "Host: x\r\n", false),
        ("1.1", "Connection: keep-alive\r\n", "Host: x\r\n", false),
        ("1.1", "Connection: close\r\n", "Host: x\r\n", true),
        ("1.1", "connection: Close\r\n", "Host: x\r\n", true),
    ] {
        for (authorization, status) in [
            (format!("Authorization: {alice}\r\n"), 200),
            (String::new(), 401),
        ] {
            let request =
                format!("GET {MEMBERS} HTTP/{version}\r\n{host}{connection}{authorization}\r\n");
            let mut connection = site.connect();
            assert_eq!(connection.ask(&request).status, status, "{request}");
            if closed {
                assert!(connection.is_closed(), "{request}");
            } else {
                assert_eq!(connection.ask(&request).status, status, "{request}");
            }
        }
    }
}

#[test]
fn an_announced_body_is_not_waited_for_and_ends_the_connection() {
    let site = Site::start();
    for announced in [
        "Content-Length: 5",
        "Content-Length: 1000000000",
        "Content-Type: text/plain\r\nContent-Length: 1",
    ] {
        answered_and_closed(&site, announced, "");
    }
    let mut connection = site.connect();
    let nothing = request("POST", MEMBERS, &[("Content-Length", "0")]);
    for _ in 0..2 {
        assert_eq!(connection.ask(&nothing).status, 401);
    }
}

#[test]
fn chunks_that_are_announced_are_not_waited_for_and_end_the_connection() {
    let site = Site::start();
    for sent in ["", "5\r\nhe", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n\r\n"] {
        answered_and_closed(&site, "Transfer-Encoding: chunked", sent);
    }
}

/// Asks for every outcome with a body announced, of which only so much is sent.
fn answered_and_closed(site: &Site, announced: &str, sent: &str) {
    thread::scope(|scope| {
        for (target, headers, status) in every_outcome() {
            scope.spawn(move || {
                let mut connection = site.connect();
                let plain = request("POST", target, &borrowed(&headers));
                let head = plain.trim_end();
                let answer = connection.ask(&format!("{head}\r\n{announced}\r\n\r\n{sent}"));
                assert_eq!(answer.status, status, "{announced} {target}");
                assert!(connection.is_closed(), "{announced} {sent:?} {target}");
            });
        }
    });
}

#[test]
fn a_body_is_never_read_as_a_request() {
    let site = Site::start();
    let smuggled = get("/auth-request/open", &[]);
    let length = smuggled.len().to_string();
    let chunk = format!("{:x}\r\n{smuggled}\r\n0\r\n\r\n", smuggled.len());
    for (announced, body) in [
        (("Content-Length", &*length), &smuggled),
        (("Transfer-Encoding", "chunked"), &chunk),
    ] {
        let mut connection = site.connect();
        let head = request("POST", MEMBERS, &[announced]);
        assert_eq!(connection.ask(&(head + body)).status, 401, "{announced:?}");
        assert!(connection.is_closed(), "{announced:?}");
    }
}

#[test]
fn nothing_that_follows_a_last_request_is_decided() {
    let site = Site::start();
    let next = get("/auth-request/open", &[]);
    // RFC 9112 §9.6: after "close", sent or received, no further request is processed. What was
    // read already is told so; it is never let in.
    for last in [
        request("POST", MEMBERS, &[("Content-Length", "1")]) + "x",
        request("POST", MEMBERS, &[("Transfer-Encoding", "chunked")]) + "0\r\n\r\n",
        get(MEMBERS, &[("Connection", "close")]),
        format!("GET {MEMBERS} HTTP/1.0\r\n\r\n"),
    ] {
        let mut connection = site.connect();
        assert_eq!(
            connection.ask(&format!("{last}{next}")).status,
            401,
            "{last}"
        );
        let rest = connection.rest();
        assert!(
            rest.is_empty() || rest.starts_with("HTTP/1.1 400"),
            "{last}: {rest}"
        );
        assert_eq!(
            rest.matches("HTTP/1.").count(),
            usize::from(!rest.is_empty()),
            "{rest}"
        );
    }
}

#[test]
fn a_connection_goes_on_answering_after_refusals() {
    let site = Site::start();
    let mut connection = site.connect();
    for _ in 0..3 {
        for (target, headers, status) in every_outcome() {
            let answer = connection.ask(&get(target, &borrowed(&headers)));
            assert_eq!(answer.status, status, "{target}");
        }
    }
}

#[test]
fn requests_that_are_sent_ahead_are_answered_in_their_order() {
    let site = Site::start();
    let all = every_outcome();
    let requests: Vec<String> = all
        .iter()
        .map(|(target, headers, _)| get(target, &borrowed(headers)))
        .collect();
    let mut connection = site.connect();
    connection.send(&requests.concat());
    for (request, (target, _, status)) in requests.iter().zip(&all) {
        assert_eq!(connection.answer(request).status, *status, "{target}");
    }
    // One after another, in pieces as small as they get.
    for piece in requests[0].split_inclusive(|_| true) {
        connection.send(piece);
    }
    assert_eq!(connection.answer(&requests[0]).status, all[0].2);
}

#[test]
fn bursts_of_new_connections_are_all_answered() {
    let site = Site::start();
    let all = every_outcome();
    for _ in 0..5 {
        thread::scope(|scope| {
            for (target, headers, status) in all.iter().chain(&all) {
                let site = &site;
                scope.spawn(move || {
                    let answer = ask(site, target, headers);
                    assert_eq!(answer.status, *status, "{target}");
                });
            }
        });
    }
}

#[test]
fn a_peer_that_is_no_proxy_of_ours_gets_403_whatever_it_asks() {
    let site = Site::start();
    for (target, headers, _) in every_outcome() {
        let mut connection = site.connect_from("127.0.0.9");
        let answer = connection.ask(&get(target, &borrowed(&headers)));
        assert_eq!((answer.status, &*answer.body), (403, ""), "{target}");
        assert_eq!(answer.one("Cache-Control"), "no-store", "{target}");
        assert!(answer.all("WWW-Authenticate").is_empty(), "{target}");
        let forwarded = [("X-Forwarded-For", "127.0.0.1"), ("X-Real-IP", "127.0.0.1")];
        let answer = connection.ask(&get("/forward-auth/open", &forwarded));
        assert_eq!(answer.status, 403);
    }
}

#[test]
fn peers_on_the_unix_socket_are_trusted() {
    let site = Site::start();
    for (target, headers, _) in every_outcome() {
        let request = get(target, &borrowed(&headers));
        assert_eq!(
            site.connect_unix().ask(&request),
            site.connect().ask(&request),
            "{target}"
        );
    }
}

#[test]
fn idle_connections_do_not_hold_up_the_end() {
    let mut site = Site::start();
    let mut connection = site.connect();
    assert_eq!(connection.ask(&get(MEMBERS, &[])).status, 401);
    let asked = std::time::Instant::now();
    site.signal("TERM");
    assert!(connection.is_closed());
    // Requests in flight would have five seconds.
    assert!(asked.elapsed() < std::time::Duration::from_secs(3));
    assert_eq!(site.stop(), Some(0));
}
