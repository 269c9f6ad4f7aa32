//! From rows of a database to records.

use std::error::Error;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::Url;
use crate::identity::ApiKeyId;
use crate::identity::ApiKeyRecord;
use crate::identity::Label;
use crate::identity::ScopeSet;
use crate::store::api_keys::Place;
use crate::store::api_keys::backend::Index;
use crate::store::api_keys::error::StoreError;
use crate::store::api_keys::stored::{columns, networks};

/// Asks for the key that has a secret, with that secret's end. One look in each of two indexes.
pub(super) const BY_SECRET: &str = concat!(
    "SELECT ",
    columns!(),
    ", s.not_after, s.digest FROM htgate.secrets s JOIN htgate.keys k ON k.id = s.key_id \
     WHERE s.digest = $1"
);

/// The record that [`BY_SECRET`] has found.
pub(super) fn found(url: &Url, row: &Row, index: &Index) -> Result<ApiKeyRecord, StoreError> {
    let read = Read { url, row };
    // SECURITY: a damaged index may lead to another digest's row.
    if read.get::<&[u8]>(11)? != index {
        return Err(read.damaged("an index leads to another key"));
    }
    record(url, row)
}

pub(super) fn record(url: &Url, row: &Row) -> Result<ApiKeyRecord, StoreError> {
    let read = Read { url, row };
    Ok(ApiKeyRecord {
        id: read.parsed(0, ApiKeyId::parse)?,
        name: read.parsed(1, Label::parse)?,
        realm: read.get(2)?,
        owner: match read.get::<Option<&str>>(3)? {
            Some(owner) => Some(Label::parse(owner).map_err(|fault| read.damaged(fault))?),
            None => None,
        },
        scopes: read.parsed(4, str::parse::<ScopeSet>)?,
        networks: read.parsed(5, networks)?,
        created: read.instant(read.get(6)?)?,
        expires: read.time(7)?,
        state: read.time(8)?.into(),
        last_used: read.time(9)?,
        secret_not_after: read.time(10)?,
    })
}

/// Reads a row whose content must make sense.
pub(super) struct Read<'r> {
    pub(super) url: &'r Url,
    pub(super) row: &'r Row,
}

impl<'r> Read<'r> {
    pub(super) fn get<T: FromSql<'r>>(&self, column: usize) -> Result<T, StoreError> {
        self.row
            .try_get(column)
            .map_err(|fault| self.damaged(fault))
    }

    pub(super) fn parsed<T, E: Error>(
        &self,
        column: usize,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        parse(self.get(column)?).map_err(|fault| self.damaged(fault))
    }

    fn time(&self, column: usize) -> Result<Option<Timestamp>, StoreError> {
        let millisecond: Option<i64> = self.get(column)?;
        millisecond.map(|at| self.instant(at)).transpose()
    }

    fn instant(&self, millisecond: i64) -> Result<Timestamp, StoreError> {
        Timestamp::from_millisecond(millisecond).map_err(|fault| self.damaged(fault))
    }

    pub(super) fn damaged(&self, what: impl std::fmt::Display) -> StoreError {
        StoreError::Damaged {
            place: Place::Postgres(self.url.clone()),
            what: what.to_string(),
        }
    }
}
