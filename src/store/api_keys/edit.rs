//! One change to the file: a transaction, and what every change looks up in it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::commands::NewKey;
use super::error::{KeyError, StoreError};
use super::rows;
use super::sqlite::SqliteStore;
use crate::identity::Label;
use crate::identity::{ApiKeyDigest, ApiKeyId, Pepper};
use crate::identity::{ApiKeyRecord, KeyState};

/// A transaction under way. Nobody else changes the file meanwhile.
pub(super) struct Edit<'a> {
    pub(super) conn: &'a Connection,
    pepper: Option<&'a Pepper>,
}

/// Why a transaction is given up.
pub(super) enum Abort {
    Refused(KeyError),
    Sqlite(rusqlite::Error),
}

impl From<KeyError> for Abort {
    fn from(refused: KeyError) -> Self {
        Self::Refused(refused)
    }
}

impl From<rusqlite::Error> for Abort {
    fn from(fault: rusqlite::Error) -> Self {
        Self::Sqlite(fault)
    }
}

impl SqliteStore {
    /// Does `work` in a transaction: all of it, on the disk, or nothing.
    pub(super) fn edit<T>(
        &mut self,
        work: impl FnOnce(&Edit<'_>) -> Result<T, Abort>,
    ) -> Result<T, KeyError> {
        let outcome = self
            .conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(Abort::from)
            .and_then(|change| {
                let done = work(&Edit {
                    conn: &change,
                    pepper: self.pepper.as_ref(),
                })?;
                change.commit()?;
                Ok(done)
            });
        outcome.map_err(|abort| match abort {
            Abort::Refused(refused) => refused,
            Abort::Sqlite(fault) => StoreError::sqlite(&self.path, fault).into(),
        })
    }
}

impl Edit<'_> {
    pub(super) fn key(&self, id_or_name: &str) -> Result<ApiKeyRecord, Abort> {
        match rows::by_id_or_name(self.conn, id_or_name)? {
            Some(key) => Ok(key),
            None => Err(KeyError::Unknown.into()),
        }
    }

    pub(super) fn add(
        &self,
        new: NewKey,
        id: ApiKeyId,
        digest: &ApiKeyDigest,
        now: Timestamp,
    ) -> Result<ApiKeyRecord, Abort> {
        self.refuse_taken(&new.name, &id)?;
        let key = ApiKeyRecord {
            id,
            name: new.name,
            realm: new.realm,
            owner: new.owner,
            scopes: new.scopes,
            networks: new.networks,
            created: now,
            expires: new.expires,
            state: KeyState::Active,
            last_used: None,
            secret_not_after: None,
        };
        rows::insert(self.conn, &key)?;
        self.add_secret(&id, digest)?;
        self.key(id.as_str()) // with its times as they were kept
    }

    pub(super) fn add_secret(&self, id: &ApiKeyId, digest: &ApiKeyDigest) -> Result<(), Abort> {
        let index = digest.index(self.pepper);
        if let Some(ApiKeyRecord { id, name, .. }) = rows::by_secret(self.conn, &index)? {
            return Err(KeyError::Known { id, name }.into());
        }
        self.conn.execute(
            "INSERT INTO secrets (digest, key_id) VALUES (?1, ?2)",
            (index, id.as_str()),
        )?;
        Ok(())
    }

    /// Refuses a name by which one could mean a key other than `id`.
    pub(super) fn refuse_taken(&self, name: &Label, id: &ApiKeyId) -> Result<(), Abort> {
        match rows::by_id_or_name(self.conn, name.as_str())? {
            Some(other) if other.id == *id => Ok(()),
            Some(other) if other.id.as_str() == name.as_str() => {
                Err(KeyError::NameIsId { name: name.clone() }.into())
            }
            Some(ApiKeyRecord { id, name, .. }) => Err(KeyError::NameTaken { name, id }.into()),
            None => Ok(()),
        }
    }

    pub(super) fn free_id(&self) -> Result<ApiKeyId, Abort> {
        loop {
            let id = ApiKeyId::random().map_err(KeyError::from)?;
            if self.is_free(&id)? {
                return Ok(id);
            }
        }
    }

    /// Whether no key has this id, as its id or as its name.
    pub(super) fn is_free(&self, id: &ApiKeyId) -> Result<bool, Abort> {
        let taken = self
            .conn
            .query_row(
                "SELECT 1 FROM keys WHERE id = ?1 OR name = ?1",
                [id.as_str()],
                |_| Ok(()),
            )
            .optional()?;
        Ok(taken.is_none())
    }
}
