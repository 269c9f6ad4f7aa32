//! API keys: what is known of each, and the stores that keep it.
//!
//! [`KeyStore`] is a store as the key commands use it; [`ApiKeys`] is the same store as the running
//! service asks it, from memory where it can. Any number of both may be open at once: a change is
//! durable when the method that made it returns.
//!
//! A store is a `Backend`: one SQLite file, or a PostgreSQL database for several machines. Only
//! digests of keys are kept ([`crate::identity::ApiKeyDigest`]).

use std::sync::atomic;

pub mod error;
pub mod expiry;

mod backend;
mod commands;
mod edit;
mod freshness;
mod key_store;
mod last_use;
mod live;
mod migrate;
mod place;
mod postgres;
mod sqlite;
mod stored;
mod versions;

pub use commands::{Change, Changes, ImportedKey, NewKey};
pub use error::{KeyError, StoreError};
pub use expiry::{Expiry, InvalidExpiry, parse_span};
pub use key_store::KeyStore;
pub use live::{ApiKeys, Known};
pub use place::{InvalidPlace, Place};
pub use postgres::{InvalidUrl, Url as PostgresUrl};

#[cfg(test)]
mod tests;
