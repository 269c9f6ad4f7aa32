//! Traces: what a collector is told by OTLP, and what becomes of the proxy's own trace.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::helpers::{CONFIG, Site};
use crate::http::basic;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736"; // W3C Trace Context §3.2.2
const PARENT: &str = "00f067aa0ba902b7";

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).unwrap());
    pairs
        .map(|pair| u8::from_str_radix(pair, 16).unwrap())
        .collect()
}

fn holds(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

/// A collector that keeps what it is sent.
fn collector() -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let told = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&told);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = Vec::new();
            let mut part = [0; 4096];
            loop {
                let read = stream.read(&mut part).unwrap();
                request.extend_from_slice(&part[..read]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let length = text
                    .split("Content-Length: ")
                    .nth(1)
                    .and_then(|rest| rest.split('\r').next());
                let head = request.windows(4).position(|window| window == b"\r\n\r\n");
                if let (Some(length), Some(head)) = (length, head)
                    && request.len() >= head + 4 + length.parse::<usize>().unwrap()
                {
                    assert!(text.starts_with("POST /v1/traces HTTP/1.1\r\n"), "{text}");
                    break;
                }
            }
            keep.lock().unwrap().extend_from_slice(&request);
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                .unwrap();
        }
    });
    (at, told)
}

#[test]
fn a_decision_is_a_span_of_the_proxys_trace() {
    let wrong = basic(("alice", "hunter2"));
    for (parent, ours, told_at_all) in [
        (format!("00-{TRACE}-{PARENT}-01"), true, true),
        // What can't be read is no trace of anybody's: a new one.
        (format!("00-{TRACE}-{PARENT}"), false, true),
        // What the proxy doesn't sample isn't told.
        (format!("00-{TRACE}-{PARENT}-00"), true, false),
    ] {
        let (at, told) = collector();
        let mut site = Site::start_with(&format!("{CONFIG}[traces]\notlp = \"{at}\"\n"));
        let headers = [
            ("traceparent", parent.as_str()),
            ("Authorization", &wrong),
            ("X-Original-URI", "/a-path"),
        ];
        assert_eq!(site.ask("/auth-request/members", &headers).status, 401);
        // The end tells what is left.
        assert_eq!(site.stop(), Some(0));
        let body = told.lock().unwrap().clone();
        assert_eq!(!body.is_empty(), told_at_all, "{parent}");
        if told_at_all {
            assert_eq!(holds(&body, &bytes(TRACE)), ours, "{parent}");
            assert_eq!(holds(&body, &bytes(PARENT)), ours, "{parent}");
            for word in ["htgate.code", "wrong_password", "/auth-request", "intranet"] {
                assert!(holds(&body, word.as_bytes()), "{word}");
            }
            for secret in [
                "hunter2",
                "alice",
                "a-path",
                wrong.split(' ').nth(1).unwrap(),
            ] {
                assert!(!holds(&body, secret.as_bytes()), "{secret}");
            }
        }
    }
}

#[test]
fn a_collector_that_is_away_changes_no_answer() {
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut site = Site::start_with(&format!("{CONFIG}[traces]\notlp = \"http://{nobody}\"\n"));
    for _ in 0..50 {
        assert_eq!(site.ask("/auth-request/members", &[]).status, 401);
    }
    assert_eq!(site.stop(), Some(0));
}
