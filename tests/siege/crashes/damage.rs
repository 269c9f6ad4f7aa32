//! Stores of which a page was overwritten: an error or a no, and never a wrong yes.

use std::{fs, path::Path};

use htgate::{
    identity::{Label, Prefix, ScopeSet},
    store::{KeyStore, Place, api_keys::NewKey},
};
use jiff::Timestamp;

use super::{any, keys::CONFIGURATION};
use crate::{
    harness::{
        http::{Connection, request},
        program::Htgate,
    },
    trial::Trial,
};

/// What SQLite reads and writes at once.
const PAGE: usize = 4096;
const KEYS: usize = 200;

/// What becomes of a page, given all of them.
type Damage = fn(&mut [u8], &[u8]);

const DAMAGES: [Damage; 4] = [
    |page, _| page.fill(0),
    |page, _| page.fill(0xa5),
    |page, _| getrandom::fill(page).unwrap(),
    // A write that went to the wrong place.
    |page, all| page.copy_from_slice(any::<[u8; PAGE]>(all.as_chunks().0)),
];

#[test]
fn no_damaged_page_makes_a_yes_out_of_a_no() {
    let mut trial = Trial::begin("damaged stores");
    let rounds = trial.times(5, 400);
    let mut htgate = Htgate::prepare(CONFIGURATION, &[("users.htpasswd", "")]);
    let path = htgate.path("keys.db");
    let keys = fill(&path);
    let whole = fs::read(&path).unwrap();
    let (mut yes, mut no, mut trouble, mut commands) = (0, 0, 0, 0);
    for round in 0..rounds {
        fs::write(&path, &whole).unwrap();
        htgate.serve();
        let mut damaged = whole.clone();
        let page = usize::try_from(round).unwrap() % (whole.len() / PAGE);
        let damage = any(&DAMAGES);
        damage(&mut damaged[page * PAGE..][..PAGE], &whole);
        fs::write(&path, damaged).unwrap();
        let mut connection = Connection::open(htgate.address);
        for (key, counts) in &keys {
            let headers = [("Host", "htgate"), ("X-API-Key", &**key)];
            let question = request("GET", "/auth-request/members", &headers, b"");
            let answer = connection.ask(&question).unwrap();
            match (answer.status, answer.all("X-Auth-Status")[..] == ["503"]) {
                (200, _) if *counts => yes += 1,
                (401, _) => no += 1,
                (403, true) => trouble += 1,
                _ => panic!("page {page}: {answer:?} for a key that counts: {counts}"),
            }
        }
        htgate.stop();
        let listed = htgate.output(&["key", "list"], "");
        let said = String::from_utf8_lossy(&listed.stderr);
        match listed.status.code() {
            Some(0) => {}
            Some(74) if said.contains("keys.db: ") => commands += 1,
            _ => panic!("page {page}: {listed:?}"),
        }
        for side in ["keys.db-wal", "keys.db-shm"] {
            let _ = fs::remove_file(htgate.path(side));
        }
        trial.progress(round, rounds);
    }
    trial.end(
        &format!(
            "{rounds} times a page of a running service's store was overwritten by zeros, noise or \
             another page; {} questions",
            yes + no + trouble
        ),
        &format!(
            "0 wrong yes ({yes} right ones, {no} no, {trouble} unavailable); {commands} times \
             `key list` said what is wrong with which file"
        ),
    );
}

/// Makes a store of keys that count and keys that were revoked.
fn fill(path: &Path) -> Vec<(String, bool)> {
    let mut store = KeyStore::open(&Place::Sqlite(path.to_owned()), None).unwrap();
    let now = Timestamp::now();
    let keys = (0..KEYS).map(|n| {
        let name = format!("key {n}");
        let new = NewKey {
            name: Label::parse(&name).unwrap(),
            realm: "intranet".to_owned(),
            owner: None,
            scopes: ScopeSet::default(),
            networks: Vec::new(),
            expires: None,
        };
        let (_, key) = store.create(new, &Prefix::default(), now).unwrap();
        let counts = n % 2 == 0;
        if !counts {
            store.revoke(&name, now).unwrap();
        }
        (key.expose_secret().to_owned(), counts)
    });
    keys.collect()
}
