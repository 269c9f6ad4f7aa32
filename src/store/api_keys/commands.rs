//! What an operator does with keys. Each change is one transaction, durable when it returns.

use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;

use super::error::{KeyError, StoreError};
use super::key_store::KeyStore;
use crate::identity::Label;
use crate::identity::ScopeSet;
use crate::identity::{ApiKey, ApiKeyDigest, ApiKeyId, Form, Prefix};
use crate::identity::{ApiKeyRecord, KeyState};

/// The shortest plaintext that is imported.
const MIN_IMPORT_LEN: usize = 20;

/// What an operator says of a new key; the rest is given to it.
#[derive(Clone, Debug)]
pub struct NewKey {
    /// A name that no other key of the store has.
    pub name: Label,
    /// The realm that accepts the key.
    pub realm: String,
    /// Whom the key acts for.
    pub owner: Option<Label>,
    /// What it may be used for.
    pub scopes: ScopeSet,
    /// Where it may be used from; empty: anywhere.
    pub networks: Vec<IpNet>,
    /// When it ends; kept to the millisecond.
    pub expires: Option<Timestamp>,
}

/// A key that was made elsewhere.
#[derive(Debug)]
pub enum ImportedKey {
    /// The key itself.
    Plaintext(ApiKey),
    /// Its SHA-256.
    Digest(ApiKeyDigest),
}

/// What to change of a key; what is `None` or [`Change::Keep`] stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The new name.
    pub name: Option<Label>,
    /// The new owner.
    pub owner: Change<Label>,
    /// The new scopes, in place of all old ones.
    pub scopes: Option<ScopeSet>,
    /// The new networks, in place of all old ones.
    pub networks: Option<Vec<IpNet>>,
    /// The new end, which may be past.
    pub expires: Change<Timestamp>,
}

/// What becomes of a value that may be absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays.
    #[default]
    Keep,
    /// There is none any more.
    Remove,
    /// It is replaced.
    Set(T),
}

impl KeyStore {
    /// Makes a key. The key itself is nowhere but in the answer.
    ///
    /// # Errors
    /// [`KeyError`] when the name is taken, the end is past, or the store is in trouble.
    pub fn create(
        &mut self,
        new: NewKey,
        prefix: &Prefix,
        now: Timestamp,
    ) -> Result<(ApiKeyRecord, ApiKey), KeyError> {
        if new.expires.is_some_and(|end| end <= now) {
            return Err(KeyError::Expired);
        }
        self.edit(|edit| {
            let id = edit.free_id()?;
            let key = ApiKey::generate_for(prefix, &id)?;
            let record = edit.add(new, id, &key.digest(), now)?;
            Ok((record, key))
        })
    }

    /// Takes a key that was made elsewhere. It may have ended already.
    ///
    /// # Errors
    /// [`KeyError`] when the name is taken, the key is stored already, mistyped or too short,
    /// or the store is in trouble.
    pub fn import(
        &mut self,
        new: NewKey,
        key: &ImportedKey,
        prefix: &Prefix,
        now: Timestamp,
    ) -> Result<ApiKeyRecord, KeyError> {
        let (digest, own_id) = match key {
            ImportedKey::Digest(digest) => (*digest, None),
            ImportedKey::Plaintext(key) => (key.digest(), id_inside(key, prefix)?),
        };
        self.edit(|edit| {
            let id = match own_id {
                Some(id) if edit.is_free(&id)? => id,
                _ => edit.free_id()?,
            };
            edit.add(new, id, &digest, now)
        })
    }

    /// Gives each key, or each of one realm, oldest first, as it is read.
    ///
    /// # Errors
    /// What `each` gives, or trouble with the store.
    pub fn each(
        &mut self,
        realm: Option<&str>,
        mut each: impl FnMut(ApiKeyRecord) -> Result<(), KeyError>,
    ) -> Result<(), KeyError> {
        self.backend.rows().each(realm, &mut each)
    }

