//! Where keys are kept: a file, or a database server.

use std::fmt;
use std::path::{Path, PathBuf};

use super::backend::Backend;
use super::error::StoreError;
use super::postgres::{Database, InvalidUrl, Tables, Url};
use super::sqlite::{self, SqliteFile};

/// Where keys are kept. Shown without any secret.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// In a file, on this machine.
    Sqlite(PathBuf),
    /// In PostgreSQL, for any number of machines.
    Postgres(Url),
}

impl Place {
    /// Takes `sqlite:FILE` or a `postgres://` URL. `absolute` makes the paths in them absolute.
    ///
    /// # Errors
    /// [`InvalidPlace`], which says what would be right and holds no secret.
    pub fn parse(raw: &str, absolute: impl Fn(&str) -> PathBuf) -> Result<Self, InvalidPlace> {
        match raw.split_once(':') {
            Some(("sqlite", file)) if !file.is_empty() => Ok(Self::Sqlite(absolute(file))),
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(Url::parse(raw, absolute)?)),
            _ => Err(InvalidPlace::Scheme),
        }
    }

    /// The file, if it is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(file) => Some(file),
            Self::Postgres(_) => None,
        }
    }

    /// What `store` in `[api_keys]` says, but for a password and other parameters.
    #[must_use]
    pub fn setting(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
            Self::Postgres(url) => url.to_string(),
        }
    }

    /// By what two processes can tell that they mean the same store. A server has many names and
    /// roles, a database has one name.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::Sqlite(_) => self.setting(),
            Self::Postgres(url) => format!("postgres:{}", url.database().unwrap_or_default()),
        }
    }

    /// Opens the store, made if it isn't there, and brings it to the present format.
    pub(super) fn make(&self) -> Result<Box<dyn Backend>, StoreError> {
        Ok(match self {
            Self::Sqlite(file) => {
                sqlite::create_if_missing(file)?;
                Box::new(SqliteFile::connect(file, sqlite::WRITE_PATIENCE)?)
            }
            Self::Postgres(url) => Box::new(Database::connect(url, Tables::Made)?),
        })
    }

    /// Opens a store that is there, and brings it to the present format.
    pub(super) fn connect(&self) -> Result<Box<dyn Backend>, StoreError> {
        Ok(match self {
            Self::Sqlite(file) => Box::new(SqliteFile::connect(file, sqlite::WRITE_PATIENCE)?),
            Self::Postgres(url) => Box::new(Database::connect(url, Tables::Expected)?),
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => file.display().fmt(out),
            Self::Postgres(url) => url.fmt(out),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// Why a text names no place for keys.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPlace {
    /// Neither kind.
    #[error("must be \"sqlite:FILE\" or \"postgres://user@host/database\"")]
    Scheme,
    /// A URL that is wrong.
    #[error(transparent)]
    Url(#[from] InvalidUrl),
}
