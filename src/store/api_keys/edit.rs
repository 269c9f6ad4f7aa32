//! What every change looks up and writes.

use jiff::Timestamp;

use super::backend::Rows;
use super::commands::NewKey;
use super::error::KeyError;
use super::key_store::KeyStore;
use crate::identity::Label;
use crate::identity::{ApiKeyDigest, ApiKeyId, Pepper};
use crate::identity::{ApiKeyRecord, KeyState};

/// A transaction under way. Nobody else changes keys meanwhile.
pub(super) struct Edit<'a> {
    pub(super) rows: &'a mut dyn Rows,
    pepper: Option<&'a Pepper>,
}

impl KeyStore {
    /// Does `work` in a transaction: all of it, durably, or nothing.
    pub(super) fn edit<T>(
        &mut self,
        work: impl FnOnce(&mut Edit<'_>) -> Result<T, KeyError>,
    ) -> Result<T, KeyError> {
        let (mut work, mut done) = (Some(work), None);
        let pepper = self.pepper.as_ref();
        self.backend.change(&mut |rows| {
            if let Some(place) = rows.moved_to()? {
                return Err(KeyError::Moved(place));
            }
            if let Some(work) = work.take() {
                done = Some(work(&mut Edit { rows, pepper })?);
            }
            Ok(())
        })?;
        done.ok_or(KeyError::Unknown)
    }
}

impl Edit<'_> {
    pub(super) fn key(&mut self, id_or_name: &str) -> Result<ApiKeyRecord, KeyError> {
        self.rows
            .by_id_or_name(id_or_name)?
            .ok_or(KeyError::Unknown)
    }

    pub(super) fn add(
        &mut self,
        new: NewKey,
        id: ApiKeyId,
        digest: &ApiKeyDigest,
        now: Timestamp,
    ) -> Result<ApiKeyRecord, KeyError> {
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
        self.rows.insert(std::slice::from_ref(&key))?;
        self.add_secret(&id, digest)?;
        self.key(id.as_str()) // with its times as they were kept
    }

    pub(super) fn add_secret(
        &mut self,
        id: &ApiKeyId,
        digest: &ApiKeyDigest,
    ) -> Result<(), KeyError> {
        let index = digest.index(self.pepper);
        if let Some(ApiKeyRecord { id, name, .. }) = self.rows.by_secret(&index)? {
            return Err(KeyError::Known { id, name });
        }
        Ok(self.rows.insert_secrets(&[(*id, (index, None))])?)
    }

    /// Refuses a name by which one could mean a key other than `id`.
    pub(super) fn refuse_taken(&mut self, name: &Label, id: &ApiKeyId) -> Result<(), KeyError> {
        match self.rows.by_id_or_name(name.as_str())? {
            Some(other) if other.id == *id => Ok(()),
            Some(other) if other.id.as_str() == name.as_str() => {
                Err(KeyError::NameIsId { name: name.clone() })
            }
            Some(ApiKeyRecord { id, name, .. }) => Err(KeyError::NameTaken { name, id }),
            None => Ok(()),
        }
    }

    pub(super) fn free_id(&mut self) -> Result<ApiKeyId, KeyError> {
        loop {
            let id = ApiKeyId::random()?;
            if self.is_free(&id)? {
                return Ok(id);
            }
        }
    }

    /// Whether no key has this id, as its id or as its name.
    pub(super) fn is_free(&mut self, id: &ApiKeyId) -> Result<bool, KeyError> {
        Ok(self.rows.is_free(id)?)
    }
}
