//! What commands do to keys: the model that a store is held against.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use htgate::{
    identity::ApiKey,
    store::{KeyStore, Place},
};
use rusqlite::Connection;

use super::{Change, Ended, any};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A digest in hexadecimal.
type Digest = String;

/// Everything that the store holds, but when keys were last used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// By id.
    pub(super) keys: BTreeMap<String, Key>,
    /// Whose each is, and when it ends.
    secrets: BTreeMap<Digest, (String, Option<i64>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    name: String,
    scopes: String,
    owner: Option<String>,
    created: i64,
    expires: Option<i64>,
    revoked: Option<i64>,
}

/// A command, and of which key.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    Create(String),
    Import(String),
    /// To this scope, which no key has.
    Update(String, String),
    Rotate(String),
    Revoke(String),
    Delete(String),
}

impl State {
    /// Reads the store as it was left, having it mended by the library as the next command would.
    pub(super) fn read(path: &Path) -> Self {
        drop(KeyStore::open(&Place::Sqlite(path.to_owned()), None).unwrap());
        let store = Connection::open(path).unwrap();
        let found: String = store
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(found, "ok");
        let mut keys = store
            .prepare("SELECT id, name, scopes, owner, created, expires, revoked FROM keys")
            .unwrap();
        let keys = keys.query_map([], |row| {
            let key = Key {
                name: row.get(1)?,
                scopes: row.get(2)?,
                owner: row.get(3)?,
                created: row.get(4)?,
                expires: row.get(5)?,
                revoked: row.get(6)?,
            };
            Ok((row.get(0)?, key))
        });
        let mut secrets = store
            .prepare("SELECT lower(hex(digest)), key_id, not_after FROM secrets")
            .unwrap();
        let secrets = secrets.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))));
        Self {
            keys: keys.unwrap().map(Result::unwrap).collect(),
            secrets: secrets.unwrap().map(Result::unwrap).collect(),
        }
    }

    /// Whether the key with this digest is accepted.
    pub(super) fn counts(&self, digest: &Digest) -> bool {
        let secret = self.secrets.get(digest);
        secret.is_some_and(|(id, _)| self.keys[id].revoked.is_none())
    }

    fn active(&self) -> Vec<&String> {
        let active = self.keys.iter().filter(|(_, key)| key.revoked.is_none());
        active.map(|(id, _)| id).collect()
    }

    /// The only key that `before` lacks.
    fn new_key(&self, before: &Self) -> Option<(&String, &Key)> {
        only(
            self.keys
                .iter()
                .filter(|(id, _)| !before.keys.contains_key(*id)),
        )
    }

    /// The only digest that `before` lacks.
    pub(super) fn new_digest(&self, before: &Self) -> Option<&Digest> {
        only(
            self.secrets
                .keys()
                .filter(|digest| !before.secrets.contains_key(*digest)),
        )
    }
}

fn only<T>(mut all: impl Iterator<Item = T>) -> Option<T> {
    all.next().filter(|_| all.next().is_none())
}

impl Deed {
    /// Something to do in this state, so that the store neither empties nor grows.
    pub(super) fn choose(state: &State, round: u64) -> Self {
        let active = state.active();
        if active.len() < 3 {
            return Self::Create(format!("key {round}"));
        }
        let key = (*any(&active)).clone();
        if state.keys.len() > 15 {
            return Self::Delete((*any(&state.keys.keys().collect::<Vec<_>>())).clone());
        }
        match round % 6 {
            0 => Self::Create(format!("key {round}")),
            1 => Self::Import(format!("import {round}")),
            2 => Self::Update(key, format!("scope:{round}")),
            3 | 4 => Self::Rotate(key),
            _ => any(&[Self::Revoke(key.clone()), Self::Delete(key)]).clone(),
        }
    }