    /// How many keys there are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn count(&mut self) -> Result<u64, StoreError> {
        self.backend.rows().count()
    }

    /// The key with this id or name.
    ///
    /// # Errors
    /// [`KeyError::Unknown`] when there is none, or trouble with the store.
    pub fn get(&mut self, id_or_name: &str) -> Result<ApiKeyRecord, KeyError> {
        let found = self.backend.rows().by_id_or_name(id_or_name)?;
        found.ok_or(KeyError::Unknown)
    }

    /// Changes what is known of a key.
    ///
    /// # Errors
    /// [`KeyError`] when there is no such key, the name is taken, or the store is in trouble.
    pub fn update(&mut self, id_or_name: &str, changes: Changes) -> Result<ApiKeyRecord, KeyError> {
        self.edit(|edit| {
            let mut key = edit.key(id_or_name)?;
            if let Some(name) = changes.name {
                edit.refuse_taken(&name, &key.id)?;
                key.name = name;
            }
            changes.owner.apply(&mut key.owner);
            key.scopes = changes.scopes.unwrap_or(key.scopes);
            key.networks = changes.networks.unwrap_or(key.networks);
            changes.expires.apply(&mut key.expires);
            edit.rows.replace(&key)?;
            edit.key(key.id.as_str())
        })
    }

    /// Gives a key a new secret. The older ones count for the grace period at most.
    ///
    /// # Errors
    /// [`KeyError`] when there is no such key, it was revoked, or the store is in trouble.
    pub fn rotate(
        &mut self,
        id_or_name: &str,
        prefix: &Prefix,
        grace: Duration,
        now: Timestamp,
    ) -> Result<(ApiKeyRecord, ApiKey), KeyError> {
        self.edit(|edit| {
            let record = edit.key(id_or_name)?;
            if record.state != KeyState::Active {
                return Err(KeyError::Revoked(record.id));
            }
            let end = now.checked_add(grace).unwrap_or(Timestamp::MAX);
            edit.rows.end_secrets(&record.id, end.as_millisecond())?;
            let key = ApiKey::generate_for(prefix, &record.id)?;
            edit.add_secret(&record.id, &key.digest())?;
            Ok((record, key))
        })
    }

    /// Revokes a key for good. One that was revoked before stays as it is.
    ///
    /// # Errors
    /// [`KeyError`] when there is no such key, or the store is in trouble.
    pub fn revoke(&mut self, id_or_name: &str, now: Timestamp) -> Result<ApiKeyRecord, KeyError> {
        self.edit(|edit| {
            let mut key = edit.key(id_or_name)?;
            if key.state == KeyState::Active {
                key.state = KeyState::Revoked { at: now };
                edit.rows.replace(&key)?;
            }
            edit.key(key.id.as_str())
        })
    }

    /// Forgets a key, its secrets and its name.
    ///
    /// # Errors
    /// [`KeyError`] when there is no such key, or the store is in trouble.
    pub fn delete(&mut self, id_or_name: &str) -> Result<ApiKeyRecord, KeyError> {
        self.edit(|edit| {
            let key = edit.key(id_or_name)?;
            edit.rows.delete(&key.id)?;
            Ok(key)
        })
    }
}

impl<T> Change<T> {
    fn apply(self, value: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Remove => *value = None,
            Self::Set(new) => *value = Some(new),
        }
    }
}

/// The id that a key to be imported carries, if it is one of our own pattern.
fn id_inside(key: &ApiKey, prefix: &Prefix) -> Result<Option<ApiKeyId>, KeyError> {
    let len = key.expose_secret().len();
    match key.form(prefix) {
        Form::Ours(id) => Ok(Some(id)),
        Form::Mistyped => Err(KeyError::Mistyped),
        Form::Foreign if len < MIN_IMPORT_LEN => Err(KeyError::Guessable(len)),
        Form::Foreign => Ok(None),
    }
}
