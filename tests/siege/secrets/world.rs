//! A service full of secrets, and every way of presenting one to it.

use std::{
    fs::{self, Permissions},
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    process::Command,
};

use argon2::{Algorithm, Version};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD},
};
use yescrypt::{Mode, PasswordHasher, Yescrypt};

use super::presented::{as_key, as_password, in_query};
use crate::{
    canary::Canary,
    harness::{
        http::{Connection, request},
        program::{Htgate, PROGRAM},
    },
};

const CONFIGURATION: &str = r#"
[realms.intranet]
htpasswd = "users.htpasswd"
groups = "users.groups"
api_keys = true
query_param = "api_key"

[policies.staff]
realm = "intranet"
require = ["user alice", "scope staff"]

[[rules]]
hosts = ["app.example"]
policy = "staff"

[api_keys]
store = "sqlite:keys.db"
pepper_file = "pepper"

[cache]
ttl = "1s"

[throttle]
failures = 0
"#;

/// A running service and what nobody may learn.
pub(crate) struct World {
    pub(crate) htgate: Htgate,
    /// User and password.
    pub(crate) right: Vec<(&'static str, Canary)>,
    pub(crate) wrong: Canary,
    pub(crate) keys: Vec<Canary>,
    /// Never sent by anybody: the pepper, the stored hashes.
    pub(crate) kept: Vec<Canary>,
}

impl World {
    pub(crate) fn start() -> Self {
        let right = [
            ("alice", Canary::new("alice's password (bcrypt)")),
            ("bob", Canary::new("bob's password (sha-crypt)")),
            ("carol", Canary::new("carol's password (md5-crypt)")),
            ("dave", Canary::new("dave's password ({SHA})")),
            ("erin", Canary::new("erin's password (argon2)")),
            ("frank", Canary::new("frank's password (yescrypt)")),
        ];
        let hashes: Vec<Canary> = right
            .iter()
            .map(|(user, password)| Canary::of("a stored hash", stored(user, &password.value)))
            .collect();
        let users = right.iter().zip(&hashes);
        let users = users.map(|((user, _), hash)| format!("{user}:{}", hash.value));
        let users = users.collect::<Vec<_>>().join("\n");
        let pepper = Canary::new("the pepper");
        let files = [
            ("users.htpasswd", &*users),
            ("users.groups", "staff: alice\n"),
            ("pepper", &*pepper.value),
        ];
        let mut htgate = Htgate::prepare(CONFIGURATION, &files);
        let closed = Permissions::from_mode(0o600);
        fs::set_permissions(htgate.path("pepper"), closed).unwrap();
        let mut command = Command::new(PROGRAM);
        command
            .env("HTGATE_LOG__LEVEL", "debug")
            .env("RUST_BACKTRACE", "full");
        htgate.serve_by(command);
        let keys = keys(&htgate);
        let mut kept = hashes;
        kept.push(pepper);
        Self {
            htgate,
            right: right.to_vec(),
            wrong: Canary::new("a wrong password"),
            keys,
            kept,
        }
    }

    /// Every secret there is.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Canary> {
        self.sent().chain(&self.kept)
    }

    /// Those that come in by requests.
    pub(crate) fn sent(&self) -> impl Iterator<Item = &Canary> {
        let right = self.right.iter().map(|(_, password)| password);
        right.chain([&self.wrong]).chain(&self.keys)
    }

    /// Every way of presenting every secret, right, wrong and malformed: lines of a head, and the
    /// query of the original request.
    pub(crate) fn presentations(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (user, password) in &self.right {
            all.extend(as_password(user, &password.value));
            all.extend(as_password(user, &self.wrong.value));
            // In the wrong box, as people do.
            all.extend(as_password(&password.value, user));
        }
        all.extend(as_password("nobody", &self.wrong.value));
        for key in &self.keys {
            all.extend(as_key(&key.value));
        }
        let headers = |lines: String| (lines, String::new());
        all.into_iter()
            .map(headers)
            .chain(self.keys.iter().flat_map(|key| in_query(&key.value)))
            .collect()
    }

