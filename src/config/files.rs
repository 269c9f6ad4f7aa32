//! Whether the files that a configuration names can be used: read, and not by the wrong people.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::problem::{Problem, Problems};
use super::settings::{RealmSettings, Settings};
use crate::store::api_keys::PostgresUrl;
use crate::store::{Place, WRITABLE};

/// Who must not be able to do something with a file.
#[derive(Clone, Copy)]
struct Guard {
    /// The bits of a mode that let them.
    forbidden: u32,
    what: &'static str,
}

/// Whoever can write who may enter, may enter.
const TRUSTED: Guard = Guard {
    forbidden: 0o002,
    what: WRITABLE,
};
const SECRET: Guard = Guard {
    forbidden: 0o027,
    what: "is open to others; chmod 0640 it, or less",
};

/// A file that the configuration may name.
struct Named<'a> {
    section: String,
    key: &'static str,
    /// Nothing where the key isn't there.
    path: Option<&'a Path>,
    guard: Guard,
    /// What to do if it isn't there; nothing where it will be made.
    hint: Option<String>,
}

impl Settings {
    /// Whether the files that are named can be read, and are nobody else's to change; and the
    /// pepper nobody else's to read.
    ///
    /// # Errors
    /// All [`Problems`].
    pub fn usable(&self) -> Result<(), Problems> {
        let mut problems = Problems::default();
        if let Some(what) = TRUSTED.complaint(&self.file) {
            problems.push(Problem {
                line: 0,
                place: self.file.display().to_string(),
                message: what.to_owned(),
            });
        }
        for named in self.named_files() {
            for message in named.complaints() {
                let Named { section, key, .. } = &named;
                let line = self.lines.get(&format!("{section}.{key}")).copied();
                problems.push(Problem {
                    line: line.unwrap_or(0),
                    place: self.file.display().to_string(),
                    message: format!("[{section}] {key}: {message}"),
                });
            }
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems.sorted())
        }
    }

    fn named_files(&self) -> impl Iterator<Item = Named<'_>> {
        let of_realms = self.realms.values().flat_map(|realm| {
            let name = &realm.name;
            [
                Named {
                    section: format!("realms.{name}"),
                    key: "htpasswd",
                    path: realm.htpasswd.as_deref(),
                    guard: TRUSTED,
                    hint: Some(format!(
                        "; \"htgate user set --realm {name} NAME\" makes it"
                    )),
                },
                Named {
                    section: format!("realms.{name}"),
                    key: "groups",
                    path: realm.groups.as_deref(),
                    guard: TRUSTED,
                    hint: Some("; make it, with lines such as \"staff: alice bob\"".to_owned()),
                },
            ]
        });
        let keys = self.realms.values().any(RealmSettings::has_keys);
        let url = match &self.api_keys.store {
            Place::Postgres(url) if keys => Some(url),
            _ => None,
        };
        let store = |path, guard| Named {
            section: "api_keys".to_owned(),
            key: "store",
            path,
            guard,
            hint: Some(String::new()),
        };
        of_realms.chain([
            store(url.and_then(PostgresUrl::passfile), SECRET),
            store(url.and_then(PostgresUrl::sslkey), SECRET),
            store(url.and_then(PostgresUrl::sslrootcert), TRUSTED),
            Named {
                section: "api_keys".to_owned(),
                key: "store",
                path: self.api_keys.store.file().filter(|_| keys),
                guard: TRUSTED,
                hint: None,
            },
            Named {
                section: "api_keys".to_owned(),
                key: "pepper_file",
                path: self.api_keys.pepper_file.as_deref(),
                guard: SECRET,
                hint: Some(String::new()),
            },
        ])
    }
}

impl Named<'_> {
    fn complaints(&self) -> Vec<String> {
        let Some(path) = self.path else {
            return Vec::new();
        };
        let shown = path.display();
        let unreadable = self.hint.as_ref().and_then(|missing| {
            let error = File::open(path).err()?;
            let hint = match error.kind() {
                io::ErrorKind::NotFound => missing,
                io::ErrorKind::PermissionDenied => "; let the user that runs htgate read it",
                _ => "",
            };
            Some(format!("can't read {shown}: {error}{hint}"))
        });
        let complaint = self.guard.complaint(path);
        let open = complaint.map(|what| format!("{shown} {what}"));
        unreadable.into_iter().chain(open).collect()
    }
}

impl Guard {
    fn complaint(self, path: &Path) -> Option<&'static str> {
        let mode = fs::metadata(path).map_or(0, |found| found.permissions().mode());
        (mode & self.forbidden != 0).then_some(self.what)
    }
}
