//! When keys were last used.

use std::fs;
use std::sync::Arc;

use super::{Folder, at, create, lookup};
use crate::identity::ApiKeyId;

#[test]
fn a_use_is_written_once_per_minute_and_never_goes_back() {
    let mut store = Folder::new().store();
    let (key, _) = create(&mut store, "ci");
    let gone = ApiKeyId::random().unwrap();
    for (second, kept) in [
        (6010, 6010),
        (6020, 6010), // the same minute
        (6059, 6010),
        (5000, 6010),
        (6060, 6060),
    ] {
        let used = at(second).as_millisecond();
        let both = [(gone, used), (key.id, used)];
        store.backend.write_last_used(&both).unwrap();
        let found = store.get("ci").unwrap();
        assert_eq!(found.last_used, Some(at(kept)), "after {second}");
    }
}

#[test]
fn uses_are_gathered_and_written_together() {
    let folder = Folder::new();
    let service = folder.service();
    let mut store = folder.store();
    let (_, one) = create(&mut store, "one");
    let (_, two) = create(&mut store, "two");
    service.refresh().unwrap();
    let [one, two] = [one, two].map(|key| lookup(&service, &key).unwrap().unwrap());
    for second in [600, 640, 620] {
        one.note_use(at(second));
    }
    two.note_use(at(601));
    assert_eq!(store.get("one").unwrap().last_used, None);

    service.flush_last_used().unwrap();
    assert_eq!(store.get("one").unwrap().last_used, Some(at(640)));
    assert_eq!(store.get("two").unwrap().last_used, Some(at(601)));
    service.flush_last_used().unwrap();
    one.note_use(at(700));
    service.flush_last_used().unwrap();
    assert_eq!(store.get("one").unwrap().last_used, Some(at(700)));
}

#[test]
fn a_use_is_written_though_the_key_is_forgotten_meanwhile() {
    let folder = Folder::new();
    let service = folder.service();
    let (_, key) = create(&mut folder.store(), "ci");
    lookup(&service, &key).unwrap().unwrap().note_use(at(600));
    service.refresh().unwrap();
    service.flush_last_used().unwrap();
    let found = folder.store().get("ci").unwrap();
    assert_eq!(found.last_used, Some(at(600)));
}

#[test]
fn a_written_use_is_no_reason_to_forget_the_keys() {
    let folder = Folder::new();
    let service = folder.service();
    let (_, key) = create(&mut folder.store(), "ci");
    service.poll().unwrap();
    let known = lookup(&service, &key).unwrap().unwrap();
    known.note_use(at(2000));
    service.flush_last_used().unwrap();
    let later = [(known.record.id, at(9000).as_millisecond())];
    folder.store().backend.write_last_used(&later).unwrap();
    service.poll().unwrap();
    let again = lookup(&service, &key).unwrap().unwrap();
    assert!(Arc::ptr_eq(&known, &again));
}

#[test]
fn what_cannot_be_written_is_kept_for_the_next_time() {
    let folder = Folder::new();
    let service = folder.service();
    let (_, key) = create(&mut folder.store(), "ci");
    let known = lookup(&service, &key).unwrap().unwrap();
    known.note_use(at(2000));
    let aside = folder.0.path().join("aside.db");
    fs::rename(folder.file(), &aside).unwrap();
    assert!(service.flush_last_used().is_err());
    fs::rename(&aside, folder.file()).unwrap();
    known.note_use(at(1900));
    service.flush_last_used().unwrap();
    assert_eq!(folder.store().get("ci").unwrap().last_used, Some(at(2000)));
}
