//! What real proxies sent, byte for byte, and what every answer to it has to look like.
//!
//! Each captured subrequest is replayed twice, on a connection of its own: against a policy by
//! name and by the rules. Only the service's path in its first line is replaced by ours. Of
//! every answer is asserted:
//!
//! - it comes at once, as one well-formed HTTP/1 answer, with no interim one before it;
//! - its status is 200, 401 or 403; by the rules `/forward-auth` may also say 400, where
//!   `/auth-request` says 403 with `X-Auth-Status: 400` (no description, or not one of ours);
//! - `Cache-Control: no-store`, one `Content-Length`, no chunks, a head below 4096 bytes;
//! - no body on 200, on HEAD, and on any answer of `/auth-request`;
//! - a 200 has every identity header once, a 401 has a challenge, a 403 has none;
//! - the connection takes another request, unless the proxy asked for an end, announced a body,
//!   which nobody waits for, or passed on an `Upgrade`: then it is closed.

use serde_json::Value;

use crate::harness::{
    Failures,
    http::{Connection, Response, request},
    program::Htgate,
    site::htgate_with,
    to_latin1,
};

/// The account that most captures carry.
const BOB: (&str, &str) = ("bob", "pw");

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn every_captured_subrequest_of_nginx_gets_a_well_formed_answer() {
    replay(include_str!("../data/captures/nginx.json"), "/auth-request");
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn every_captured_subrequest_of_traefik_gets_a_well_formed_answer() {
    replay(
        include_str!("../data/captures/traefik.json"),
        "/forward-auth",
    );
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn every_captured_subrequest_of_caddy_gets_a_well_formed_answer() {
    replay(include_str!("../data/captures/caddy.json"), "/forward-auth");
}

fn replay(captures: &str, endpoint: &str) {
    let htgate = htgate_with(|file| file.replace("failures = 10", "failures = 0"));
    let hash = bcrypt::hash(BOB.1, 4).unwrap();
    std::fs::write(htgate.path("users.htpasswd"), format!("{}:{hash}\n", BOB.0)).unwrap();
    htgate.run(&["reload"], "");

    let cases: Vec<Value> = serde_json::from_str(captures).unwrap();
    let mut failures = Failures::default();
    let mut allowed = 0;
    for case in &cases {
        let more = case["more_subrequests"].as_array().into_iter().flatten();
        for raw in std::iter::once(&case["subrequest_raw"])
            .chain(more)
            .filter_map(Value::as_str)
        {
            for path in [format!("{endpoint}/members"), endpoint.to_owned()] {
                match exchange(&htgate, raw, &path) {
                    Ok(response) => allowed += usize::from(response.status == 200),
                    Err(reason) => {
                        failures.add(format!("{} on {path}: {reason}\n{raw}", case["case"]));
                    }
                }
            }
        }
    }
    failures.report();
    assert!(allowed > 10, "the good ones among them pass: {allowed}");
}

/// Replays one subrequest, and says what is wrong with its answer.
fn exchange(htgate: &Htgate, raw: &str, path: &str) -> Result<Response, String> {
    let raw = with_path(raw, path);
    let mut connection = Connection::open(htgate.address);
    connection
        .send(&to_latin1(&raw))
        .map_err(|e| e.to_string())?;
    let to_head = raw.starts_with("HEAD ");
    let response = connection
        .next_answer(to_head)
        .map_err(|e| format!("no answer: {e}"))?;
    judge(&response, path, to_head).map_err(|reason| format!("{reason}: {response:?}"))?;

    if is_last(&raw) {
        // Closing with a body unread may reset the connection; it is over either way.
        return match connection.read_to_end() {
            Ok(rest) if !rest.is_empty() => Err(format!("more than one answer: {rest:?}")),
            Err(e) if e.kind() != std::io::ErrorKind::ConnectionReset => {
                Err(format!("not closed: {e}"))
            }
            _ => Ok(response),
        };
    }
    let again = connection.ask(&request(
        "GET",
        "/auth-request/open",
        &[("Host", "again")],
        b"",
    ));
    match again {
        Ok(again) if again.status == 200 => Ok(response),
        other => Err(format!("the connection takes no other request: {other:?}")),
    }
}

/// Replaces the path in the first line; a query stays.
fn with_path(raw: &str, path: &str) -> String {
    let [method, target, rest] = raw.splitn(3, ' ').collect::<Vec<_>>()[..] else {
        panic!("no request line: {raw}");
    };
    let query = target.find('?').map_or("", |at| &target[at..]);
    format!("{method} {path}{query} {rest}")
}

/// Whether the connection ends with this request.
fn is_last(raw: &str) -> bool {
    let head = raw
        .split("\r\n\r\n")
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let has = |line: &str| head.split("\r\n").any(|l| l == line);
    let announces_body = head.contains("\r\ntransfer-encoding:")
        || (head.contains("\r\ncontent-length:") && !has("content-length: 0"));
    has("connection: upgrade")
        || has("connection: close")
        || head.contains(" http/1.0\r\n")
        || announces_body
}

fn judge(response: &Response, path: &str, to_head: bool) -> Result<(), String> {
    let status = response.status;
    let for_nginx = path.starts_with("/auth-request");
    let by_rules = path.matches('/').count() == 1;
    let mut wrong = Failures::default();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            wrong.add(what);
        }
    };
    expect(response.version.starts_with("HTTP/1."), "another version");
    let known = matches!(status, 200 | 401 | 403) || (status == 400 && by_rules && !for_nginx);
    expect(known, "a status that is not documented here");
    let marks = response.all("X-Auth-Status");
    expect(
        marks.is_empty() || (for_nginx && by_rules && status == 403 && marks == ["400"]),
        "X-Auth-Status",
    );
    expect(
        response.all("Cache-Control") == ["no-store"],
        "Cache-Control",
    );
    let lengths = response.all("Content-Length");
    expect(
        lengths.len() == 1 && response.all("Transfer-Encoding").is_empty(),
        "framing",
    );
    let empty = response.body.is_empty() && (to_head || lengths == ["0"]);
    expect(empty || (status != 200 && !for_nginx), "a body");
    let challenges = response.all("WWW-Authenticate").len();
    expect(
        if status == 401 {
            challenges == 1
        } else {
            challenges == 0
        },
        "challenges",
    );
    for name in
        ["User", "Groups", "Scopes", "Method", "Realm", "Key"].map(|name| format!("X-Auth-{name}"))
    {
        let values = response.all(&name);
        let told = values.len() == 1 && !values[0].is_empty();
        expect(
            if status == 200 {
                told
            } else {
                values.is_empty()
            },
            &name,
        );
    }
    let head: usize = response
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4)
        .sum();
    expect(head < 4096 - 64, "a head too large for nginx");
    wrong.result()
}
