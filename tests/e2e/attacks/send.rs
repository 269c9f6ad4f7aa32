//! Sending a request exactly as a case writes it.

use std::{io, net::Ipv4Addr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use regex_lite::Regex;
use serde_json::Value;

use super::{judge::Outcome, text, world::World};
use crate::harness::http::{Connection, Response, request};

/// Sends a request in the way of this case, on a connection of its own.
pub(super) fn send(world: &World, case: &Value, request: &Value) -> Outcome {
    let to = world.address(case);
    let mut connection = if case["from"] == "untrusted" {
        Connection::open_from(Ipv4Addr::new(127, 0, 0, 9).into(), to)
    } else {
        Connection::open(to)
    };
    if let Some(raw) = request["raw_bytes_b64"].as_str() {
        let raw = BASE64_STANDARD.decode(raw).unwrap();
        let raw = replace(&raw, b"/_auth_", b"/forward-auth");
        return outcome(
            connection
                .send(&raw)
                .and_then(|()| last_answer(&mut connection)),
        );
    }
    outcome(connection.ask(&bytes_of(request)))
}

/// Asks for the page that is open to everybody, in the way of this case.
pub(super) fn send_control(world: &World, case: &Value) -> Outcome {
    let described = [
        ("Host", "gate.internal"),
        ("X-Forwarded-For", "192.0.2.10"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "app.example"),
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Uri", "/public/x"),
    ];
    let control = match text(&case["via"]) {
        "direct" => request("GET", "/forward-auth", &described, b""),
        _ => request("GET", "/public/x", &[("Host", "app.example")], b""),
    };
    outcome(Connection::open(world.address(case)).ask(&control))
}

/// A request as the cases write it: exactly these fields, nothing added.
fn bytes_of(described: &Value) -> Vec<u8> {
    let headers = described["headers"].as_array().unwrap();
    let headers: Vec<_> = headers
        .iter()
        .map(|row| (text(&row[0]), repeated(text(&row[1]))))
        .collect();
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let target = repeated(text(&described["target"])).replace("/_auth_", "/forward-auth");
    request(text(&described["method"]), &target, &headers, b"")
}

/// `{{repeat:TEXT:N}}` is TEXT, N times.
fn repeated(text: &str) -> String {
    let pattern = Regex::new(r"\{\{repeat:(.*?):(\d+)\}\}").unwrap();
    let repeat = |found: &regex_lite::Captures<'_>| found[1].repeat(found[2].parse().unwrap());
    pattern.replace_all(text, repeat).into_owned()
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let Some(at) = bytes.windows(from.len()).position(|w| w == from) else {
        return bytes.to_vec();
    };
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

/// The last answer on a connection that stays open on this side.
fn last_answer(connection: &mut Connection) -> io::Result<Response> {
    let mut last = connection.answer(false)?;
    connection.patience(Duration::from_secs(1));
    loop {
        match connection.answer(false) {
            Ok(next) => last = next,
            Err(e) if e.kind() == io::ErrorKind::InvalidData => return Err(e),
            Err(_) => return Ok(last),
        }
    }
}

fn outcome(answer: io::Result<Response>) -> Outcome {
    match answer {
        Ok(answer) => Outcome::Answer(answer),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => Outcome::Garbage(e.to_string()),
        Err(_) => Outcome::Nothing,
    }
}
