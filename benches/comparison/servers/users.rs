//! Users, their password files and key files, the same for every contestant.

use std::{fmt::Write as _, path::Path};

use bcrypt::Version;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use crate::harness::site::{ALICE, BOB};

/// What alice's hash costs in earnest, and bob's where a server can't remember what it verified.
pub(crate) const COST: u32 = 12;
pub(crate) const LOWER_COST: u32 = 10;

/// A line of an htpasswd file, bcrypt.
pub(crate) fn entry((user, password): (&str, &str), cost: u32) -> String {
    let salt: [u8; 16] = Sha256::digest(user)[..16].try_into().unwrap();
    let hash = bcrypt::hash_with_salt(password, cost, salt).unwrap();
    format!("{user}:{}\n", hash.format_for_version(Version::TwoY))
}

/// alice and bob.
pub(crate) fn few() -> String {
    entry(ALICE, COST) + &entry(BOB, LOWER_COST)
}

/// As many users, alice in their middle. The hashes of the others are well formed and made up.
pub(crate) fn crowd(users: usize) -> String {
    let mut file = String::with_capacity(users * 72);
    for user in 0..users {
        if user == users / 2 {
            file += &entry(ALICE, COST);
        }
        // 22 characters of salt and 31 of digest, each with its last one free of surplus bits.
        writeln!(file, "user{user:06}:$2y$12${user:021}.{user:030}.").unwrap();
    }
    file
}

/// Adds as many keys to a store that exists.
pub(crate) fn add_keys(store: &Path, keys: usize) {
    let mut store = Connection::open(store).unwrap();
    let change = store.transaction().unwrap();
    {
        let mut key = change
            .prepare(
                "INSERT INTO keys (id, name, realm, scopes, networks, created) \
                 VALUES (?1, 'key ' || ?1, 'intranet', 'staff', '', 0)",
            )
            .unwrap();
        let mut secret = change
            .prepare("INSERT INTO secrets (digest, key_id) VALUES (?1, ?2)")
            .unwrap();
        for number in 0..keys {
            let id = format!("{number:012}");
            key.execute([&id]).unwrap();
            let digest = Sha256::digest(&id);
            secret.execute((&digest[..], &id)).unwrap();
        }
    }
    change.commit().unwrap();
}
