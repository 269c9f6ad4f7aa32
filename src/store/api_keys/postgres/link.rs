//! The database as the running service asks it: one connection, on a thread of its own, that looks
//! keys up, listens for changes and asks several times a second whether it has missed any.
//!
//! One connection for all of it, so that all of it speaks of one server: whoever looked keys up on
//! an old primary and heard of changes on the new one would let a revoked key in.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::fault::no_answer;
use super::follower::Follower;
use super::{Url, runtime};
use crate::identity::ApiKeyRecord;
use crate::store::api_keys::Place;
use crate::store::api_keys::backend::Index;
use crate::store::api_keys::error::StoreError;
use crate::store::api_keys::freshness::Freshness;

/// How long the database may take over an answer before it counts as away.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// So many questions may wait.
const WAITING: usize = 1024;
/// How often a look-up is tried on connections that end.
const TRIES: u32 = 3;

/// The connection, as seen by those who ask.
pub(in crate::store::api_keys) struct Link {
    questions: mpsc::Sender<Question>,
    state: Arc<State>,
}

/// What the thread is asked, and who waits for the answer.
pub(super) enum Question {
    /// The key that has a secret.
    Find(Index, Asker),
    /// Take up every change there is by now.
    CatchUp(Done),
}

/// The key that has a secret, if there is one.
type Found = Result<Option<ApiKeyRecord>, StoreError>;

/// Who waits for a key.
pub(super) type Asker = oneshot::Sender<Found>;

/// Who waits for how something went.
pub(super) type Done = SyncSender<Result<(), StoreError>>;

/// Whether the database is there.
pub(super) struct State {
    pub(super) url: Url,
    away: Mutex<Option<Arc<str>>>,
}

impl State {
    pub(super) fn get(&self) -> Result<(), StoreError> {
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        match away.clone() {
            None => Ok(()),
            Some(why) => Err(StoreError::Away {
                place: self.place(),
                why,
            }),
        }
    }

    pub(super) fn set(&self, away: Option<Arc<str>>) {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = away;
    }

    pub(super) fn place(&self) -> Place {
        Place::Postgres(self.url.clone())
    }

    /// Nothing came in time.
    pub(super) fn no_answer(&self) -> StoreError {
        no_answer(&self.url, PATIENCE)
    }
}

impl Link {
    /// Connects, and stays connected as far as it can. `pepper` is the fingerprint of the
    /// configured one.
    ///
    /// # Errors
    /// [`StoreError`] when the database is there and can't be used. One that is away is waited
    /// for on the thread.
    pub(in crate::store::api_keys) fn start(
        url: &Url,
        pepper: Option<String>,
        freshness: Arc<Freshness>,
    ) -> Result<Self, StoreError> {
        let (questions, asked) = mpsc::channel(WAITING);
        let state = Arc::new(State {
            url: url.clone(),
            away: Mutex::new(Some("no connection yet".into())),
        });
        let shared = Arc::clone(&state);
        let follower = Follower::new(pepper, freshness, shared, asked);
        let runtime = runtime(url)?;
        let (begun, beginning) = sync_channel(1);
        let thread = thread::Builder::new().name("key-store".to_owned());
        let spawned = thread.spawn(move || runtime.block_on(follower.run(begun)));
        spawned.map_err(|fault| StoreError::Refused {
            place: state.place(),
            why: fault.to_string(),
        })?;
        match beginning.recv_timeout(PATIENCE) {
            Ok(Ok(())) | Err(_) => Ok(Self { questions, state }),
            Ok(Err(fault)) => Err(fault),
        }
    }

    /// Looks for the key with a secret. Waits for a second at most, and not at all for a database
    /// that is known to be away. A connection that ends meanwhile costs another try.
    pub(in crate::store::api_keys) async fn find(
        &self,
        index: Index,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        let answered = timeout(PATIENCE, async {
            for _ in 0..TRIES {
                if let Some(answer) = self.ask(index).await? {
                    return answer;
                }
            }
            Err(self.state.no_answer())
        });
        answered
            .await
            .unwrap_or_else(|_| Err(self.state.no_answer()))
    }

    /// Asks once; nothing if the connection ends before there is an answer.
    async fn ask(&self, index: Index) -> Result<Option<Found>, StoreError> {
        self.state.get()?;
        let (asker, answered) = oneshot::channel();
        self.questions
            .try_send(Question::Find(index, asker))
            .map_err(|_| StoreError::Overloaded {
                place: self.state.place(),
            })?;
        Ok(answered.await.ok())
    }

    /// Takes up every change that is in the database by now, and waits until that is done. Not for
    /// async workers.
    pub(in crate::store::api_keys) fn catch_up(&self) -> Result<(), StoreError> {
        self.state.get()?;
        let (done, waited) = sync_channel(1);
        self.questions
            .blocking_send(Question::CatchUp(done))
            .map_err(|_| self.state.no_answer())?;
        match waited.recv_timeout(2 * PATIENCE) {
            Ok(outcome) => outcome,
            Err(_) => Err(self.state.get().err().unwrap_or(self.state.no_answer())),
        }
    }

    /// Whether the database is there.
    pub(in crate::store::api_keys) fn state(&self) -> Result<(), StoreError> {
        self.state.get()
    }
}
