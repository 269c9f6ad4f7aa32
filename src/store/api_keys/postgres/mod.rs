//! Keys in a PostgreSQL database, for several machines.
//!
//! [`Database`] is the database as commands use it, [`Link`] as the running service asks it.

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::IsolationLevel;
use tokio_postgres::types::ToSql;

mod connect;
mod fault;
mod follower;
mod link;
mod listening;
mod news;
mod passfile;
mod record;
mod rows;
mod tls;
mod url;

pub(super) use connect::Tables;
pub(super) use link::Link;
pub use url::{InvalidUrl, Url};

use super::backend::{Backend, Rows, Work};
use super::error::{KeyError, StoreError};
use super::place::Place;
use crate::identity::ApiKeyId;
use connect::Session;
use rows::{ServerRows, wait};

/// So many last uses are written at a time: their rows are held only for a moment.
const BATCH: usize = 1000;

/// A connection that waits for each answer. Not for async workers.
pub(super) struct Database {
    url: Url,
    session: Session,
    runtime: Runtime,
}

impl Database {
    /// Connects, and brings the tables to the present format.
    pub(super) fn connect(url: &Url, tables: Tables) -> Result<Self, StoreError> {
        let runtime = runtime(url)?;
        let (session, _) = runtime.block_on(Session::open(url, tables))?;
        Ok(Self {
            url: url.clone(),
            session,
            runtime,
        })
    }
}

impl Backend for Database {
    fn rows(&mut self) -> Box<dyn Rows + '_> {
        Box::new(ServerRows {
            client: &self.session.client,
            runtime: &self.runtime,
            url: &self.url,
        })
    }

    fn change(&mut self, work: &mut Work<'_>) -> Result<(), KeyError> {
        let Self {
            url,
            session,
            runtime,
        } = self;
        let begin = session
            .client
            .build_transaction()
            .isolation_level(IsolationLevel::ReadCommitted);
        let change = wait(runtime, url, begin.start())?;
        // Whoever has the row makes changes, and loses it if nothing is heard of them; a change that
        // is told as made must outlast a crash.
        wait(
            runtime,
            url,
            change.batch_execute(
                "SET LOCAL lock_timeout = '5s';
                 SET LOCAL statement_timeout = 0;
                 SET LOCAL idle_in_transaction_session_timeout = '10s';
                 SELECT set_config('synchronous_commit', 'on', true)
                    WHERE current_setting('synchronous_commit') = 'off';
                 SELECT FROM htgate.store FOR UPDATE",
            ),
        )?;
        work(&mut ServerRows {
            client: &change,
            runtime,
            url,
        })?;
        let committed = wait(runtime, url, change.commit());
        Ok(committed.map_err(|error| match error {
            StoreError::Away { place, why } => StoreError::Unsure { place, why },
            other => other,
        })?)
    }

    fn write_last_used(&mut self, uses: &[(ApiKeyId, i64)]) -> Result<(), StoreError> {
        let mut uses: Vec<_> = uses.iter().map(|(id, at)| (id.as_str(), *at)).collect();
        // In one order on all nodes, or they would wait for each other in a circle.
        uses.sort_unstable();
        for batch in uses.chunks(BATCH) {
            let (ids, times): (Vec<_>, Vec<_>) = batch.iter().copied().unzip();
            let params: [&(dyn ToSql + Sync); 2] = [&ids, &times];
            let written = self.session.client.execute(
                "WITH used AS (
                    SELECT k.id, u.at
                    FROM unnest($1::text[], $2::bigint[]) AS u (id, at) JOIN htgate.keys k USING (id)
                    WHERE k.last_used IS NULL OR k.last_used < u.at - u.at % 60000
                    ORDER BY k.id FOR NO KEY UPDATE OF k
                 )
                 UPDATE htgate.keys k SET last_used = used.at FROM used WHERE k.id = used.id",
                &params,
            );
            wait(&self.runtime, &self.url, written)?;
        }
        Ok(())
    }

    fn is_shared(&mut self) -> bool {
        let others = self.session.client.query_one(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = current_setting('application_name') \
             AND pid <> pg_backend_pid())",
            &[],
        );
        // Who can't tell waits.
        wait(&self.runtime, &self.url, others).map_or(true, |row| row.get(0))
    }
}

/// A runtime for one connection.
fn runtime(url: &Url) -> Result<Runtime, StoreError> {
    let made = Builder::new_current_thread().enable_all().build();
    made.map_err(|fault| StoreError::Refused {
        place: Place::Postgres(url.clone()),
        why: fault.to_string(),
    })
}
