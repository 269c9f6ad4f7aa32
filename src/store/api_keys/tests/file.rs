//! The file itself: made, opened, refused.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use super::{Folder, all, create, pepper};
use crate::store::api_keys::error::PepperFault;
use crate::store::api_keys::sqlite::SqliteFile;
use crate::store::api_keys::{KeyError, KeyStore, Place, StoreError};

#[test]
fn a_new_file_is_private_and_belongs_to_the_owner_of_its_folder() {
    let folder = Folder::new();
    let root = nix::unistd::geteuid().is_root();
    if root {
        chown(folder.0.path(), Some(1234), Some(2345)).unwrap();
    }
    let mut store = folder.store();
    create(&mut store, "ci");
    for name in ["keys.db", "keys.db-wal", "keys.db-shm"] {
        let found = fs::metadata(folder.0.path().join(name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o7777, 0o600, "{name}");
        if root {
            assert_eq!((found.uid(), found.gid()), (1234, 2345), "{name}");
        }
    }
    let left = fs::read_dir(folder.0.path()).unwrap().count();
    assert_eq!(left, 3, "nothing else is left in the folder");
}

#[test]
fn what_was_done_is_there_when_the_file_is_opened_again() {
    let folder = Folder::new();
    let (record, key) = create(&mut folder.store(), "ci");
    let mut store = folder.store();
    assert_eq!(store.find(&key.digest()).unwrap(), Some(record.clone()));
    assert_eq!(all(&mut store), [record]);
}

#[test]
fn commits_are_synced_to_the_disk() {
    let folder = Folder::new();
    drop(folder.store());
    let file = SqliteFile::connect(&folder.file(), Duration::ZERO).unwrap();
    let setting = |name| {
        let value = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
        file.conn.pragma_query_value(None, name, value).unwrap()
    };
    assert_eq!(setting("journal_mode"), "wal".to_owned().into());
    assert_eq!(setting("synchronous"), 2.into()); // FULL
}

#[test]
fn many_processes_may_make_the_file_at_once() {
    let folder = Folder::new();
    thread::scope(|scope| {
        for number in 0..8 {
            let folder = &folder;
            scope.spawn(move || create(&mut folder.store(), &format!("key {number}")));
        }
    });
    assert_eq!(all(&mut folder.store()).len(), 8);
}

#[test]
fn a_path_that_leads_nowhere_is_told_as_such() {
    let folder = Folder::new();
    let missing = folder.0.path().join("missing/keys.db");
    let below_a_file = folder.0.path().join("plain/keys.db");
    let dangling = folder.0.path().join("dangling.db");
    fs::write(folder.0.path().join("plain"), "").unwrap();
    symlink(folder.0.path().join("gone"), &dangling).unwrap();

    for (path, told) in [
        (missing.as_path(), "the folder doesn't exist"),
        (folder.0.path(), "this is no file"),
        (&below_a_file, "can't be opened"),
        (&dangling, "can't be opened"),
    ] {
        let fault = KeyStore::open(&Place::Sqlite(path.to_owned()), None)
            .err()
            .unwrap()
            .to_string();
        assert!(fault.contains(told), "{fault}");
        assert!(fault.contains(path.to_str().unwrap()), "{fault}");
    }
}

#[test]
fn what_is_no_database_is_refused_and_left_alone() {
    let folder = Folder::new();
    for garbage in ["no".to_owned(), "garbage ".repeat(10_000)] {
        fs::write(folder.file(), &garbage).unwrap();
        let fault = KeyStore::open(&folder.place(), None).err().unwrap();
        assert!(matches!(fault, StoreError::NotADatabase { .. }), "{fault}");
        assert_eq!(fs::read_to_string(folder.file()).unwrap(), garbage);
    }
}

#[test]
fn a_damaged_file_is_an_error_and_no_answer() {
    let folder = Folder::new();
    let mut store = folder.store();
    let keys: Vec<_> = (0..50)
        .map(|n| create(&mut store, &format!("key {n}")).1)
        .collect();
    drop(store);
    let mut content = fs::read(folder.file()).unwrap();
    content[4096..].fill(0xa5);
    fs::write(folder.file(), content).unwrap();

    let faults = match KeyStore::open(&folder.place(), None) {
        Err(fault) => vec![fault],
        Ok(mut store) => keys
            .iter()
            .map(|key| store.find(&key.digest()).unwrap_err())
            .collect(),
    };
    for fault in faults {
        assert!(matches!(fault, StoreError::Damaged { .. }), "{fault}");
    }
}

#[test]
fn a_page_in_the_wrong_place_makes_no_key_anothers() {
    let folder = Folder::new();
    let mut store = folder.store();
    let keys: Vec<_> = (0..150)
        .map(|n| create(&mut store, &format!("key {n}")))
        .collect();
    drop(store);
    let whole = fs::read(folder.file()).unwrap();
    // Leaves of the trees that are searched.
    let (pages, _) = whole.as_chunks::<4096>();
    let leaves = || (1..pages.len()).filter(|page| pages[*page][0] == 10);
    for (place, page) in leaves().flat_map(|to| leaves().map(move |from| (to, from))) {
        let mut damaged = whole.clone();
        damaged[place * 4096..][..4096].copy_from_slice(&pages[page]);
        fs::write(folder.file(), damaged).unwrap();
        let Ok(mut store) = KeyStore::open(&folder.place(), None) else {
            continue;
        };
        for (record, key) in &keys {
            if let Ok(Some(found)) = store.find(&key.digest()) {
                assert_eq!(found, *record, "{page} in the place of {place}");
            }
        }
    }
}

#[test]
fn a_row_that_makes_no_sense_is_an_error_and_no_answer() {
    let folder = Folder::new();
    let (_, key) = create(&mut folder.store(), "ci");
    for (made, mended) in [
        ("networks = '10.0.0.0/99'", "networks = ''"),
        ("scopes = 'a,b'", "scopes = ''"),
        ("expires = 9223372036854775807", "expires = NULL"),
        ("owner = '-'", "owner = NULL"),
    ] {
        let other = Connection::open(folder.file()).unwrap();
        let set = |what| {
            other
                .execute(&format!("UPDATE keys SET {what}"), [])
                .unwrap()
        };
        set(made);
        let fault = folder.store().find(&key.digest()).unwrap_err();
        assert!(
            matches!(fault, StoreError::Damaged { .. }),
            "{made}: {fault}"
        );
        set(mended);
        assert!(folder.store().find(&key.digest()).unwrap().is_some());
    }
}

#[test]
fn a_newer_format_and_another_programs_database_are_refused() {
    let folder = Folder::new();
    drop(folder.store());
    let other = Connection::open(folder.file()).unwrap();
    other.pragma_update(None, "user_version", 7).unwrap();
    let fault = KeyStore::open(&folder.place(), None).err().unwrap();
    assert!(
        matches!(
            fault,
            StoreError::Newer {
                found: 7,
                known: 2,
                ..
            }
        ),
        "{fault}"
    );

    let path = folder.0.path().join("other.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE t (x)").unwrap();
    let fault = KeyStore::open(&Place::Sqlite(path), None).err().unwrap();
    assert!(matches!(fault, StoreError::Foreign { .. }), "{fault}");
    let mode: String = other
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "delete", "the other program's file is as it was");
}

