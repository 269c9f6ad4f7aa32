//! A session that stays open: for locks, and where starting a client would take too long.

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls};

/// One of the owner of the keys.
pub(crate) struct Session {
    runtime: Runtime,
    client: Client,
}

impl Session {
    pub(super) fn open(url: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let connecting = tokio_postgres::connect(url, NoTls);
        let (client, connection) = runtime.block_on(connecting).unwrap();
        runtime.spawn(connection);
        Self { runtime, client }
    }

    /// Runs SQL that gives nothing.
    pub(crate) fn run(&self, sql: &str) {
        self.runtime
            .block_on(self.client.batch_execute(sql))
            .unwrap();
    }
}