    pub(super) fn arguments(&self) -> Vec<&str> {
        let new = [
            "--realm", "intranet", "--scope", "a", "--owner", "alice", "--name",
        ];
        match self {
            Self::Create(name) => [&["key", "create"], &new[..], &[name]].concat(),
            Self::Import(name) => [&["key", "import"], &new[..], &[name]].concat(),
            Self::Update(id, scope) => {
                let more = [
                    "--scope",
                    scope,
                    "--owner",
                    "bob",
                    "--expires",
                    "2100-01-01",
                ];
                [&["key", "update", id], &more[..]].concat()
            }
            Self::Rotate(id) => vec!["key", "rotate", id, "--grace", "1h"],
            Self::Revoke(id) => vec!["key", "revoke", id],
            Self::Delete(id) => vec!["key", "delete", id],
        }
    }

    /// What the command reads: the key, for an import.
    pub(super) fn input(&self) -> String {
        match self {
            Self::Import(name) => format!("a key made elsewhere: {name}").replace(' ', "-"),
            _ => String::new(),
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Import(_) => "import",
            Self::Update(..) => "update",
            Self::Rotate(_) => "rotate",
            Self::Revoke(_) => "revoke",
            Self::Delete(_) => "delete",
        }
    }

    /// What became of it. Times, ids and secrets are taken from `after`; all else must be as it
    /// was, or as the command says.
    pub(super) fn change(&self, before: &State, after: &State) -> Change {
        if before == after {
            return Change::Nothing;
        }
        let whole = self.whole(before, after);
        assert_eq!(
            whole.as_ref(),
            Some(after),
            "{self:?} by halves, from {before:#?}"
        );
        Change::Whole
    }

    fn whole(&self, before: &State, after: &State) -> Option<State> {
        let mut whole = before.clone();
        match self {
            Self::Create(name) | Self::Import(name) => {
                let (id, found) = after.new_key(before)?;
                let key = Key {
                    name: name.clone(),
                    scopes: "a".to_owned(),
                    owner: Some("alice".to_owned()),
                    created: found.created,
                    expires: None,
                    revoked: None,
                };
                whole.keys.insert(id.clone(), key);
                let digest = after.new_digest(before)?.clone();
                whole.secrets.insert(digest, (id.clone(), None));
            }
            Self::Update(id, scope) => {
                let key = whole.keys.get_mut(id)?;
                (key.scopes, key.owner) = (scope.clone(), Some("bob".to_owned()));
                key.expires = Some(4_102_444_800_000);
            }
            Self::Rotate(id) => {
                let digest = after.new_digest(before)?;
                let of_key =
                    |(_, (key, end)): &(_, &(String, Option<i64>))| key == id && end.is_none();
                let (current, _) = before.secrets.iter().find(of_key)?;
                let grace_ends = after.secrets.get(current)?.1?;
                let rotated = grace_ends - HOUR_MS;
                assert!((now_ms() - MINUTE_MS..=now_ms()).contains(&rotated));
                for (_, end) in whole.secrets.values_mut().filter(|(key, _)| key == id) {
                    *end = Some(end.map_or(grace_ends, |end| end.min(grace_ends)));
                }
                whole.secrets.insert(digest.clone(), (id.clone(), None));
            }
            Self::Revoke(id) => {
                let at = after.keys.get(id)?.revoked?;
                whole.keys.get_mut(id)?.revoked = Some(at);
            }
            Self::Delete(id) => {
                whole.keys.remove(id)?;
                whole.secrets.retain(|_, (key, _)| key != id);
            }
        }
        Some(whole)
    }

    /// The key that was printed or imported.
    pub(super) fn plaintext(&self, ended: &Ended) -> Option<String> {
        match self {
            Self::Create(_) | Self::Rotate(_) => {
                ended.printed.strip_suffix('\n').map(str::to_owned)
            }
            Self::Import(_) => Some(self.input()),
            _ => None,
        }
    }
}

pub(super) fn digest_of(plaintext: &str) -> Digest {
    let digest = ApiKey::parse(plaintext.as_bytes()).unwrap().digest();
    digest
        .index(None)
        .map(|byte| format!("{byte:02x}"))
        .concat()
}

fn now_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}
