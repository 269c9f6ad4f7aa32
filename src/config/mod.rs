//! The configuration: `htgate.toml`, with `HTGATE_` environment variables laid over it.
//!
//! Three steps. The file alone is held against the [`schema`], which finds every unknown key and
//! wrong type and knows the line of each. The `config` crate lays the environment over it. What
//! the values mean, and whether they fit together, is found out last (`settings`). No step
//! stops at the first problem.

mod document;
mod duration;
mod files;
mod problem;
mod raw;
mod reader;
pub mod schema;
mod settings;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use document::Document;
pub use problem::{Problem, Problems};
pub use settings::{
    Admin, ApiKeySettings, Cache, Listen, Log, LogFormat, PolicySettings, RealmSettings,
    RuleSettings, Server, Settings,
};

/// Where the configuration is looked for when nobody says.
const DEFAULT_PATH: &str = "/etc/htgate/htgate.toml";

/// Where a configuration comes from.
#[derive(Clone, Debug)]
pub struct Source {
    path: PathBuf,
    env: BTreeMap<String, String>,
}

impl Source {
    /// The file that is named, else the one that `HTGATE_CONFIG` names, else
    /// `/etc/htgate/htgate.toml`; with the process's environment over it.
    #[must_use]
    pub fn locate(named: Option<PathBuf>) -> Self {
        let path = named
            .or_else(|| std::env::var_os("HTGATE_CONFIG").map(PathBuf::from))
            .unwrap_or_else(|| DEFAULT_PATH.into());
        // `HTGATE_CONFIG` is no key: those have a section and `__`.
        let env = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let ours = name.starts_with("HTGATE_") && name.contains("__");
            ours.then(|| (name, value.to_string_lossy().into_owned()))
        });
        Self {
            env: env.collect(),
            ..Self::file(&path)
        }
    }

    /// A file without any environment.
    #[must_use]
    pub fn file(path: &Path) -> Self {
        Self {
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            env: BTreeMap::new(),
        }
    }

    /// The same with these variables over it.
    #[must_use]
    pub fn with_env(mut self, env: &[(&str, &str)]) -> Self {
        let owned = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.env.extend(owned);
        self
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file without links on the way to it: what tells one configuration from another.
    #[must_use]
    pub fn identity(&self) -> PathBuf {
        fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone())
    }

    /// Reads it all. Besides the settings there may be advice: what is odd, but no mistake.
    ///
    /// # Errors
    /// All [`Problems`] there are.
    pub fn load(&self) -> Result<(Settings, Vec<String>), Problems> {
        let text = fs::read_to_string(&self.path).map_err(|error| {
            Problems::one(
                &self.path,
                format!(
                    "the configuration can't be read: {error}; --config FILE or HTGATE_CONFIG name another one"
                ),
            )
        })?;
        let mut problems = Problems::default();
        let document = Document::parse(&self.path, &text, &self.env, &mut problems)?;
        let raw = document.layered(&text, &mut problems);
        let settings = match raw {
            Some(raw) => reader::Reader::new(&document, &mut problems).read(&raw),
            None => None,
        };
        match settings {
            Some(done) if problems.is_empty() => Ok(done),
            _ => Err(problems.sorted()),
        }
    }
}

#[cfg(test)]
mod tests;
