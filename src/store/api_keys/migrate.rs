//! Moving all keys from one store to another.
//!
//! Nobody can change keys in either store meanwhile. Afterwards the old one takes no changes any
//! more: a key revoked there would come back with the new store, and a key made there be lost.

use super::error::KeyError;
use super::key_store::KeyStore;
use crate::identity::Pepper;

impl KeyStore {
    /// Moves all keys to another store, which must be opened with the same pepper: records, ids,
    /// secrets and last uses. Returns how many.
    ///
    /// The other store must be empty, or one that keys were moved away from; what is left there
    /// is replaced.
    ///
    /// # Errors
    /// [`KeyError::Occupied`] when the other store holds keys of its own, [`KeyError::Moved`] when
    /// these here are not kept here any more, or trouble with either store. Unless the connection
    /// was lost at the very end, no key was moved.
    pub fn move_to(&mut self, other: &mut Self) -> Result<u64, KeyError> {
        let there = other.place.clone();
        let pepper = self.pepper.as_ref().map(Pepper::fingerprint);
        let mut moved = 0;
        self.backend.change(&mut |from| {
            if let Some(place) = from.moved_to()? {
                return Err(KeyError::Moved(place));
            }
            from.set_moved_to(Some(&there.setting()))?;
            other.backend.change(&mut |to| {
                let left = to.moved_to()?.is_some();
                if !left && to.count()? > 0 {
                    return Err(KeyError::Occupied(there.clone()));
                }
                to.clear()?;
                to.set_moved_to(None)?;
                to.set_pepper(pepper.as_deref())?;
                let mut last = None;
                loop {
                    let (keys, secrets) = from.page(last.as_ref())?;
                    let Some(key) = keys.last() else { break };
                    last = Some(key.id);
                    to.insert(&keys)?;
                    to.insert_secrets(&secrets)?;
                    moved += keys.len() as u64;
                }
                let there_are = from.count()?;
                if moved != there_are {
                    return Err(KeyError::Incomplete { moved, there_are });
                }
                Ok(())
            })
        })?;
        Ok(moved)
    }
}