#[test]
fn another_pepper_is_refused_once_there_are_keys() {
    let folder = Folder::new();
    let open = |secret: Option<&str>| KeyStore::open(&folder.place(), secret.map(pepper));
    let fault = |secret| match open(secret).err() {
        Some(StoreError::Pepper { fault, .. }) => fault,
        other => panic!("{other:?}"),
    };
    let (one, other) = (
        Some("one pepper, long enough"),
        Some("another, long enough"),
    );

    drop(open(None).unwrap());
    drop(open(other).unwrap()); // no keys yet: any will do
    let mut store = open(one).unwrap();
    let (record, key) = create(&mut store, "ci");
    assert_eq!(store.find(&key.digest()).unwrap(), Some(record));
    assert_eq!(fault(None), PepperFault::Missing);
    assert_eq!(fault(other), PepperFault::Other);
    assert!(open(one).is_ok());

    store.delete("ci").unwrap();
    let (_, key) = create(&mut open(None).unwrap(), "ci");
    assert_eq!(fault(one), PepperFault::Unexpected);
    assert!(open(None).unwrap().find(&key.digest()).unwrap().is_some());
}

#[test]
fn a_change_waits_for_another_process_and_then_gives_up() {
    let folder = Folder::new();
    let mut store = folder.store();
    create(&mut store, "ci");
    let hurried = SqliteFile::connect(&folder.file(), Duration::from_millis(20));
    store.backend = Box::new(hurried.unwrap());
    let other = Connection::open(folder.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let refused = store.delete("ci").unwrap_err();
    assert!(
        matches!(refused, KeyError::Store(StoreError::Busy { .. })),
        "{refused}"
    );
    assert!(store.get("ci").is_ok(), "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    store.delete("ci").unwrap();
}
