//! A store of keys as the key commands use it, wherever it is.

use super::backend::{Backend, Rows};
use super::error::{KeyError, PepperFault, StoreError};
use super::place::Place;
use crate::identity::ApiKeyRecord;
use crate::identity::{ApiKeyDigest, Pepper};

/// A store of keys, opened by a command.
///
/// Here it is opened and asked; how it is changed is in `commands.rs`.
pub struct KeyStore {
    pub(super) place: Place,
    pub(super) backend: Box<dyn Backend>,
    pub(super) pepper: Option<Pepper>,
}

impl KeyStore {
    /// Opens the store, or makes it. A new file has mode 0600 and, when made by root, belongs to
    /// the owner of its folder, so that a service that runs as that user can use it; in a
    /// database, the tables are made.
    ///
    /// # Errors
    /// [`StoreError`], naming the store and what to do.
    pub fn open(place: &Place, pepper: Option<Pepper>) -> Result<Self, StoreError> {
        let mut backend = place.make()?;
        let fingerprint = pepper.as_ref().map(Pepper::fingerprint);
        agree_on_pepper(backend.as_mut(), place, fingerprint.as_deref())?;
        Ok(Self {
            place: place.clone(),
            backend,
            pepper,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether another process has the store open, as far as can be told.
    #[must_use]
    pub fn is_shared(&mut self) -> bool {
        self.backend.is_shared()
    }

    /// Where the keys were moved to, if they are kept here no more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn moved_to(&mut self) -> Result<Option<String>, StoreError> {
        self.backend.rows().moved_to()
    }

    /// Looks for the key with this digest, by its current secret or a rotated one.
    ///
    /// # Errors
    /// [`StoreError`] when the store can't be read or its content makes no sense.
    pub fn find(&mut self, digest: &ApiKeyDigest) -> Result<Option<ApiKeyRecord>, StoreError> {
        let index = digest.index(self.pepper.as_ref());
        self.backend.rows().by_secret(&index)
    }
}

/// Keys stored under one pepper are never found under another. Better said than puzzled over.
pub(super) fn agree_on_pepper(
    backend: &mut dyn Backend,
    place: &Place,
    configured: Option<&str>,
) -> Result<(), StoreError> {
    // Who only reads is told as well: it is looked at before anything is locked, and after.
    let agreed = |rows: &mut dyn Rows| {
        let found = rows.pepper()?;
        if found.as_deref() == configured {
            return Ok(true);
        }
        if rows.page(None)?.0.is_empty() {
            return Ok(false);
        }
        Err(StoreError::Pepper {
            place: place.clone(),
            fault: match (found, configured) {
                (Some(_), None) => PepperFault::Missing,
                (None, _) => PepperFault::Unexpected,
                (Some(_), Some(_)) => PepperFault::Other,
            },
        })
    };
    if agreed(backend.rows().as_mut())? {
        return Ok(());
    }
    let agreed = backend.change(&mut |rows| {
        if !agreed(rows)? {
            rows.set_pepper(configured)?;
        }
        Ok(())
    });
    agreed.map_err(|error| match error {
        KeyError::Store(error) => error,
        other => StoreError::Damaged {
            place: place.clone(),
            what: other.to_string(),
        },
    })
}
