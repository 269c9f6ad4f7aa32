//! htgate, on one worker and with a quiet log.

use std::{process::Command, thread, time::Duration};

use crate::{
    cores::{self, Cores},
    harness::program::{Htgate, PROGRAM},
    servers::users,
};

/// Where a proxy asks by the rules, and how it describes the request: as the shipped nginx file
/// does.
pub(crate) const ENDPOINT: &str = "/auth-request";
pub(crate) const DESCRIBED: [(&str, &str); 6] = [
    ("Host", "app.example"),
    ("X-Original-Method", "GET"),
    ("X-Original-Proto", "http"),
    ("X-Original-Host", "app.example"),
    ("X-Original-URI", "/"),
    ("X-Real-IP", "127.0.0.1"),
];

/// Where keys are, if nothing else is said.
pub(crate) const STORE: &str = "sqlite:keys.db";

/// A verified password is remembered for longer than a run takes: what is compared is warm.
const CONFIGURATION: &str = r#"
[realms.intranet]
htpasswd = "users.htpasswd"
groups = "users.groups"
api_keys = true

[policies.members]
realm = "intranet"

[[rules]]
policy = "members"

[api_keys]
store = "sqlite:keys.db"

[cache]
ttl = "2h"
"#;

/// More than htgate waits for a file that may still be written.
const QUIET: Duration = Duration::from_millis(300);

/// A running htgate, and a key that it takes.
pub(crate) struct Gate {
    pub(crate) htgate: Htgate,
    pub(crate) key: String,
}

impl Gate {
    /// With these users, not running yet.
    pub(crate) fn prepare(users: &str) -> Self {
        Self::prepare_with(users, STORE)
    }

    /// The same with its keys in this store.
    pub(crate) fn prepare_with(users: &str, store: &str) -> Self {
        let files = [
            ("users.htpasswd", users),
            ("users.groups", "staff: alice\n"),
        ];
        let htgate = Htgate::prepare(&CONFIGURATION.replace(STORE, store), &files);
        let key = htgate.create_key("robot", "staff");
        // A start waits until files that were just written are quiet; in earnest they are.
        thread::sleep(QUIET);
        Self { htgate, key }
    }

    /// With alice and bob, running.
    pub(crate) fn start(cores: Option<Cores>) -> Self {
        let mut gate = Self::prepare(&users::few());
        gate.serve_on(cores);
        gate
    }

    pub(crate) fn serve_on(&mut self, cores: Option<Cores>) {
        self.serve_by(cores::command(cores.map(|cores| cores.server), PROGRAM));
    }

    pub(crate) fn serve_by(&mut self, command: Command) {
        self.htgate.serve_by(quiet(command));
    }

    /// What `Authorization` says to present the key.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.key)
    }
}

/// One worker, and nothing in the log but what is wrong.
fn quiet(mut command: Command) -> Command {
    let settings = [("HTGATE_SERVER__WORKERS", "1"), ("HTGATE_LOG", "warn")];
    command.envs(settings);
    command
}
