//! Users and groups, as files of htgate.

use std::{collections::BTreeMap, fmt::Write as _, fs};

use serde_json::Value;

use super::text;
use crate::harness::program::Htgate;

/// The password and group files of one realm.
#[derive(Default)]
pub(super) struct Accounts {
    pub(super) hashes: BTreeMap<String, String>,
    /// Group and member.
    pub(super) groups: Vec<(String, String)>,
}

impl Accounts {
    /// Adds users as the file's head lists them, except what a file cannot hold.
    pub(super) fn add(&mut self, users: &Value) {
        for user in users.as_array().into_iter().flatten() {
            let name = text(&user["name"]);
            if name.contains([':', '\n']) {
                continue;
            }
            self.set_password(name, text(&user["password"]));
            for group in user["groups"].as_array().into_iter().flatten().map(text) {
                if !group.contains(char::is_whitespace) {
                    self.groups.push((group.to_owned(), name.to_owned()));
                }
            }
        }
    }

    pub(super) fn set_password(&mut self, name: &str, password: &str) {
        self.hashes
            .insert(name.to_owned(), bcrypt::hash(password, 4).unwrap());
    }

    /// Replaces the files as an editor does, by renaming.
    pub(super) fn write(&self, htgate: &Htgate, realm: &str) {
        let (mut users, mut groups) = (String::new(), String::new());
        for (name, hash) in &self.hashes {
            writeln!(users, "{name}:{hash}").unwrap();
        }
        for (group, member) in &self.groups {
            writeln!(groups, "{group}: {member}").unwrap();
        }
        for (ending, contents) in [("htpasswd", users), ("groups", groups)] {
            let (path, new) = (
                htgate.path(&format!("{realm}.{ending}")),
                htgate.path("new"),
            );
            fs::write(&new, contents).unwrap();
            fs::rename(new, path).unwrap();
        }
    }
}
