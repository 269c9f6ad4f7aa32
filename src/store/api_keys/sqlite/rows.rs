//! The rows of the file: read into records, and written.

use std::error::Error;
use std::path::Path;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, ffi, named_params, params};

use super::fault::fault;
use crate::identity::ApiKeyId;
use crate::identity::ApiKeyRecord;
use crate::identity::Label;
use crate::identity::ScopeSet;
use crate::store::api_keys::backend::{Index, Page, Rows, Secret};
use crate::store::api_keys::error::{KeyError, StoreError};
use crate::store::api_keys::stored::{columns, networks, networks_text};

/// So many keys make a page.
const PAGE: u32 = 1000;

/// The rows as one connection sees them, of the file at a path.
pub(super) struct FileRows<'a> {
    pub(super) conn: &'a Connection,
    pub(super) path: &'a Path,
}

/// The key that has a secret, with that secret's end.
pub(super) fn by_secret(
    conn: &Connection,
    index: &Index,
) -> rusqlite::Result<Option<ApiKeyRecord>> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        ", s.not_after, s.digest FROM secrets s JOIN keys k ON k.id = s.key_id WHERE s.digest = ?1"
    );
    let found = |row: &Row<'_>| {
        // SECURITY: in a tree that is damaged but looks sound, such as after a write that went
        // to the wrong page, SQLite may come back with the row of another digest.
        if row.get_ref(11)?.as_blob() != Ok(index.as_slice()) {
            let corrupt = ffi::Error::new(ffi::SQLITE_CORRUPT);
            return Err(rusqlite::Error::SqliteFailure(corrupt, None));
        }
        record(row)
    };
    conn.prepare_cached(sql)?
        .query_row([index], found)
        .optional()
}

impl FileRows<'_> {
    fn told<T>(&self, outcome: rusqlite::Result<T>) -> Result<T, StoreError> {
        outcome.map_err(|source| fault(self.path, source))
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, StoreError> {
        let found = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut query| query.query_row(params, read).optional());
        self.told(found)
    }

    fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let found = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut query| query.query_map(params, read)?.collect());
        self.told(found)
    }

    fn run(&self, sql: &str, params: impl rusqlite::Params) -> Result<(), StoreError> {
        let done = self
            .conn
            .prepare_cached(sql)
            .and_then(|mut change| change.execute(params));
        self.told(done.map(drop))
    }

    fn write(&self, key: &ApiKeyRecord, sql: &str) -> Result<(), StoreError> {
        let params: &[(&str, &dyn ToSql)] = named_params! {
            ":id": key.id.as_str(),
            ":name": key.name.as_str(),
            ":realm": key.realm,
            ":owner": key.owner.as_ref().map(Label::as_str),
            ":scopes": key.scopes.to_string(),
            ":networks": networks_text(&key.networks),
            ":created": key.created.as_millisecond(),
            ":expires": key.expires.map(Timestamp::as_millisecond),
            ":revoked": key.state.revoked().map(Timestamp::as_millisecond),
            ":last_used": key.last_used.map(Timestamp::as_millisecond),
        };
        self.run(sql, params)
    }
}

