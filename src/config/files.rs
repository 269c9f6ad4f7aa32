//! Whether the files that a configuration names can be used: read, and not by the wrong people.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::problem::{Problem, Problems};
use super::settings::Settings;

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
    what: "can be written by everybody on this machine; chmod o-w it",
};
const SECRET: Guard = Guard {
    forbidden: 0o027,
    what: "is open to others; chmod 0640 it, or less",
};

/// A file that the configuration names.
struct Named<'a> {
    section: &'a str,
    key: &'a str,
    path: &'a Path,
    guard: Guard,
    /// What to do if it isn't there.
    hint: &'a str,
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
        for realm in self.realms.values() {
            let section = &format!("realms.{}", realm.name);
            let hint = &format!("; \"htgate user set --realm {} NAME\" makes it", realm.name);
            let groups_hint = "; make it, with lines such as \"staff: alice bob\"";
            for (key, path, hint) in [
                ("htpasswd", &realm.htpasswd, hint.as_str()),
                ("groups", &realm.groups, groups_hint),
            ] {
                if let Some(path) = path {
                    let guard = TRUSTED;
                    self.hold(
                        &mut problems,
                        &Named {
                            section,
                            key,
                            path,
                            guard,
                            hint,
                        },
                    );
                }
            }
        }
        if let Some(path) = &self.api_keys.pepper_file {
            let (section, key, guard, hint) = ("api_keys", "pepper_file", SECRET, "");
            self.hold(
                &mut problems,
                &Named {
                    section,
                    key,
                    path,
                    guard,
                    hint,
                },
            );
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems.sorted())
        }
    }

    fn hold(&self, problems: &mut Problems, named: &Named<'_>) {
        let Named {
            section,
            key,
            path,
            guard,
            hint,
        } = named;
        let mut problem = |message: String| {
            let line = self.lines.get(&format!("{section}.{key}")).copied();
            problems.push(Problem {
                line: line.unwrap_or(0),
                place: self.file.display().to_string(),
                message: format!("[{section}] {key}: {message}"),
            });
        };
        if let Err(error) = File::open(path) {
            let hint = match error.kind() {
                io::ErrorKind::NotFound => hint,
                io::ErrorKind::PermissionDenied => "; let the user that runs htgate read it",
                _ => "",
            };
            problem(format!("can't read {}: {error}{hint}", path.display()));
        }
        if let Some(what) = guard.complaint(path) {
            problem(format!("{} {what}", path.display()));
        }
    }
}

impl Guard {
    fn complaint(self, path: &Path) -> Option<&'static str> {
        let mode = fs::metadata(path).map_or(0, |found| found.permissions().mode());
        (mode & self.forbidden != 0).then_some(self.what)
    }
}
