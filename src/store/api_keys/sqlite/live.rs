//! The file as the running service asks it, one question at a time.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::rows::by_secret;
use super::{SqliteFile, open::FileId};
use crate::identity::ApiKeyRecord;
use crate::store::api_keys::Place;
use crate::store::api_keys::backend::Index;
use crate::store::api_keys::error::StoreError;
use crate::store::api_keys::freshness::Freshness;
use crate::store::api_keys::key_store::agree_on_pepper;

/// How long a question waits for a lock on the file. It holds up an async worker.
const PATIENCE: Duration = Duration::from_millis(50);

/// Asks the file that a path leads to now, and notices when it changes.
pub(in crate::store::api_keys) struct Reader {
    place: Place,
    pepper: Option<String>,
    freshness: Arc<Freshness>,
    state: Mutex<State>,
}

struct State {
    file: SqliteFile,
    /// The store's stamp when it was last asked: a number that is another one after every change
    /// but of the last uses.
    stamp: i64,
}

impl Reader {
    pub(in crate::store::api_keys) fn open(
        path: &Path,
        pepper: Option<String>,
        freshness: Arc<Freshness>,
    ) -> Result<Self, StoreError> {
        let place = Place::Sqlite(path.to_owned());
        let mut file = SqliteFile::connect(path, PATIENCE)?;
        agree_on_pepper(&mut file, &place, pepper.as_deref())?;
        let stamp = stamp(&file)?;
        Ok(Self {
            place,
            pepper,
            freshness,
            state: Mutex::new(State { file, stamp }),
        })
    }

    pub(in crate::store::api_keys) fn find(
        &self,
        index: &Index,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.ask(|state| state.file.told(by_secret(&state.file.conn, index)))
    }

    /// Asks whether any process has changed the store since last time, and if so lets everything
    /// be forgotten. Takes microseconds.
    pub(in crate::store::api_keys) fn poll(&self) -> Result<(), StoreError> {
        let asked = Instant::now();
        self.ask(|state| {
            let stamp = stamp(&state.file)?;
            if stamp != state.stamp {
                state.stamp = stamp;
                self.freshness.versions.forget_all();
            }
            Ok(())
        })?;
        self.freshness.heard(asked);
        Ok(())
    }

    /// What makes remembered keys old is found out, and they are forgotten, under one lock:
    /// nobody may find the first done and the second not.
    fn ask<T>(
        &self,
        question: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // The path leads to another file after a restored backup. The old one would go on
        // answering, with keys that were revoked since.
        if FileId::of(&state.file.path)? != state.file.file {
            let mut other = SqliteFile::connect(&state.file.path, PATIENCE)?;
            agree_on_pepper(&mut other, &self.place, self.pepper.as_deref())?;
            state.file = other;
            self.freshness.versions.forget_all();
        }
        question(&mut state)
    }
}

fn stamp(file: &SqliteFile) -> Result<i64, StoreError> {
    let asked = file
        .conn
        .prepare_cached("SELECT stamp FROM store")
        .and_then(|mut query| query.query_row([], |row| row.get(0)));
    file.told(asked)
}
