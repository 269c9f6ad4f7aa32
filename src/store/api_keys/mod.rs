//! API keys: what is known of each, and the SQLite file that keeps it.
//!
//! [`SqliteStore`] is the file as the key commands use it; [`ApiKeys`] is the same file as the
//! running service asks it, from memory where it can. Both may be open at once, in any number
//! of processes: a change is durable when the method that made it returns.
//!
//! Only digests of keys are kept ([`crate::identity::ApiKeyDigest`]).

pub mod error;
pub mod expiry;

mod commands;
mod edit;
mod last_use;
mod live;
mod open;
mod rows;
mod sqlite;

pub use commands::{Change, Changes, ImportedKey, NewKey};
pub use error::{KeyError, StoreError};
pub use expiry::{Expiry, InvalidExpiry, parse_span};
pub use live::{ApiKeys, Known};
pub use sqlite::SqliteStore;

#[cfg(test)]
mod tests;
