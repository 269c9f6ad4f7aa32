//! A store in a file, as commands and the service use it, each with its own handle.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::{ApiKeys, KeyStore, Known, NewKey, Place, StoreError};
use crate::identity::{ApiKey, ApiKeyId, ApiKeyRecord, Label, Pepper, Prefix, ScopeSet};

mod commands;
mod file;
mod last_use;
mod live;

/// A folder with a store in it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("keys.db")
    }

    fn place(&self) -> Place {
        Place::Sqlite(self.file())
    }

    /// What a command opens.
    fn store(&self) -> KeyStore {
        KeyStore::open(&self.place(), None).unwrap()
    }

    /// What the service opens.
    fn service(&self) -> ApiKeys {
        ApiKeys::open(&self.place(), None, 1000, Duration::from_secs(60)).unwrap()
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn label(raw: &str) -> Label {
    Label::parse(raw).unwrap()
}

fn new_key(name: &str) -> NewKey {
    NewKey {
        name: label(name),
        realm: "intranet".into(),
        owner: None,
        scopes: ScopeSet::default(),
        networks: Vec::new(),
        expires: None,
    }
}

fn create(store: &mut KeyStore, name: &str) -> (ApiKeyRecord, ApiKey) {
    store
        .create(new_key(name), &Prefix::default(), at(1000))
        .unwrap()
}

fn pepper(secret: &str) -> Pepper {
    Pepper::new(Zeroizing::new(secret.into())).unwrap()
}

/// A key of our form that no store holds.
fn foreign_key() -> ApiKey {
    let id = ApiKeyId::random().unwrap();
    ApiKey::generate_for(&Prefix::default(), &id).unwrap()
}

/// A look-up in a file, which never waits.
fn lookup(service: &ApiKeys, key: &ApiKey) -> Result<Option<Arc<Known>>, StoreError> {
    let prefix = Prefix::default();
    service.lookup(key, &prefix).now_or_never().unwrap()
}

/// All keys.
fn all(store: &mut KeyStore) -> Vec<ApiKeyRecord> {
    let mut all = Vec::new();
    let gathered = store.each(None, |key| {
        all.push(key);
        Ok(())
    });
    gathered.unwrap();
    all
}
