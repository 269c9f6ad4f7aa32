//! A connection that listens, with what the running service asks it again and again.

use tokio::time::Instant;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use super::connect::{Notices, Session, Tables, within};
use super::fault::{fault, no_answer};
use super::link::{Asker, Done, PATIENCE};
use super::news::Mark;
use super::record::{BY_SECRET, found};
use super::{Database, Url};
use crate::identity::ApiKeyRecord;
use crate::store::api_keys::Place;
use crate::store::api_keys::backend::Index;
use crate::store::api_keys::error::StoreError;
use crate::store::api_keys::key_store::agree_on_pepper;

/// Asks for the state of the database.
const MARK: &str = "SELECT changes, stamp::text FROM htgate.store";

pub(super) struct Listening {
    server: Server,
    notices: Notices,
}

/// The half that is asked.
pub(super) struct Server {
    url: Url,
    session: Session,
    find: Statement,
    mark: Statement,
}

/// One reading of the mark, when it was asked for, and who waits for it.
pub(super) struct Look {
    pub(super) asked: Instant,
    pub(super) mark: Result<Mark, StoreError>,
    pub(super) done: Option<Done>,
}

impl Listening {
    /// Connects and listens. Comes with the state of the database, and when that was asked for.
    pub(super) async fn begin(
        url: Url,
        pepper: Option<String>,
        tables: Tables,
    ) -> Result<(Self, Mark, Instant), StoreError> {
        let (session, notices) = Session::open(&url, tables).await?;
        let begun = within(PATIENCE, &url, Server::begin(url.clone(), session));
        let (server, stored, mark, at) = begun.await?;
        if stored != pepper {
            let place = Place::Postgres(url.clone());
            let agreed = tokio::task::spawn_blocking(move || {
                agree_on_pepper(
                    &mut Database::connect(&url, Tables::Expected)?,
                    &place,
                    pepper.as_deref(),
                )
            });
            agreed
                .await
                .map_err(|_| no_answer(&server.url, PATIENCE))??;
        }
        Ok((Self { server, notices }, mark, at))
    }

    /// What is asked, and what is heard.
    pub(super) fn halves(&mut self) -> (&Server, &mut Notices) {
        (&self.server, &mut self.notices)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.server.session.client.is_closed()
    }

    /// Why the connection ended, once it has.
    pub(super) async fn why(self) -> String {
        self.server.session.why().await
    }
}

impl Server {
    async fn begin(
        url: Url,
        session: Session,
    ) -> Result<(Self, Option<String>, Mark, Instant), StoreError> {
        let told = |source| fault(&url, &source);
        let client = &session.client;
        // Listened first: what changes after the mark was read is heard of.
        client.batch_execute("LISTEN htgate").await.map_err(told)?;
        let find = client.prepare(BY_SECRET).await.map_err(told)?;
        let mark = client.prepare(MARK).await.map_err(told)?;
        let row = client.query_one("SELECT pepper FROM htgate.store", &[]);
        let pepper = row.await.and_then(|row| row.try_get(0)).map_err(told)?;
        let server = Self {
            url,
            session,
            find,
            mark,
        };
        // Whoever may not look keys up is no use, and told so.
        server.lookup(&[0; 32]).await?;
        let at = Instant::now();
        let mark = server.mark().await?;
        Ok((server, pepper, mark, at))
    }

    async fn mark(&self) -> Result<Mark, StoreError> {
        let row = self.session.client.query_one(&self.mark, &[]).await;
        row.and_then(|row| {
            Ok(Mark {
                changes: row.try_get(0)?,
                stamp: row.try_get(1)?,
            })
        })
        .map_err(|source| fault(&self.url, &source))
    }

    /// Reads the mark, for somebody who waits until that is caught up with or for nobody.
    pub(super) async fn look(&self, done: Option<Done>) -> Look {
        let asked = Instant::now();
        let mark = within(PATIENCE, &self.url, self.mark()).await;
        Look { asked, mark, done }
    }

    /// Looks a key up for somebody, who is told nothing if the connection ends meanwhile.
    pub(super) async fn find(&self, index: Index, asker: Asker) {
        let told = match self.lookup(&index).await {
            Err(StoreError::Away { .. }) => return,
            other => other,
        };
        // Who has given up meanwhile doesn't need it.
        let _ = asker.send(told);
    }

    async fn lookup(&self, index: &Index) -> Result<Option<ApiKeyRecord>, StoreError> {
        let params: [&(dyn ToSql + Sync); 1] = [&index.as_slice()];
        let row = self.session.client.query_opt(&self.find, &params).await;
        let row = row.map_err(|source| fault(&self.url, &source))?;
        row.map(|row| found(&self.url, &row, index)).transpose()
    }
}
