//! Between rows of the file and records.

use std::error::Error;

use ipnet::IpNet;
use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, ToSql, ffi, named_params};

use crate::identity::ApiKeyId;
use crate::identity::Label;
use crate::identity::ScopeSet;
use crate::identity::{ApiKeyRecord, KeyState};

/// The columns of [`record`], in its order.
macro_rules! columns {
    () => {
        "k.id, k.name, k.realm, k.owner, k.scopes, k.networks, \
         k.created, k.expires, k.revoked, k.last_used"
    };
}

pub(super) fn by_secret(
    conn: &Connection,
    index: &[u8; 32],
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

pub(super) fn by_id_or_name(
    conn: &Connection,
    id_or_name: &str,
) -> rusqlite::Result<Option<ApiKeyRecord>> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        ", NULL FROM keys k WHERE k.id = ?1 OR k.name = ?1 ORDER BY k.id = ?1 DESC LIMIT 1"
    );
    conn.query_row(sql, [id_or_name], record).optional()
}

pub(super) fn of_realm(
    conn: &Connection,
    realm: Option<&str>,
) -> rusqlite::Result<Vec<ApiKeyRecord>> {
    let sql = concat!(
        "SELECT ",
        columns!(),
        ", NULL FROM keys k WHERE ?1 IS NULL OR k.realm = ?1 ORDER BY k.created, k.rowid"
    );
    conn.prepare(sql)?.query_map([realm], record)?.collect()
}

/// Writes a record that is new.
pub(super) fn insert(conn: &Connection, key: &ApiKeyRecord) -> rusqlite::Result<()> {
    write(
        conn,
        key,
        "INSERT INTO keys
            (id, name, realm, owner, scopes, networks, created, expires, revoked, last_used)
         VALUES (:id, :name, :realm, :owner, :scopes, :networks, :created, :expires, :revoked,
            :last_used)",
    )
}

/// Writes a record over the one of the same id.
pub(super) fn replace(conn: &Connection, key: &ApiKeyRecord) -> rusqlite::Result<()> {
    write(
        conn,
        key,
        "UPDATE keys SET name = :name, realm = :realm, owner = :owner, scopes = :scopes,
            networks = :networks, created = :created, expires = :expires, revoked = :revoked,
            last_used = :last_used
         WHERE id = :id",
    )
}

fn write(conn: &Connection, key: &ApiKeyRecord, sql: &str) -> rusqlite::Result<()> {
    let networks: Vec<_> = key.networks.iter().map(ToString::to_string).collect();
    let revoked = match key.state {
        KeyState::Active => None,
        KeyState::Revoked { at } => Some(at),
    };
    let params: &[(&str, &dyn ToSql)] = named_params! {
        ":id": key.id.as_str(),
        ":name": key.name.as_str(),
        ":realm": key.realm,
        ":owner": key.owner.as_ref().map(Label::as_str),
        ":scopes": key.scopes.to_string(),
        ":networks": networks.join(" "),
        ":created": key.created.as_millisecond(),
        ":expires": key.expires.map(Timestamp::as_millisecond),
        ":revoked": revoked.map(Timestamp::as_millisecond),
        ":last_used": key.last_used.map(Timestamp::as_millisecond),
    };
    conn.execute(sql, params).map(drop)
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
        state: match time(row, 8)? {
            Some(at) => KeyState::Revoked { at },
            None => KeyState::Active,
        },
        last_used: time(row, 9)?,
        secret_not_after: time(row, 10)?,
    })
}

fn networks(list: &str) -> Result<Vec<IpNet>, ipnet::AddrParseError> {
    list.split_ascii_whitespace().map(str::parse).collect()
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
