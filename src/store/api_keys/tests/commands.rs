//! Making and changing keys.

use std::time::Duration;

use super::{Folder, at, create, foreign_key, label, new_key};
use crate::identity::{ApiKey, ApiKeyDigest, Form, Prefix};
use crate::identity::{KeyState, KeyUnusable};
use crate::store::api_keys::{Change, Changes, ImportedKey, KeyError, NewKey};

const HEX: &str = "b07db41bc7ce66b733697d04d35cef4872ac67808366d07ba1f0e09d5202f1f1";

fn plaintext(raw: &str) -> ImportedKey {
    ImportedKey::Plaintext(ApiKey::parse(raw.as_bytes()).unwrap())
}

#[test]
fn a_new_key_is_found_by_its_value_and_keeps_what_was_said() {
    let mut store = Folder::new().store();
    let said = NewKey {
        name: label("ci"),
        realm: "intranet".into(),
        owner: Some(label("alice")),
        scopes: "write read".parse().unwrap(),
        networks: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
        expires: Some(at(2000)),
    };
    let (record, key) = store
        .create(said.clone(), &Prefix::default(), at(1000))
        .unwrap();
    assert_eq!(key.form(&Prefix::default()), Form::Ours(record.id));
    assert_eq!(store.find(&key.digest()).unwrap().unwrap(), record);
    assert_eq!(store.get(record.id.as_str()).unwrap(), record);
    assert_eq!(store.get("ci").unwrap(), record);
    assert_eq!(
        (&record.name, &record.realm, &record.owner, &record.scopes),
        (&said.name, &said.realm, &said.owner, &said.scopes)
    );
    assert_eq!(
        (&record.networks, record.expires, record.created),
        (&said.networks, said.expires, at(1000))
    );
    assert_eq!((record.state, record.last_used), (KeyState::Active, None));

    let other = foreign_key();
    assert_eq!(store.find(&other.digest()).unwrap(), None);
}

#[test]
fn a_key_ends_at_the_very_instant() {
    let mut store = Folder::new().store();
    let new = NewKey {
        expires: Some(at(2000)),
        ..new_key("ci")
    };
    let (_, key) = store.create(new, &Prefix::default(), at(1000)).unwrap();
    let record = store.find(&key.digest()).unwrap().unwrap();
    let just_before = at(2000).checked_sub(Duration::from_millis(1)).unwrap();
    assert_eq!(record.usable(just_before), Ok(()));
    assert_eq!(
        record.usable(at(2000)),
        Err(KeyUnusable::Expired { at: at(2000) })
    );

    for past in [at(999), at(1000)] {
        let new = NewKey {
            expires: Some(past),
            ..new_key("late")
        };
        let refused = store.create(new, &Prefix::default(), at(1000)).unwrap_err();
        assert!(matches!(refused, KeyError::Expired), "{refused}");
    }
}

#[test]
fn a_name_means_one_key_until_it_is_deleted() {
    let mut store = Folder::new().store();
    let (first, _) = create(&mut store, "ci");
    store.revoke("ci", at(1001)).unwrap();
    let again =
        |store: &mut super::KeyStore| store.create(new_key("ci"), &Prefix::default(), at(1002));
    assert!(matches!(again(&mut store), Err(KeyError::NameTaken { id, .. }) if id == first.id));
    let as_id = store.create(new_key(first.id.as_str()), &Prefix::default(), at(1002));
    assert!(matches!(as_id, Err(KeyError::NameIsId { .. })));

    let (second, _) = create(&mut store, "cd");
    let rename = |name: &str| Changes {
        name: Some(label(name)),
        ..Changes::default()
    };
    for (name, told) in [("ci", "already"), (first.id.as_str(), "is the id")] {
        let refused = store.update("cd", rename(name)).unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
    }
    store.update("cd", rename("cd")).unwrap();
    store.update("cd", rename(second.id.as_str())).unwrap();
    assert!(matches!(store.get("cd"), Err(KeyError::Unknown)));

    store.delete("ci").unwrap();
    assert!(again(&mut store).is_ok());
}

#[test]
fn what_is_given_replaces_and_the_rest_stays() {
    let mut store = Folder::new().store();
    let new = NewKey {
        owner: Some(label("alice")),
        scopes: "read write".parse().unwrap(),
        networks: vec!["10.0.0.0/8".parse().unwrap()],
        expires: Some(at(2000)),
        ..new_key("ci")
    };
    let (before, key) = store.create(new, &Prefix::default(), at(1000)).unwrap();
    assert_eq!(store.update("ci", Changes::default()).unwrap(), before);

    let changes = Changes {
        scopes: Some("admin".parse().unwrap()),
        networks: Some(Vec::new()),
        expires: Change::Set(at(500)),
        ..Changes::default()
    };
    let after = store.update(before.id.as_str(), changes).unwrap();
    assert_eq!(after.scopes.to_string(), "admin");
    assert_eq!((after.networks.len(), after.expires), (0, Some(at(500))));
    assert_eq!((&after.owner, &after.name), (&before.owner, &before.name));
    assert_eq!(store.find(&key.digest()).unwrap().unwrap(), after);

    let changes = Changes {
        owner: Change::Remove,
        expires: Change::Remove,
        ..Changes::default()
    };
    let after = store.update("ci", changes).unwrap();
    assert_eq!((after.owner, after.expires), (None, None));
}

