//! The rows of a database, read and written by commands.

use std::future::Future;
use std::time::Duration;

use futures_util::{StreamExt as _, pin_mut};
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{GenericClient, Row};

use super::Url;
use super::connect::within;
use super::fault::fault;
use super::record::{BY_SECRET, Read, found, record};
use crate::identity::ApiKeyId;
use crate::identity::ApiKeyRecord;
use crate::identity::Label;
use crate::store::api_keys::backend::{Index, Page, Rows, Secret};
use crate::store::api_keys::error::{KeyError, StoreError};
use crate::store::api_keys::stored::{columns, networks_text};

/// How long a command waits for one answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// So many keys make a page.
const PAGE: i64 = 5000;

/// The rows as one connection or transaction sees them; each look waits for its answer.
pub(super) struct ServerRows<'a, C> {
    pub(super) client: &'a C,
    pub(super) runtime: &'a Runtime,
    pub(super) url: &'a Url,
}

/// Waits for what a server answers.
pub(super) fn wait<T>(
    runtime: &Runtime,
    url: &Url,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    let told = async { answer.await.map_err(|source| fault(url, &source)) };
    runtime.block_on(within(PATIENCE, url, told))
}

impl<C: GenericClient> ServerRows<'_, C> {
    fn all(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, StoreError> {
        wait(self.runtime, self.url, self.client.query(sql, params))
    }

    fn one(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<Option<Row>, StoreError> {
        wait(self.runtime, self.url, self.client.query_opt(sql, params))
    }

    fn run(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<(), StoreError> {
        wait(self.runtime, self.url, self.client.execute(sql, params)).map(drop)
    }

    /// The only value of the row of `htgate.store`.
    fn setting(&self, sql: &str) -> Result<Option<String>, StoreError> {
        let row = self.one(sql, &[])?;
        let value = row.map(|row| row.try_get(0)).transpose();
        Ok(value.map_err(|source| fault(self.url, &source))?.flatten())
    }
}

impl<C: GenericClient> Rows for ServerRows<'_, C> {
    fn by_secret(&mut self, index: &Index) -> Result<Option<ApiKeyRecord>, StoreError> {
        let row = self.one(BY_SECRET, &[&index.as_slice()])?;
        row.map(|row| found(self.url, &row, index)).transpose()
    }

    fn by_id_or_name(&mut self, id_or_name: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        let sql = concat!(
            "SELECT ",
            columns!(),
            ", NULL::bigint FROM htgate.keys k WHERE k.id = $1 OR k.name = $1 \
             ORDER BY k.id = $1 DESC LIMIT 1"
        );
        let row = self.one(sql, &[&id_or_name])?;
        row.map(|row| record(self.url, &row)).transpose()
    }

    fn each(
        &mut self,
        realm: Option<&str>,
        each: &mut dyn FnMut(ApiKeyRecord) -> Result<(), KeyError>,
    ) -> Result<(), KeyError> {
        let (sql, params): (_, &[&(dyn ToSql + Sync)]) = match &realm {
            None => (
                concat!(
                    "SELECT ",
                    columns!(),
                    ", NULL::bigint FROM htgate.keys k ORDER BY k.created, k.id"
                ),
                &[],
            ),
            Some(realm) => (
                concat!(
                    "SELECT ",
                    columns!(),
                    ", NULL::bigint FROM htgate.keys k WHERE k.realm = $1 ORDER BY k.created, k.id"
                ),
                &[realm],
            ),
        };
        let params = params.iter().copied();
        let rows = wait(self.runtime, self.url, self.client.query_raw(sql, params))?;
        pin_mut!(rows);
        // Nothing is gathered: there may be millions.
        while let Some(row) = wait(self.runtime, self.url, async {
            rows.next().await.transpose()
        })? {
            each(record(self.url, &row)?)?;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<u64, StoreError> {
        let row = self.one("SELECT count(*) FROM htgate.keys", &[])?;
        let count = row.map_or(Ok(0), |row| row.try_get::<_, i64>(0));
        let count = count.map_err(|source| fault(self.url, &source))?;
        Ok(count.unsigned_abs())
    }

    fn is_free(&mut self, id: &ApiKeyId) -> Result<bool, StoreError> {
        let sql = "SELECT FROM htgate.keys WHERE id = $1 OR name = $1";
        Ok(self.all(sql, &[&id.as_str()])?.is_empty())
    }

    fn insert(&mut self, keys: &[ApiKeyRecord]) -> Result<(), StoreError> {
        let columns = Columns::of(keys);
        self.run(
            "INSERT INTO htgate.keys
                (id, name, realm, owner, scopes, networks, created, expires, revoked, last_used)
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
                $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])",
            &columns.params(),
        )
    }

    fn replace(&mut self, key: &ApiKeyRecord) -> Result<(), StoreError> {
        let columns = Columns::of(std::slice::from_ref(key));
        self.run(
            "UPDATE htgate.keys k SET name = n.name, realm = n.realm, owner = n.owner,
                scopes = n.scopes, networks = n.networks, created = n.created,
                expires = n.expires, revoked = n.revoked, last_used = n.last_used
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
                $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])
                AS n (id, name, realm, owner, scopes, networks, created, expires, revoked,
                    last_used)
             WHERE k.id = n.id",
            &columns.params(),
        )
    }

    fn insert_secrets(&mut self, secrets: &[(ApiKeyId, Secret)]) -> Result<(), StoreError> {
        let ids: Vec<&str> = secrets.iter().map(|(id, _)| id.as_str()).collect();
        let indexes: Vec<&[u8]> = secrets.iter().map(|(_, (index, _))| &index[..]).collect();
        let ends: Vec<Option<i64>> = secrets.iter().map(|(_, (_, end))| *end).collect();
        self.run(
            "INSERT INTO htgate.secrets (digest, key_id, not_after)
             SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[])",
            &[&indexes, &ids, &ends],
        )
    }

    fn end_secrets(&mut self, id: &ApiKeyId, at: i64) -> Result<(), StoreError> {
        self.run(
            "UPDATE htgate.secrets SET not_after = least(not_after, $2) WHERE key_id = $1",
            &[&id.as_str(), &at],
        )
    }

    fn delete(&mut self, id: &ApiKeyId) -> Result<(), StoreError> {
        self.run("DELETE FROM htgate.keys WHERE id = $1", &[&id.as_str()])
    }

    fn page(&mut self, after: Option<&ApiKeyId>) -> Result<Page, StoreError> {
        let after = after.map_or("", ApiKeyId::as_str);
        let sql = concat!(
            "SELECT ",
            columns!(),
            ", NULL::bigint FROM htgate.keys k WHERE k.id > $1 ORDER BY k.id LIMIT $2"
        );
        let rows = self.all(sql, &[&after, &PAGE])?;
        let keys: Vec<_> = rows
            .iter()
            .map(|row| record(self.url, row))
            .collect::<Result<_, _>>()?;
        let last = keys.last().map_or(after, |key| key.id.as_str());
        let rows = self.all(
            "SELECT key_id, digest, not_after FROM htgate.secrets
             WHERE key_id > $1 AND key_id <= $2",
            &[&after, &last],
        )?;
        let secrets = rows.iter().map(|row| {
            let read = Read { url: self.url, row };
            let index = read.get::<Vec<u8>>(1)?;
            let index = index.try_into().map_err(|_| read.damaged("a digest"))?;
            Ok((read.parsed(0, ApiKeyId::parse)?, (index, read.get(2)?)))
        });
        Ok((keys, secrets.collect::<Result<_, StoreError>>()?))
    }

    fn clear(&mut self) -> Result<(), StoreError> {
        self.run("TRUNCATE htgate.secrets, htgate.keys", &[])
    }

    fn pepper(&mut self) -> Result<Option<String>, StoreError> {
        self.setting("SELECT pepper FROM htgate.store")
    }

    fn set_pepper(&mut self, fingerprint: Option<&str>) -> Result<(), StoreError> {
        self.run("UPDATE htgate.store SET pepper = $1", &[&fingerprint])
    }

    fn moved_to(&mut self) -> Result<Option<String>, StoreError> {
        self.setting("SELECT moved_to FROM htgate.store")
    }

    fn set_moved_to(&mut self, place: Option<&str>) -> Result<(), StoreError> {
        self.run("UPDATE htgate.store SET moved_to = $1", &[&place])
    }
}

