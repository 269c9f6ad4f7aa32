//! Both kinds of store do the same: a long row of commands, drawn by chance, is given to a file and
//! to a database, and they must agree on every answer.

use std::{path::Path, time::Duration};

use fastrand::Rng;
use htgate::{
    identity::{ApiKey, ApiKeyDigest, ApiKeyRecord, Label, Prefix},
    store::{
        KeyStore, Place,
        api_keys::{Change, Changes, ImportedKey, KeyError, NewKey},
    },
};
use jiff::Timestamp;

use crate::harness::postgres::{OWNER, Postgres};

const COMMANDS: u32 = 600;
const NAMES: [&str; 7] = ["ci", "backup", "a b", "ö", "x-1", "deploy", "last"];
const REALMS: [&str; 2] = ["intranet", "shop"];

/// A store and the keys that were ever presented of it: those that were imported are the same in
/// both, those that it makes aren't.
struct Side {
    store: KeyStore,
    keys: Vec<ApiKey>,
}

/// A command, drawn once for both sides.
enum Deed {
    Create(NewKey),
    Import(NewKey, String),
    Update(&'static str, Changes),
    Rotate(&'static str, Duration),
    Revoke(&'static str),
    Delete(&'static str),
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn a_file_and_a_database_give_the_same_answers() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut chance = Rng::with_seed(seed);
    let (folder, postgres) = (tempfile::tempdir().unwrap(), Postgres::start());
    let open = |raw: &str| {
        let place = Place::parse(raw, |file| folder.path().join(file)).unwrap();
        let (store, keys) = (KeyStore::open(&place, None).unwrap(), Vec::new());
        Side { store, keys }
    };
    let mut sides = [open("sqlite:keys.db"), open(&postgres.url(OWNER))];
    let (mut refused, mut known) = (0, 0);
    for number in 0..COMMANDS {
        // Each at a time of its own, so that "oldest first" is one order.
        let now = Timestamp::from_millisecond(1_800_000_000_000 + i64::from(number)).unwrap();
        let deed = draw(&mut chance, now);
        let [file, server] = sides.each_mut().map(|side| side.act(&deed, now));
        refused += u32::from(file.is_err());
        assert_eq!(file, server, "command no. {number}");
        if number % 20 == 0 {
            let [file, server] = sides.each_mut().map(Side::all);
            assert_eq!(file, server, "after command no. {number}");
            known = known.max(file.1.into_iter().flatten().count());
        }
    }
    let some = COMMANDS / 10..COMMANDS - COMMANDS / 10;
    assert!(
        some.contains(&refused),
        "{refused} of {COMMANDS} were refused"
    );
    assert!(known > 5, "{known}");
}

fn draw(chance: &mut Rng, now: Timestamp) -> Deed {
    let name = *chance.choice(&NAMES).unwrap();
    let hours = |chance: &mut Rng| Duration::from_secs(3600 * chance.u64(1..5));
    match chance.u8(..10) {
        0..3 => Deed::Create(new(chance, name, now)),
        3 => {
            let text = format!("imported-key-number-{}", chance.u8(..9));
            Deed::Import(new(chance, name, now), text)
        }
        4 | 5 => Deed::Update(
            name,
            Changes {
                name: chance.bool().then(|| label(chance.choice(&NAMES).unwrap())),
                owner: match chance.u8(..3) {
                    0 => Change::Keep,
                    1 => Change::Remove,
                    _ => Change::Set(label("alice")),
                },
                scopes: chance.bool().then(|| "read write".parse().unwrap()),
                networks: chance
                    .bool()
                    .then(|| vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]),
                expires: match chance.u8(..3) {
                    0 => Change::Keep,
                    1 => Change::Remove,
                    _ => Change::Set(now + hours(chance)),
                },
            },
        ),
        6 | 7 => Deed::Rotate(name, hours(chance)),
        8 => Deed::Revoke(name),
        _ => Deed::Delete(name),
    }
}

fn new(chance: &mut Rng, name: &str, now: Timestamp) -> NewKey {
    NewKey {
        name: label(name),
        realm: (*chance.choice(&REALMS).unwrap()).to_owned(),
        owner: chance.bool().then(|| label("bob")),
        scopes: if chance.bool() { "a" } else { "" }.parse().unwrap(),
        networks: Vec::new(),
        expires: chance.bool().then(|| now + Duration::from_secs(60)),
    }
}

fn label(raw: &str) -> Label {
    Label::parse(raw).unwrap()
}

impl Side {
    /// What comes of a command, in words that don't depend on ids drawn by chance.
    fn act(&mut self, deed: &Deed, now: Timestamp) -> Result<String, String> {
        let (store, prefix) = (&mut self.store, Prefix::default());
        let done = match deed {
            Deed::Create(new) => store.create(new.clone(), &prefix, now),
            Deed::Rotate(name, grace) => store.rotate(name, &prefix, *grace, now),
            Deed::Import(new, text) => {
                let key = ApiKey::parse(text.as_bytes()).unwrap();
                let imported = ImportedKey::Plaintext(key);
                store
                    .import(new.clone(), &imported, &prefix, now)
                    .map(|record| (record, ApiKey::parse(text.as_bytes()).unwrap()))
            }
            Deed::Update(name, changes) => return told(store.update(name, changes.clone())),
            Deed::Revoke(name) => return told(store.revoke(name, now)),
            Deed::Delete(name) => return told(store.delete(name)),
        };
        told(done.map(|(record, key)| {
            self.keys.push(key);
            record
        }))
    }

    /// The list of all, of one realm, how many there are, and what each key ever made finds.
    fn all(&mut self) -> (Vec<String>, Vec<Option<String>>) {
        let mut list = Vec::new();
        for realm in [None, Some(REALMS[0])] {
            let listed = self.store.each(realm, |key| {
                list.push(shown(&key));
                Ok(())
            });
            listed.unwrap();
        }
        list.push(self.store.count().unwrap().to_string());
        let digests: Vec<ApiKeyDigest> = self.keys.iter().map(ApiKey::digest).collect();
        let found = digests
            .iter()
            .map(|digest| self.store.find(digest).unwrap().as_ref().map(shown));
        let found = found.collect();
        (list, found)
    }
}

fn told(outcome: Result<ApiKeyRecord, KeyError>) -> Result<String, String> {
    match outcome {
        Ok(record) => Ok(shown(&record)),
        Err(KeyError::NameTaken { name, .. }) => Err(format!("taken: {name}")),
        Err(KeyError::Known { name, .. }) => Err(format!("known: {name}")),
        Err(KeyError::Revoked(_)) => Err("revoked".to_owned()),
        Err(other) => Err(other.to_string()),
    }
}

/// All of a record but its id.
fn shown(record: &ApiKeyRecord) -> String {
    let (id, text) = (record.id.as_str(), format!("{record:?}"));
    text.replace(id, "ID")
}

#[test]
#[ignore = "needs PostgreSQL; tests/run installs it"]
fn what_one_side_gives_up_leaves_no_trace() {
    let postgres = Postgres::start();
    let place = Place::parse(&postgres.url(OWNER), |file| Path::new(file).to_owned()).unwrap();
    let mut store = KeyStore::open(&place, None).unwrap();
    let now = Timestamp::now();
    let mut chance = Rng::with_seed(1);
    let made = new(&mut chance, "one", now);
    let (_, key) = store.create(made.clone(), &Prefix::default(), now).unwrap();
    let before = postgres.query("SELECT * FROM htgate.store, htgate.keys, htgate.secrets");
    // The record is written before its secret turns out to be another key's.
    let twin = NewKey {
        name: label("two"),
        ..made
    };
    let text = key.expose_secret().as_bytes();
    let imported = ImportedKey::Plaintext(ApiKey::parse(text).unwrap());
    let refused = store.import(twin, &imported, &Prefix::default(), now);
    assert!(matches!(refused, Err(KeyError::Known { .. })));
    let after = postgres.query("SELECT * FROM htgate.store, htgate.keys, htgate.secrets");
    assert_eq!(before, after);
}