impl Rows for FileRows<'_> {
    fn by_secret(&mut self, index: &Index) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.told(by_secret(self.conn, index))
    }

    fn by_id_or_name(&mut self, id_or_name: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            ", NULL FROM keys k WHERE k.id = ?1 OR k.name = ?1 ORDER BY k.id = ?1 DESC LIMIT 1"
        );
        self.one(sql, [id_or_name], record)
    }

    fn each(
        &mut self,
        realm: Option<&str>,
        each: &mut dyn FnMut(ApiKeyRecord) -> Result<(), KeyError>,
    ) -> Result<(), KeyError> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            ", NULL FROM keys k WHERE ?1 IS NULL OR k.realm = ?1 ORDER BY k.created, k.rowid"
        );
        let mut query = self.told(self.conn.prepare(sql))?;
        let mut rows = self.told(query.query([realm]))?;
        while let Some(row) = self.told(rows.next())? {
            each(self.told(record(row))?)?;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<u64, StoreError> {
        let count = self.one("SELECT count(*) FROM keys", [], |row| row.get::<_, i64>(0))?;
        Ok(count.unwrap_or_default().unsigned_abs())
    }

    fn is_free(&mut self, id: &ApiKeyId) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM keys WHERE id = ?1 OR name = ?1";
        Ok(self.one(sql, [id.as_str()], |_| Ok(()))?.is_none())
    }

    fn insert(&mut self, keys: &[ApiKeyRecord]) -> Result<(), StoreError> {
        keys.iter().try_for_each(|key| {
            self.write(
                key,
                "INSERT INTO keys
                    (id, name, realm, owner, scopes, networks, created, expires, revoked, last_used)
                 VALUES (:id, :name, :realm, :owner, :scopes, :networks, :created, :expires,
                    :revoked, :last_used)",
            )
        })
    }

    fn replace(&mut self, key: &ApiKeyRecord) -> Result<(), StoreError> {
        self.write(
            key,
            "UPDATE keys SET name = :name, realm = :realm, owner = :owner, scopes = :scopes,
                networks = :networks, created = :created, expires = :expires, revoked = :revoked,
                last_used = :last_used
             WHERE id = :id",
        )
    }

    fn insert_secrets(&mut self, secrets: &[(ApiKeyId, Secret)]) -> Result<(), StoreError> {
        let sql = "INSERT INTO secrets (digest, key_id, not_after) VALUES (?1, ?2, ?3)";
        secrets
            .iter()
            .try_for_each(|(id, (index, end))| self.run(sql, params![index, id.as_str(), end]))
    }

    fn end_secrets(&mut self, id: &ApiKeyId, at: i64) -> Result<(), StoreError> {
        let sql = "UPDATE secrets SET not_after = min(ifnull(not_after, ?2), ?2) WHERE key_id = ?1";
        self.run(sql, params![id.as_str(), at])
    }

    fn delete(&mut self, id: &ApiKeyId) -> Result<(), StoreError> {
        self.run("DELETE FROM secrets WHERE key_id = ?1", [id.as_str()])?;
        self.run("DELETE FROM keys WHERE id = ?1", [id.as_str()])
    }

    fn page(&mut self, after: Option<&ApiKeyId>) -> Result<Page, StoreError> {
        let after = after.map_or("", ApiKeyId::as_str);
        let sql = concat!(
            "SELECT ",
            columns!(),
            ", NULL FROM keys k WHERE k.id > ?1 ORDER BY k.id LIMIT ?2"
        );
        let keys = self.all(sql, params![after, PAGE], record)?;
        let last = keys.last().map_or(after, |key| key.id.as_str());
        let secrets = self.all(
            "SELECT key_id, digest, not_after FROM secrets WHERE key_id > ?1 AND key_id <= ?2",
            [after, last],
            |row| {
                let id = text(row, 0, ApiKeyId::parse)?;
                Ok((id, (row.get(1)?, row.get(2)?)))
            },
        )?;
        Ok((keys, secrets))
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.run("DELETE FROM secrets", [])?;
        self.run("DELETE FROM keys", [])
    }

    fn pepper(&mut self) -> Result<Option<String>, StoreError> {
        let found = self.one("SELECT pepper FROM store", [], |row| row.get(0))?;
        Ok(found.flatten())
    }

    fn set_pepper(&mut self, fingerprint: Option<&str>) -> Result<(), StoreError> {
        self.run("UPDATE store SET pepper = ?1", [fingerprint])
    }

    fn moved_to(&mut self) -> Result<Option<String>, StoreError> {
        let found = self.one("SELECT moved_to FROM store", [], |row| row.get(0))?;
        Ok(found.flatten())
    }

    fn set_moved_to(&mut self, place: Option<&str>) -> Result<(), StoreError> {
        self.run("UPDATE store SET moved_to = ?1", [place])
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<ApiKeyRecord> {
    Ok(ApiKeyRecord {
        id: text(row, 0, ApiKeyId::parse)?,
        name: text(row, 1, Label::parse)?,
        realm: row.get(2)?,
        owner: match row.get::<_, Option<String>>(3)? {
            Some(owner) => Some(Label::parse(&owner).map_err(|fault| unreadable(3, fault))?),
            None => None,
        },
        scopes: text(row, 4, str::parse::<ScopeSet>)?,
        networks: text(row, 5, networks)?,
        created: instant(6, row.get(6)?)?,
        expires: time(row, 7)?,
        state: time(row, 8)?.into(),
        last_used: time(row, 9)?,
        secret_not_after: time(row, 10)?,
    })
}

fn text<T, E: Error + Send + Sync + 'static>(
    row: &Row<'_>,
    column: usize,
    parse: impl Fn(&str) -> Result<T, E>,
) -> rusqlite::Result<T> {
    parse(&row.get::<_, String>(column)?).map_err(|fault| unreadable(column, fault))
}

fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?
        .map(|millisecond| instant(column, millisecond))
        .transpose()
}

fn instant(column: usize, millisecond: i64) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(millisecond).map_err(|fault| unreadable(column, fault))
}

fn unreadable(column: usize, fault: impl Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(fault))
}
