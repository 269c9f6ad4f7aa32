//! Commands that change keys, killed.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::{
    Change, Ended, Killer,
    deeds::{Deed, State, digest_of},
};
use crate::{
    harness::{
        http::{Connection, request},
        program::Htgate,
    },
    trial::Trial,
};

pub(super) const CONFIGURATION: &str = r#"
[realms.intranet]
title = "Example intranet"
htpasswd = "users.htpasswd"
api_keys = true

[policies.members]
realm = "intranet"

[api_keys]
store = "sqlite:keys.db"

[throttle]
failures = 0
"#;

/// How many rounds a store lives.
const NEW_STORE: u64 = 25;

#[test]
fn commands_of_keys_are_done_whole_or_not_at_all() {
    let mut trial = Trial::begin("kill -9 of key commands");
    let rounds = trial.times(30, 5_000);
    let mut store = Store::new();
    let mut killer = Killer::default();
    for round in 0..rounds {
        let deed = if round % NEW_STORE == 0 {
            store.remove();
            Deed::Create("first".to_owned())
        } else {
            Deed::choose(&store.state, round)
        };
        store.kill(&deed, &mut killer);
        if round % 20 == 0 {
            store.list();
        }
        trial.progress(round, rounds);
    }
    let tried = killer.tried();
    trial.end(
        &format!("{rounds} kills of create, import, update, rotate, revoke, delete: {tried}"),
        "0 acknowledged changes lost, 0 half done, 0 stores that don't open",
    );
}

#[test]
fn commands_of_keys_killed_beside_the_service_leave_it_answering_right() {
    let mut trial = Trial::begin("kill -9 of key commands beside the service");
    let rounds = trial.times(15, 3_000);
    let mut store = Store::new();
    store.htgate.serve();
    let mut killer = Killer::default();
    let mut asked = 0;
    for round in 0..rounds {
        let deed = Deed::choose(&store.state, round);
        let ended = store.kill(&deed, &mut killer);
        if ended.status == Some(0) {
            asked += store.ask();
        }
        trial.progress(round, rounds);
    }
    let tried = killer.tried();
    trial.end(
        &format!("{rounds} kills of the same: {tried}; {asked} questions after acknowledgments"),
        "0 acknowledged changes lost, 0 half done, 0 answers by an older state",
    );
}

/// A store on disk, what it holds, and the keys that are known.
pub(super) struct Store {
    pub(super) htgate: Htgate,
    pub(super) state: State,
    plaintexts: Vec<String>,
}

impl Store {
    pub(super) fn new() -> Self {
        Self {
            htgate: Htgate::prepare(CONFIGURATION, &[("users.htpasswd", "")]),
            state: State::default(),
            plaintexts: Vec::new(),
        }
    }

    fn remove(&mut self) {
        for name in ["keys.db", "keys.db-wal", "keys.db-shm"] {
            let _ = fs::remove_file(self.htgate.path(name));
        }
        self.state = State::default();
        self.plaintexts.clear();
    }

    /// Has it done, kills it at some moment, and holds what is found against what it said.
    fn kill(&mut self, deed: &Deed, killer: &mut Killer) -> Ended {
        let child = self.htgate.spawn(&deed.arguments());
        let ended = killer.kill(deed.kind(), child, &deed.input());
        let change = self.found(deed, &ended);
        killer.count(&ended, change);
        self.left_behind();
        ended
    }

    /// Reads what a command has left.
    pub(super) fn found(&mut self, deed: &Deed, ended: &Ended) -> Change {
        let after = State::read(&self.htgate.path("keys.db"));
        let change = deed.change(&self.state, &after);
        if let (Change::Whole, Some(plaintext)) = (change, deed.plaintext(ended)) {
            let new = after.new_digest(&self.state);
            assert_eq!(new, Some(&digest_of(&plaintext)), "{deed:?}");
            self.plaintexts.push(plaintext);
        }
        self.state = after;
        change
    }

    /// Nothing but the store, and a new one that was not named yet: empty, and closed to others.
    fn left_behind(&self) {
        let folder = self.htgate.path("");
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            let found = entry.metadata().unwrap();
            let harmless = found.len() == 0 && found.permissions().mode() & 0o777 == 0o600;
            assert!(!name.starts_with('.') || harmless, "{name}: {found:?}");
        }
    }

    /// Asks the command line what there is.
    fn list(&self) {
        let list = self.htgate.run(&["key", "list", "--json"], "");
        let list: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
        let mut listed: Vec<_> = list.iter().map(|key| key["id"].as_str().unwrap()).collect();
        listed.sort_unstable();
        assert_eq!(listed, self.state.keys.keys().collect::<Vec<_>>());
    }

    /// Asks the service with every key that is known; how many that were.
    pub(super) fn ask(&self) -> usize {
        let mut connection = Connection::open(self.htgate.address);
        for plaintext in &self.plaintexts {
            let headers = [("Host", "htgate"), ("X-API-Key", plaintext)];
            let question = request("GET", "/auth-request/members", &headers, b"");
            let status = connection.ask(&question).unwrap().status;
            let counts = self.state.counts(&digest_of(plaintext));
            assert_eq!(status, if counts { 200 } else { 401 }, "{:#?}", self.state);
        }
        self.plaintexts.len()
    }
}
