//! The service's view, while commands change the file.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use super::{Folder, at, create, foreign_key, label, lookup};
use crate::identity::{ApiKey, KeyState, Prefix};
use crate::store::api_keys::freshness::hash;
use crate::store::api_keys::{ApiKeys, Changes, StoreError};

fn state(service: &ApiKeys, key: &ApiKey) -> Option<KeyState> {
    lookup(service, key)
        .unwrap()
        .map(|known| known.record.state)
}

const ACTIVE: Option<KeyState> = Some(KeyState::Active);

#[test]
fn a_key_is_known_at_once_and_remembered() {
    let folder = Folder::new();
    let service = folder.service();
    let mut store = folder.store();
    let foreign = foreign_key();
    assert_eq!(state(&service, &foreign), None);

    let (record, key) = create(&mut store, "ci");
    let first = lookup(&service, &key).unwrap().unwrap();
    assert_eq!(*first.record, record);
    let second = lookup(&service, &key).unwrap().unwrap();
    assert!(Arc::ptr_eq(&first, &second));
}

#[test]
fn a_revocation_is_seen_once_refresh_has_returned() {
    let folder = Folder::new();
    let service = folder.service();
    let mut store = folder.store();
    let (_, key) = create(&mut store, "ci");
    assert_eq!(state(&service, &key), ACTIVE);
    store.revoke("ci", at(2000)).unwrap();
    service.refresh().unwrap();
    let revoked = Some(KeyState::Revoked { at: at(2000) });
    assert_eq!(state(&service, &key), revoked);
    store.delete("ci").unwrap();
    service.refresh().unwrap();
    assert_eq!(state(&service, &key), None);
}

#[test]
fn every_change_by_another_process_is_seen_by_the_next_poll() {
    let folder = Folder::new();
    let service = folder.service();
    let mut store = folder.store();
    let (_, key) = create(&mut store, "ci");
    let seen = |service: &ApiKeys| {
        service.poll().unwrap();
        let known = lookup(service, &key).unwrap();
        known.map(|known| Arc::clone(&known.record))
    };
    assert!(seen(&service).is_some());

    let name = Some(label("cd"));
    let changes = Changes {
        name,
        ..Changes::default()
    };
    store.update("ci", changes).unwrap();
    assert_eq!(seen(&service).unwrap().name.as_str(), "cd");

    let prefix = Prefix::default();
    store
        .rotate("cd", &prefix, Duration::ZERO, at(2000))
        .unwrap();
    assert_eq!(seen(&service).unwrap().secret_not_after, Some(at(2000)));

    // By other means than ours.
    let other = Connection::open(folder.file()).unwrap();
    other
        .execute("UPDATE keys SET revoked = 3000000", [])
        .unwrap();
    assert_eq!(
        seen(&service).unwrap().state,
        KeyState::Revoked { at: at(3000) }
    );
    store.delete("cd").unwrap();
    assert!(seen(&service).is_none());
}

#[test]
fn what_was_read_before_a_change_is_not_remembered_after_it() {
    let folder = Folder::new();
    let service = folder.service();
    let (record, _) = create(&mut folder.store(), "ci");
    service.refresh().unwrap();
    // What a look-up does when it is overtaken between its read and its insertion.
    let versions = &service.freshness.versions;
    let ticket = versions.ticket();
    folder.store().revoke("ci", at(2000)).unwrap();
    service.refresh().unwrap();
    assert_eq!(versions.of(hash(&record.id), ticket), None);
    assert!(versions.of(hash(&record.id), versions.ticket()).is_some());
}

#[test]
fn no_look_up_that_begins_after_refresh_finds_the_key_active() {
    let folder = Folder::new();
    let service = folder.service();
    let mut store = folder.store();
    for round in 0..150 {
        let (record, key) = create(&mut store, &format!("key {round}"));
        let revoked = AtomicBool::new(false);
        let (done, wrong) = (AtomicBool::new(false), AtomicBool::new(false));
        let (before, after) = (AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    while !done.load(Ordering::SeqCst) {
                        let late = revoked.load(Ordering::SeqCst);
                        let found = state(&service, &key);
                        if late && found == ACTIVE {
                            wrong.store(true, Ordering::SeqCst);
                        }
                        let count = if late { &after } else { &before };
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            // Some misses are needed too, so the service forgets all the time.
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    service.refresh().unwrap();
                }
            });
            while before.load(Ordering::SeqCst) < 5 {
                thread::yield_now();
            }
            store.revoke(record.id.as_str(), at(2000)).unwrap();
            service.refresh().unwrap();
            revoked.store(true, Ordering::SeqCst);
            while after.load(Ordering::SeqCst) < 20 {
                thread::yield_now();
            }
            done.store(true, Ordering::SeqCst);
        });
        assert!(!wrong.into_inner(), "round {round}");
    }
}

#[test]
fn a_file_put_in_the_place_of_another_counts_from_the_next_poll() {
    let folder = Folder::new();
    let backup = folder.0.path().join("backup.db");
    let (_, kept) = create(&mut folder.store(), "kept");
    fs::copy(folder.file(), &backup).unwrap();
    let service = folder.service();
    let (_, lost) = create(&mut folder.store(), "lost");
    assert_eq!(state(&service, &lost), ACTIVE);

    fs::rename(&backup, folder.file()).unwrap();
    for side in ["keys.db-wal", "keys.db-shm"] {
        let _ = fs::remove_file(folder.0.path().join(side));
    }
    service.poll().unwrap();
    assert_eq!(state(&service, &lost), None);
    assert_eq!(state(&service, &kept), ACTIVE);
    folder.store().revoke("kept", at(2000)).unwrap();
    service.poll().unwrap();
    assert_ne!(state(&service, &kept), ACTIVE);
}

#[test]
fn what_is_remembered_is_trusted_only_for_a_while_without_the_store() {
    let folder = Folder::new();
    let ttl = Duration::from_millis(300);
    let service = ApiKeys::open(&folder.place(), None, 1000, ttl).unwrap();
    let mut store = folder.store();
    let (_, known) = create(&mut store, "known");
    let (_, asked_late) = create(&mut store, "asked late");
    service.poll().unwrap();
    assert_eq!(state(&service, &known), ACTIVE);

    let aside = folder.0.path().join("aside.db");
    fs::rename(folder.file(), &aside).unwrap();
    assert!(service.poll().is_err());
    assert_eq!(state(&service, &known), ACTIVE);
    assert!(lookup(&service, &asked_late).is_err());
    assert!(!folder.file().exists(), "the service makes no new file");

    thread::sleep(ttl + Duration::from_millis(20));
    assert!(service.poll().is_err());
    let fault = lookup(&service, &known).unwrap_err();
    assert!(matches!(fault, StoreError::Offline { .. }), "{fault}");

    fs::rename(&aside, folder.file()).unwrap();
    service.poll().unwrap();
    assert_eq!(state(&service, &known), ACTIVE);
}

#[test]
fn a_refresh_without_the_store_forgets_all_the_same() {
    let folder = Folder::new();
    let service = folder.service();
    let (_, key) = create(&mut folder.store(), "ci");
    assert_eq!(state(&service, &key), ACTIVE);
    fs::rename(folder.file(), folder.0.path().join("aside.db")).unwrap();
    assert!(service.refresh().is_err());
    assert!(lookup(&service, &key).is_err());
}

#[test]
fn workers_share_the_keys() {
    fn shared<T: Send + Sync>() {}
    shared::<ApiKeys>();
}
