//! From a URL to a connection whose tables are ours and of this format.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, NoTls};

use super::Url;
use super::fault::{fault, no_answer, told};
use crate::store::api_keys::Place;
use crate::store::api_keys::error::StoreError;

/// How long a server may take to let us in.
const ENTRY: Duration = Duration::from_secs(5);

/// How long a migration may take, with that of other nodes before it.
const MIGRATION: Duration = Duration::from_secs(3600);

/// The steps from an empty schema to the present format, each with the format it makes.
const STEPS: [(i32, &str); 1] = [(FORMAT, include_str!("schema.sql"))];

/// The present format.
const FORMAT: i32 = 1;

/// Nodes that start at once make the tables one after the other: "htgk".
const LOCK: i64 = 0x6874_676b;

/// What `LISTEN` tells of: the payload of a notification.
pub(super) type Notices = mpsc::UnboundedReceiver<String>;

/// What becomes of a database without our tables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store::api_keys) enum Tables {
    /// They are made.
    Made,
    /// They were there: it would be an empty store in the place of one with keys.
    Expected,
}

/// A connection at work. Its other half runs on the runtime it was made in.
pub(super) struct Session {
    pub(super) client: Client,
    driver: JoinHandle<Result<(), Error>>,
}

impl Session {
    /// Connects, and makes or migrates the tables if they need it.
    pub(super) async fn open(url: &Url, tables: Tables) -> Result<(Self, Notices), StoreError> {
        let entered = within(ENTRY, url, async {
            let (session, notices) = Self::enter(url).await?;
            let format = session.format(url).await?;
            Ok((session, notices, format))
        });
        let (session, notices, format) = entered.await?;
        if format.is_none() && tables == Tables::Expected {
            return Err(StoreError::Postgres {
                place: Place::Postgres(url.clone()),
                why: "its tables are gone; restore them".to_owned(),
            });
        }
        if format != Some(FORMAT) {
            within(MIGRATION, url, session.migrate(url)).await?;
        }
        Ok((session, notices))
    }

    async fn enter(url: &Url) -> Result<(Self, Notices), StoreError> {
        let refused = |why| StoreError::Refused {
            place: Place::Postgres(url.clone()),
            why,
        };
        let config = url.config().map_err(refused)?;
        let (sender, notices) = mpsc::unbounded_channel();
        let (client, driver) = match url.tls() {
            None => {
                let (client, connection) =
                    config.connect(NoTls).await.map_err(|e| fault(url, &e))?;
                (client, tokio::spawn(drive(connection, sender)))
            }
            Some(tls) => {
                let connector = tls.connector().map_err(refused)?;
                let (client, connection) = config
                    .connect(connector)
                    .await
                    .map_err(|e| fault(url, &e))?;
                (client, tokio::spawn(drive(connection, sender)))
            }
        };
        Ok((Self { client, driver }, notices))
    }

    /// Makes the tables, or brings them to the present format; refuses what is not ours or not
    /// for this version before anything is written.
    async fn migrate(&self, url: &Url) -> Result<(), StoreError> {
        let told = |source| fault(url, &source);
        let lock =
            format!("BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({LOCK})");
        self.client.batch_execute(&lock).await.map_err(told)?;
        // Again under the lock: another node may have been faster.
        let found = self.format(url).await?;
        if found.is_none() && !self.has_empty_schema(url).await? {
            let make = self.client.batch_execute("CREATE SCHEMA htgate");
            make.await.map_err(told)?;
        }
        for (format, step) in STEPS {
            if found.is_none_or(|found| found < format) {
                self.client.batch_execute(step).await.map_err(told)?;
            }
        }
        self.client.batch_execute("COMMIT").await.map_err(told)
    }

    /// The number of the format that is there.
    async fn format(&self, url: &Url) -> Result<Option<i32>, StoreError> {
        let told = |source| fault(url, &source);
        // Asked of the catalogue's rows: what is remembered of names may be older than the lock.
        let made = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n \
                    ON n.oid = c.relnamespace WHERE n.nspname = 'htgate' AND c.relname = 'store')";
        let row = self.client.query_one(made, &[]).await.map_err(told)?;
        if !row.get::<_, bool>(0) {
            return Ok(None);
        }
        let asked = self
            .client
            .query_one("SELECT format FROM htgate.store", &[]);
        let found: i32 = asked.await.map_err(told)?.try_get(0).map_err(told)?;
        if found > FORMAT {
            return Err(StoreError::Newer {
                place: Place::Postgres(url.clone()),
                found: found.into(),
                known: FORMAT.into(),
            });
        }
        Ok(Some(found))
    }

    /// Whether somebody has made the schema for us. Refuses one that is another program's.
    async fn has_empty_schema(&self, url: &Url) -> Result<bool, StoreError> {
        let asked = self.client.query_one(
            "SELECT to_regnamespace('htgate') IS NOT NULL, EXISTS \
             (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('htgate'))",
            &[],
        );
        let row = asked.await.map_err(|source| fault(url, &source))?;
        if row.get(1) {
            return Err(StoreError::Foreign {
                place: Place::Postgres(url.clone()),
                what: "its schema htgate",
            });
        }
        Ok(row.get(0))
    }

    /// Why the connection ended, once it has.
    pub(super) async fn why(self) -> String {
        drop(self.client);
        match self.driver.await {
            Ok(Err(error)) => told(&error),
            _ => "the connection was closed".to_owned(),
        }
    }
}

/// Does work that may not take longer.
pub(super) async fn within<T>(
    limit: Duration,
    url: &Url,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let done = timeout(limit, work).await;
    done.unwrap_or_else(|_| Err(no_answer(url, limit)))
}

/// Moves what is sent and received, until the connection ends.
async fn drive<S, T>(
    mut connection: Connection<S, T>,
    notices: mpsc::UnboundedSender<String>,
) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let mut messages = poll_fn(move |context| connection.poll_message(context));
    while let Some(message) = messages.next().await {
        if let AsyncMessage::Notification(notice) = message? {
            // Nobody may listen any more: the connection goes on for what is being asked.
            let _ = notices.send(notice.payload().to_owned());
        }
    }
    Ok(())
}