    /// Asks and gives all bytes of the answer; none where the question can't be read.
    pub(crate) fn ask(&self, endpoint: &str, accept: &str, lines: &str, query: &str) -> Vec<u8> {
        let host = ("Host", "htgate");
        let uri = format!("/reports{query}");
        let url = format!("http://app.example{uri}");
        let described = match endpoint {
            "/auth-request" => request(
                "GET",
                endpoint,
                &[
                    host,
                    ("X-Original-Method", "GET"),
                    ("X-Original-Host", "app.example"),
                    ("X-Original-URI", &uri),
                ],
                b"",
            ),
            "/auth-request/staff" => {
                let headers = [
                    host,
                    ("X-Original-Method", "GET"),
                    ("X-Original-URL", &*url),
                ];
                request("GET", endpoint, &headers, b"")
            }
            _ => request(
                "GET",
                endpoint,
                &[
                    host,
                    ("X-Forwarded-Method", "GET"),
                    ("X-Forwarded-Host", "app.example"),
                    ("X-Forwarded-Uri", &uri),
                ],
                b"",
            ),
        };
        let mut head = described;
        head.truncate(head.len() - 2);
        head.extend_from_slice(format!("Accept: {accept}\r\n{lines}").as_bytes());
        head.extend_from_slice(b"Connection: close\r\n\r\n");
        raw(self.htgate.address, &head)
    }

    /// The same of the admin listener, where nobody needs any.
    pub(crate) fn ask_admin(&self, path: &str, lines: &str) -> Vec<u8> {
        let rest = "Host: htgate\r\nConnection: close\r\n";
        let head = format!("GET {path} HTTP/1.1\r\n{rest}{lines}\r\n");
        raw(self.htgate.admin, head.as_bytes())
    }
}

/// Asks, and gives all bytes of the answer.
fn raw(address: SocketAddr, head: &[u8]) -> Vec<u8> {
    let mut connection = Connection::open(address);
    connection.send(head).unwrap();
    connection.read_to_end().unwrap_or_default()
}

#[expect(deprecated, reason = "an old scheme that old files hold")]
fn stored(user: &str, password: &str) -> String {
    let bytes = password.as_bytes();
    match user {
        "alice" => bcrypt::hash(bytes, 4).unwrap(),
        "bob" => {
            let setup = pwhash::HashSetup {
                salt: Some("saltsalt"),
                rounds: Some(1000),
            };
            pwhash::sha512_crypt::hash_with(setup, bytes).unwrap()
        }
        "carol" => pwhash::md5_crypt::hash(bytes).unwrap(),
        "dave" => {
            use sha1::Digest as _;
            format!(
                "{{SHA}}{}",
                BASE64_STANDARD.encode(sha1::Sha1::digest(bytes))
            )
        }
        "erin" => {
            let params = argon2::Params::new(64, 1, 1, None).unwrap();
            let argon2 = argon2::Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let mut digest = [0; 32];
            let salt = b"saltsalt";
            argon2.hash_password_into(bytes, salt, &mut digest).unwrap();
            let [salt, digest] = [&salt[..], &digest].map(|b| BASE64_STANDARD_NO_PAD.encode(b));
            format!("$argon2id$v=19$m=64,t=1,p=1${salt}${digest}")
        }
        _ => {
            let params = yescrypt::Params::new(Mode::default(), 64, 8, 1).unwrap();
            let hash = Yescrypt::from(params).hash_password(bytes).unwrap();
            hash.as_str().to_owned()
        }
    }
}

/// The keys that a store may hold, one of each kind, and one that it doesn't.
fn keys(htgate: &Htgate) -> Vec<Canary> {
    let create = |name| htgate.create_key(name, "staff");
    let mut keys = vec![
        Canary::key("a key", create("key")),
        Canary::key("a key that was rotated", create("rotated")),
        Canary::key("a key that was revoked", create("revoked")),
    ];
    let rotate = ["key", "rotate", "rotated", "--grace", "1h"];
    let new = htgate.run(&rotate, "");
    keys.push(Canary::key("a key after rotation", new));
    htgate.run(&["key", "revoke", "revoked"], "");
    let imported = Canary::new("an imported key");
    let import = ["key", "import", "--realm", "intranet", "--name", "imported"];
    htgate.run(&import, &imported.value);
    keys.push(imported);
    keys.push(Canary::new("a wrong key"));
    // The shape and checksum of ours, and unknown here.
    let other = create("deleted");
    htgate.run(&["key", "delete", "deleted"], "");
    keys.push(Canary::key("a key that was deleted", other));
    keys
}