/// Records, column by column.
#[derive(Default)]
struct Columns<'k> {
    ids: Vec<&'k str>,
    names: Vec<&'k str>,
    realms: Vec<&'k str>,
    owners: Vec<Option<&'k str>>,
    scopes: Vec<String>,
    networks: Vec<String>,
    created: Vec<i64>,
    expires: Vec<Option<i64>>,
    revoked: Vec<Option<i64>>,
    last_used: Vec<Option<i64>>,
}

impl<'k> Columns<'k> {
    fn of(keys: &'k [ApiKeyRecord]) -> Self {
        let mut all = Self::default();
        for key in keys {
            all.ids.push(key.id.as_str());
            all.names.push(key.name.as_str());
            all.realms.push(&key.realm);
            all.owners.push(key.owner.as_ref().map(Label::as_str));
            all.scopes.push(key.scopes.to_string());
            all.networks.push(networks_text(&key.networks));
            all.created.push(key.created.as_millisecond());
            all.expires.push(key.expires.map(Timestamp::as_millisecond));
            all.revoked
                .push(key.state.revoked().map(Timestamp::as_millisecond));
            all.last_used
                .push(key.last_used.map(Timestamp::as_millisecond));
        }
        all
    }

    fn params(&self) -> [&(dyn ToSql + Sync); 10] {
        [
            &self.ids,
            &self.names,
            &self.realms,
            &self.owners,
            &self.scopes,
            &self.networks,
            &self.created,
            &self.expires,
            &self.revoked,
            &self.last_used,
        ]
    }
}
