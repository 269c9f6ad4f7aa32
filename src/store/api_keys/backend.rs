//! What a place that keeps keys must be able to do; the rest is the same for all.

use super::error::{KeyError, StoreError};
use crate::identity::{ApiKeyId, ApiKeyRecord};

/// The digest under which a secret is kept, keyed if there is a pepper.
pub(super) type Index = [u8; 32];

/// A secret of a key: its index, and when it ends, in milliseconds.
pub(super) type Secret = (Index, Option<i64>);

/// Some keys, and all their secrets.
pub(super) type Page = (Vec<ApiKeyRecord>, Vec<(ApiKeyId, Secret)>);

/// What is done in one transaction.
pub(super) type Work<'w> = dyn FnMut(&mut dyn Rows) -> Result<(), KeyError> + 'w;

/// An open connection to a store.
pub(super) trait Backend: Send {
    /// The rows as they are at each look.
    fn rows(&mut self) -> Box<dyn Rows + '_>;

    /// Does all of the work, durably, or nothing. Nobody else changes keys meanwhile.
    fn change(&mut self, work: &mut Work<'_>) -> Result<(), KeyError>;

    /// Writes when keys were last used, in milliseconds: a key at most once per minute, never an
    /// earlier time over a later one. Keys that are gone are passed over.
    fn write_last_used(&mut self, uses: &[(ApiKeyId, i64)]) -> Result<(), StoreError>;

    /// Whether another process has the store open, as far as can be told.
    fn is_shared(&mut self) -> bool;
}

/// Rows of a store. Reads are on their own or part of a change; writes are part of one.
pub(super) trait Rows {
    /// The key that has a secret, with that secret's end.
    fn by_secret(&mut self, index: &Index) -> Result<Option<ApiKeyRecord>, StoreError>;

    /// The key of this id, else the one of this name.
    fn by_id_or_name(&mut self, id_or_name: &str) -> Result<Option<ApiKeyRecord>, StoreError>;

    /// Each key, or each of one realm, oldest first, until `each` gives an error.
    fn each(
        &mut self,
        realm: Option<&str>,
        each: &mut dyn FnMut(ApiKeyRecord) -> Result<(), KeyError>,
    ) -> Result<(), KeyError>;

    /// How many keys there are.
    fn count(&mut self) -> Result<u64, StoreError>;

    /// Whether no key has this id, as its id or as its name.
    fn is_free(&mut self, id: &ApiKeyId) -> Result<bool, StoreError>;

    /// Writes records that are new.
    fn insert(&mut self, keys: &[ApiKeyRecord]) -> Result<(), StoreError>;

    /// Writes a record over the one of the same id.
    fn replace(&mut self, key: &ApiKeyRecord) -> Result<(), StoreError>;

    /// Writes secrets that are new, each with its key.
    fn insert_secrets(&mut self, secrets: &[(ApiKeyId, Secret)]) -> Result<(), StoreError>;

    /// Lets the secrets of a key end at this millisecond, if they don't sooner.
    fn end_secrets(&mut self, id: &ApiKeyId, at: i64) -> Result<(), StoreError>;

    /// Forgets a key and its secrets.
    fn delete(&mut self, id: &ApiKeyId) -> Result<(), StoreError>;

    /// The next keys after this one in the order of ids, a few thousand at most, and all their
    /// secrets.
    fn page(&mut self, after: Option<&ApiKeyId>) -> Result<Page, StoreError>;

    /// Forgets all keys.
    fn clear(&mut self) -> Result<(), StoreError>;

    /// Fingerprint of the pepper that the indexes are made with.
    fn pepper(&mut self) -> Result<Option<String>, StoreError>;

    fn set_pepper(&mut self, fingerprint: Option<&str>) -> Result<(), StoreError>;

    /// Where the keys were moved to. They are kept here no more, though they can be looked at.
    fn moved_to(&mut self) -> Result<Option<String>, StoreError>;

    fn set_moved_to(&mut self, place: Option<&str>) -> Result<(), StoreError>;
}
