//! The vectors of `tests/data/vectors`, asked over HTTP: directly, through nginx and through Traefik.
//!
//! What the files say of a hash, a password file or a header has to be what a client sees. Over
//! HTTP two rules come first: a control character in a password is refused before it is looked at
//! (RFC 7617 §2), and an empty user or password never passes.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::Value;

use crate::harness::{
    Failures, from_latin1,
    http::{Connection, request},
    program::Htgate,
    proxy::Front,
    site::Site,
};

const CONFIGURATION: &str = r#"
[realms.intranet]
htpasswd = "users.htpasswd"
allow_weak = ["des", "plain"]
[policies.members]
realm = "intranet"
[[rules]]
policy = "members"
"#;

fn cases(file: &str) -> Vec<Value> {
    let mut file: Value = serde_json::from_str(file).unwrap();
    match file["cases"].take() {
        Value::Array(cases) => cases,
        other => panic!("no cases: {other}"),
    }
}

fn bytes(base64: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(base64.as_str().unwrap()).unwrap()
}

/// Starts htgate with these users and asks through each way in, several times in a row.
fn through_every_way(users: &[u8], ask: impl Fn(&str, &Htgate, &dyn Fn(&[&[u8]]) -> u16)) {
    for front in [Front::Nginx, Front::Traefik] {
        let htgate = Htgate::start(CONFIGURATION, &[("users.htpasswd", "")]);
        std::fs::write(htgate.path("users.htpasswd"), users).unwrap();
        htgate.run(&["reload"], "");
        let site = Site::start_with(front, htgate);
        if front == Front::Traefik {
            ask("direct", &site.htgate, &|authorization| {
                let lines = lines(authorization);
                let question = request(
                    "GET",
                    "/forward-auth/members",
                    &lines_of(&lines, "htgate"),
                    b"",
                );
                Connection::open(site.htgate.address)
                    .ask(&question)
                    .unwrap()
                    .status
            });
        }
        ask(&format!("{front:?}"), &site.htgate, &|authorization| {
            let lines = lines(authorization);
            let lines: Vec<(&str, &str)> = lines
                .iter()
                .map(|l| ("Authorization", l.as_str()))
                .collect();
            site.proxy.get("/x", &lines).status
        });
    }
}

fn lines(authorization: &[&[u8]]) -> Vec<String> {
    authorization
        .iter()
        .map(|value| from_latin1(value))
        .collect()
}

fn lines_of<'a>(values: &'a [String], host: &'a str) -> Vec<(&'a str, &'a str)> {
    let authorization = values.iter().map(|value| ("Authorization", value.as_str()));
    std::iter::once(("Host", host))
        .chain(authorization)
        .collect()
}

fn basic(user: &[u8], password: &[u8]) -> Vec<u8> {
    let pair = [user, b":", password].concat();
    format!("Basic {}", BASE64_STANDARD.encode(pair)).into_bytes()
}

/// Whether HTTP lets the pair be asked about at all.
fn sayable(user: &[u8], password: &[u8]) -> bool {
    let control = |bytes: &[u8]| bytes.iter().any(u8::is_ascii_control);
    !(user.is_empty() || password.is_empty() || control(user) || control(password))
}

/// What the status says, if it says anything: no vector may be met with anything but yes or no.
fn verdict(status: u16) -> Option<bool> {
    match status {
        200 => Some(true),
        401 => Some(false),
        _ => None,
    }
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn every_stored_hash_lets_in_whom_it_should() {
    let cases = cases(include_str!("../data/vectors/htpasswd.json"));
    let mut file = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        // What a file can't hold in a line is for the tests of the parser.
        let hash = bytes(&case["hash_b64"]);
        if !hash.iter().any(|b| matches!(b, b'\n' | b':')) {
            file.extend_from_slice(format!("u{number}:").as_bytes());
            file.extend_from_slice(&hash);
            file.push(b'\n');
        }
    }
    through_every_way(&file, |way, _, ask| {
        let mut failures = Failures::default();
        let mut allowed = 0;
        for (number, case) in cases.iter().enumerate() {
            let (user, hash) = (format!("u{number}"), bytes(&case["hash_b64"]));
            let password = bytes(&case["password_b64"]);
            let cut = hash.iter().any(|b| matches!(b, b'\n' | b':'))
                || hash
                    .last()
                    .is_some_and(|b| matches!(b, b' ' | b'\t' | b'\r'));
            let status = ask(&[&basic(user.as_bytes(), &password)]);
            let expected = match case["expect"].as_bool() {
                _ if !sayable(user.as_bytes(), &password) => Some(false),
                // The file's own syntax changes such an entry before it is a hash.
                _ if cut => None,
                expected => expected,
            };
            let answered = verdict(status);
            allowed += usize::from(answered == Some(true));
            if answered.is_none() || expected.is_some_and(|expected| Some(expected) != answered) {
                failures.add(format!("{way}: {status} for {case}"));
            }
        }
        failures.report();
        assert!(allowed > 100, "{way}: the right ones pass: {allowed}");
    });
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn every_password_file_lets_in_whom_it_should() {
    let cases = cases(include_str!("../data/vectors/htfile.json"));
    through_every_way(b"", |way, htgate, ask| {
        let mut failures = Failures::default();
        for case in &cases {
            let (user, password) = (bytes(&case["user_b64"]), bytes(&case["password_b64"]));
            std::fs::write(htgate.path("users.htpasswd"), bytes(&case["file_b64"])).unwrap();
            htgate.run(&["reload"], "");
            let status = ask(&[&basic(&user, &password)]);
            let expected = case["expect"].as_bool().unwrap() && sayable(&user, &password);
            if verdict(status) != Some(expected) {
                failures.add(format!("{way}: {status} for {case}"));
            }
        }
        failures.report();
    });
}

#[test]
#[ignore = "needs nginx, Traefik and Caddy; tests/run installs them"]
fn every_basic_header_is_read_as_it_should() {
    let cases: Vec<Value> = cases(include_str!("../data/vectors/authorization.json"))
        .into_iter()
        .filter(|case| case["kind"] == "basic")
        .collect();
    through_every_way(b"", |way, htgate, ask| {
        let mut failures = Failures::default();
        for case in &cases {
            let values = case["headers_b64"].as_array().unwrap();
            let values: Vec<Vec<u8>> = values.iter().map(bytes).collect();
            let good = case["expect"]["ok"] == true && {
                let user = bytes(&case["expect"]["user_b64"]);
                let password = bytes(&case["expect"]["password_b64"]);
                let hash = bcrypt::hash(&password, 4).unwrap();
                let line = [&user, &b":"[..], hash.as_bytes(), b"\n"].concat();
                std::fs::write(htgate.path("users.htpasswd"), line).unwrap();
                htgate.run(&["reload"], "");
                sayable(&user, &password)
            };
            let status = ask(&values.iter().map(Vec::as_slice).collect::<Vec<_>>());
            // nginx itself answers 400 to two lines.
            let refused = status == 401 || (status == 400 && values.len() > 1);
            if !(if good { status == 200 } else { refused }) {
                failures.add(format!("{way}: {status} for {case}"));
            }
        }
        failures.report();
    });
}