#[test]
fn rotation_gives_a_new_secret_and_the_old_ones_a_grace_period() {
    let mut store = Folder::new().store();
    let prefix = Prefix::default();
    let (record, first) = create(&mut store, "ci");
    let hour = Duration::from_secs(3600);
    let (_, second) = store.rotate("ci", &prefix, hour, at(2000)).unwrap();
    assert_eq!(second.form(&prefix), Form::Ours(record.id));
    let found =
        |store: &mut super::KeyStore, key: &ApiKey| store.find(&key.digest()).unwrap().unwrap();

    assert_eq!(found(&mut store, &second).secret_not_after, None);
    let old = found(&mut store, &first);
    assert_eq!(old.id, record.id);
    assert_eq!(old.usable(at(5599)), Ok(()));
    assert_eq!(
        old.usable(at(5600)),
        Err(KeyUnusable::RotatedOut { at: at(5600) })
    );

    // A second rotation shortens, never lengthens, what is left.
    let (_, third) = store.rotate("ci", &prefix, 9 * hour, at(2001)).unwrap();
    assert_eq!(found(&mut store, &first).secret_not_after, Some(at(5600)));
    store
        .rotate("ci", &prefix, Duration::ZERO, at(2002))
        .unwrap();
    for old in [&first, &second, &third] {
        assert!(found(&mut store, old).usable(at(2002)).is_err());
    }
    let far = store
        .rotate("ci", &prefix, Duration::MAX, at(2003))
        .unwrap()
        .1;
    assert_eq!(found(&mut store, &far).usable(at(2003)), Ok(()));

    store.revoke("ci", at(2004)).unwrap();
    assert!(found(&mut store, &far).usable(at(2004)).is_err());
    let refused = store.rotate("ci", &prefix, hour, at(2005)).unwrap_err();
    assert!(matches!(refused, KeyError::Revoked(id) if id == record.id));
}

#[test]
fn a_revoked_key_stays_known_and_a_deleted_one_does_not() {
    let mut store = Folder::new().store();
    let (_, key) = create(&mut store, "ci");
    let revoked = store.revoke("ci", at(1500)).unwrap();
    assert_eq!(revoked.state, KeyState::Revoked { at: at(1500) });
    assert_eq!(store.revoke("ci", at(1600)).unwrap(), revoked);
    let found = store.find(&key.digest()).unwrap().unwrap();
    assert_eq!(
        found.usable(at(1500)),
        Err(KeyUnusable::Revoked { at: at(1500) })
    );

    store.delete("ci").unwrap();
    assert_eq!(store.find(&key.digest()).unwrap(), None);
    assert!(matches!(store.delete("ci"), Err(KeyError::Unknown)));
    assert!(matches!(store.revoke("ci", at(1)), Err(KeyError::Unknown)));
}

#[test]
fn keys_made_elsewhere_are_found_by_their_whole_value() {
    let mut store = Folder::new().store();
    let prefix = Prefix::default();
    let mut import = |name, key: &ImportedKey, expires| {
        let new = NewKey {
            expires,
            ..new_key(name)
        };
        store.import(new, key, &prefix, at(1000))
    };
    let digest = ImportedKey::Digest(ApiKeyDigest::from_hex(HEX).unwrap());
    let value = "htg_000000000000_000000000000000000000000000000002Diqxq";
    let foreign = "sk_live_abcdefghijklmnop";
    import("plain", &plaintext(foreign), None).unwrap();
    let late = import("digest", &digest, Some(at(10))).unwrap();
    assert_eq!(late.expires, Some(at(10)));

    for (name, key, told) in [
        (
            "plain",
            plaintext("another, no, a third one".replace([' ', ','], "-").as_str()),
            "has the name",
        ),
        ("again", plaintext(foreign), "stored already"),
        ("again", plaintext(value), "stored already"),
        ("short", plaintext("0123456789012345678"), "19 characters"),
        ("typo", plaintext(&value.replace("0_0", "0_1")), "typo"),
    ] {
        let refused = import(name, &key, None).unwrap_err().to_string();
        assert!(refused.contains(told), "{refused}");
        assert!(
            !refused.contains(foreign) && !refused.contains(value),
            "{refused}"
        );
    }

    for (value, name) in [
        (foreign, Some("plain")),
        (value, Some("digest")),
        ("sk_live_ABCDEFGHIJKLMNOP", None),
    ] {
        let found = store
            .find(&ApiKey::parse(value.as_bytes()).unwrap().digest())
            .unwrap();
        assert_eq!(found.as_ref().map(|key| key.name.as_str()), name);
    }
}

#[test]
fn a_key_of_ours_keeps_its_id_when_it_moves_to_another_store() {
    let (from, to) = (Folder::new(), Folder::new());
    let (record, key) = create(&mut from.store(), "ci");
    let mut to = to.store();
    let key = ImportedKey::Plaintext(key);
    let moved = to
        .import(new_key("ci"), &key, &Prefix::default(), at(1000))
        .unwrap();
    assert_eq!(moved.id, record.id);
}

#[test]
fn keys_are_listed_oldest_first() {
    let mut store = Folder::new().store();
    for (name, realm, second) in [("b", "one", 20), ("c", "two", 10), ("a", "one", 20)] {
        let new = NewKey {
            realm: realm.into(),
            ..new_key(name)
        };
        store.create(new, &Prefix::default(), at(second)).unwrap();
    }
    for (realm, listed) in [
        (None, "c b a"),
        (Some("one"), "b a"),
        (Some("two"), "c"),
        (Some("none"), ""),
    ] {
        let mut names = Vec::new();
        let gathered = store.each(realm, |key| {
            names.push(key.name.to_string());
            Ok(())
        });
        gathered.unwrap();
        assert_eq!(names.join(" "), listed, "{realm:?}");
    }
}
