//! The database as the running service asks it: one connection, on a thread of its own, that looks
//! keys up, listens for changes and asks several times a second whether it has missed any.
//!
//! One connection for all of it, so that all of it speaks of one server: whoever looked keys up on
//! an old primary and heard of changes on the new one would let a revoked key in.

use std::future::Future;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt as _, pin_mut};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};
use tokio_postgres::{Client, Statement};

use super::connect::Session;
use super::fault::fault;
use super::news::{Forget, Mark, News};
use super::rows::{BY_SECRET, found};
use super::{Database, Url, runtime};
use crate::identity::ApiKeyRecord;
use crate::store::api_keys::Place;
use crate::store::api_keys::backend::Index;
use crate::store::api_keys::error::StoreError;
use crate::store::api_keys::freshness::Freshness;
use crate::store::api_keys::key_store::agree_on_pepper;

/// How often the database is asked for its mark.
const BEAT: Duration = Duration::from_millis(250);
/// How long it may take over an answer before it counts as away.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(200);
/// So many look-ups are under way at a time; the server does them one after the other.
const UNDER_WAY: usize = 32;
/// So many more may wait.
const WAITING: usize = 1024;

/// Asks for the state of the database.
const MARK: &str = "SELECT changes, stamp::text FROM htgate.store";

/// The connection, as seen by those who ask.
pub(in crate::store::api_keys) struct Link {
    questions: mpsc::Sender<Question>,
    state: Arc<State>,
}

enum Question {
    Find(
        Index,
        oneshot::Sender<Result<Option<ApiKeyRecord>, StoreError>>,
    ),
    /// Take up every change there is by now.
    CatchUp(Done),
}

/// Who waits for how something went.
type Done = SyncSender<Result<(), StoreError>>;

/// Whether the database is there.
struct State {
    place: Place,
    away: Mutex<Option<Arc<str>>>,
}

impl State {
    fn get(&self) -> Result<(), StoreError> {
        let away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        match away.clone() {
            None => Ok(()),
            Some(why) => Err(self.is_away(why)),
        }
    }

    fn set(&self, away: Option<Arc<str>>) {
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = away;
    }

    fn is_away(&self, why: Arc<str>) -> StoreError {
        let place = self.place.clone();
        StoreError::Away { place, why }
    }

    fn no_answer(&self) -> StoreError {
        self.is_away(format!("no answer within {} s", PATIENCE.as_secs()).into())
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
        let place = Place::Postgres(url.clone());
        let state = Arc::new(State {
            place,
            away: Mutex::default(),
        });
        let follower = Follower {
            url: url.clone(),
            pepper,
            freshness,
            state: Arc::clone(&state),
            questions: asked,
            news: News::default(),
        };
        let runtime = runtime(url)?;
        let (begun, beginning) = sync_channel(1);
        let thread = thread::Builder::new().name("key-store".to_owned());
        let spawned = thread.spawn(move || runtime.block_on(follower.run(begun)));
        spawned.map_err(|fault| StoreError::Refused {
            place: state.place.clone(),
            why: fault.to_string(),
        })?;
        match beginning.recv() {
            Ok(Ok(())) | Err(_) => Ok(Self { questions, state }),
            Ok(Err(fault)) => Err(fault),
        }
    }

    /// Looks for the key with a secret. Waits for a second at most, and not at all for a database
    /// that is known to be away.
    pub(in crate::store::api_keys) async fn find(
        &self,
        index: Index,
    ) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.state.get()?;
        let (answer, answered) = oneshot::channel();
        let question = Question::Find(index, answer);
        self.questions
            .try_send(question)
            .map_err(|_| StoreError::Overloaded {
                place: self.state.place.clone(),
            })?;
        match timeout(PATIENCE, answered).await {
            Ok(Ok(found)) => found,
            Ok(Err(_)) => Err(self.state.get().err().unwrap_or(self.state.no_answer())),
            Err(_) => Err(self.state.no_answer()),
        }
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

/// The thread's side.
struct Follower {
    url: Url,
    pepper: Option<String>,
    freshness: Arc<Freshness>,
    state: Arc<State>,
    questions: mpsc::Receiver<Question>,
    news: News,
}

/// A connection that listens, with what it asks again and again.
struct Live {
    session: Session,
    find: Statement,
    mark: Statement,
}

/// One reading of the mark, when it was asked for, and who waits for it.
struct Look {
    asked: Instant,
    mark: Result<Mark, StoreError>,
    done: Option<Done>,
}

impl Follower {
    /// Follows the database until nobody asks any more. Whether it can be used at all is told to
    /// `begun`.
    async fn run(mut self, begun: Done) {
        let mut begun = Some(begun);
        loop {
            let connected = Box::pin(connect(self.url.clone(), self.pepper.clone()));
            let Some(connected) = self.refusing(connected).await else {
                return;
            };
            let lost = match connected {
                Ok((live, mark, asked)) => {
                    let forget = self.news.begin(mark);
                    self.forget(forget);
                    self.freshness.heard(asked.into_std());
                    self.state.set(None);
                    tell(&mut begun, Ok(()));
                    let Some(lost) = self.serve(live).await else {
                        return;
                    };
                    lost
                }
                Err(fault) if begun.is_some() && !may_pass(&fault) => {
                    return tell(&mut begun, Err(fault));
                }
                // It was in order once, or may be; somebody may set it right again.
                Err(fault) => why(&fault, &self.state.place),
            };
            self.state.set(Some(lost));
            tell(&mut begun, Ok(()));
            if self.refusing(sleep(PAUSE)).await.is_none() {
                return;
            }
        }
    }

    /// Refuses questions while something else is done; nothing when nobody asks any more.
    async fn refusing<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        pin_mut!(work);
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                question = self.questions.recv() => self.refuse(question?),
            }
        }
    }

    fn refuse(&self, question: Question) {
        let Err(away) = self.state.get() else {
            return;
        };
        // Who has given up meanwhile doesn't need the answer.
        match question {
            Question::Find(_, answer) => drop(answer.send(Err(away))),
            Question::CatchUp(done) => drop(done.try_send(Err(away))),
        }
    }

    /// Answers from a connection until that ends, and gives the reason; nothing when nobody asks
    /// any more.
    async fn serve(&mut self, mut live: Live) -> Option<Arc<str>> {
        let (url, state) = (self.url.clone(), Arc::clone(&self.state));
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut finds = FuturesUnordered::new();
        let mut looks = FuturesUnordered::new();
        let mut waiting: Vec<(i64, Done)> = Vec::new();
        let Live {
            session,
            find,
            mark,
        } = &mut live;
        let (client, notices) = (&session.client, &mut session.notices);
        let look = |done| look(client, mark, &url, &state, done);
        let lost: Option<Arc<str>> = loop {
            let deadline = self.news.deadline();
            // In this order: a reading is older than the notifications that came after it, and a
            // flood of questions must not keep anything else from being heard.
            tokio::select! {
                biased;
                Some(look) = looks.next() => {
                    let Look { asked, mark, done } = look;
                    let mark = match mark {
                        Ok(mark) => mark,
                        Err(fault) => break Some(why(&fault, &self.state.place)),
                    };
                    self.freshness.heard(asked.into_std());
                    waiting.extend(done.map(|done| (mark.changes, done)));
                    let forget = self.news.read(mark, Instant::now());
                    forget_in(&self.freshness, forget);
                }
                notice = notices.recv() => match notice {
                    Some(notice) => forget_in(&self.freshness, self.news.heard(&notice)),
                    None => break None,
                },
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    forget_in(&self.freshness, self.news.overdue());
                }
                _ = beat.tick() => if looks.is_empty() {
                    looks.push(look(None));
                },
                Some(()) = finds.next() => {}
                question = self.questions.recv(), if finds.len() < UNDER_WAY => match question? {
                    Question::CatchUp(done) => looks.push(look(Some(done))),
                    Question::Find(index, answer) if !answer.is_closed() => {
                        finds.push(answer_with(client, find, &url, index, answer));
                    }
                    Question::Find(..) => {}
                },
            }
            let changes = self.news.changes();
            waiting.retain(|(wanted, done)| {
                let caught_up = *wanted <= changes;
                if caught_up {
                    let _ = done.try_send(Ok(()));
                }
                !caught_up
            });
        };
        drop((finds, looks));
        Some(match lost {
            Some(why) => why,
            None => live.session.why().await.into(),
        })
    }

    fn forget(&self, what: Forget) {
        forget_in(&self.freshness, what);
    }
}

fn forget_in(freshness: &Freshness, what: Forget) {
    match what {
        Forget::Nothing => {}
        Forget::Key(key) => freshness.forget(&key),
        Forget::Everything => freshness.versions.forget_all(),
    }
}

/// Tells how it began, once.
fn tell(begun: &mut Option<Done>, how: Result<(), StoreError>) {
    if let Some(begun) = begun.take() {
        let _ = begun.send(how);
    }
}

/// Whether a fault may go away by itself.
fn may_pass(fault: &StoreError) -> bool {
    matches!(fault, StoreError::Away { .. } | StoreError::Busy { .. })
}

/// What a fault says, without the place, which is said anyway.
fn why(fault: &StoreError, place: &Place) -> Arc<str> {
    let text = fault.to_string();
    text.strip_prefix(&format!("{place}: "))
        .unwrap_or(&text)
        .into()
}

/// A connection that listens, with the state of the database when it was asked after that.
async fn connect(url: Url, pepper: Option<String>) -> Result<(Live, Mark, Instant), StoreError> {
    let place = Place::Postgres(url.clone());
    let slow = |place| StoreError::Away {
        place,
        why: format!("no answer within {} s", PATIENCE.as_secs()).into(),
    };
    let session = Session::open(&url).await?;
    let begun = timeout(PATIENCE, begin(&session.client, &url)).await;
    let (find, mark, state, stored, asked) = begun.map_err(|_| slow(place.clone()))??;
    if stored != pepper {
        let at = place.clone();
        let agreed = tokio::task::spawn_blocking(move || {
            agree_on_pepper(&mut Database::connect(&url)?, &at, pepper.as_deref())
        });
        agreed.await.map_err(|_| slow(place))??;
    }
    let live = Live {
        session,
        find,
        mark,
    };
    Ok((live, state, asked))
}

type Begun = (Statement, Statement, Mark, Option<String>, Instant);

async fn begin(client: &Client, url: &Url) -> Result<Begun, StoreError> {
    let told = |source| fault(url, &source);
    // Listened first: what changes after the mark was read is heard of.
    client.batch_execute("LISTEN htgate").await.map_err(told)?;
    let find = client.prepare(BY_SECRET).await.map_err(told)?;
    let mark = client.prepare(MARK).await.map_err(told)?;
    let pepper = client
        .query_one("SELECT pepper FROM htgate.store", &[])
        .await;
    let pepper = pepper.and_then(|row| row.try_get(0)).map_err(told)?;
    let asked = Instant::now();
    let state = read_mark(client, &mark, url).await?;
    Ok((find, mark, state, pepper, asked))
}

async fn read_mark(client: &Client, mark: &Statement, url: &Url) -> Result<Mark, StoreError> {
    let row = client.query_one(mark, &[]).await;
    row.and_then(|row| {
        Ok(Mark {
            changes: row.try_get(0)?,
            stamp: row.try_get(1)?,
        })
    })
    .map_err(|source| fault(url, &source))
}

async fn look(
    client: &Client,
    mark: &Statement,
    url: &Url,
    state: &State,
    done: Option<Done>,
) -> Look {
    let asked = Instant::now();
    let mark = timeout(PATIENCE, read_mark(client, mark, url)).await;
    Look {
        asked,
        mark: mark.unwrap_or_else(|_| Err(state.no_answer())),
        done,
    }
}

async fn answer_with(
    client: &Client,
    find: &Statement,
    url: &Url,
    index: Index,
    answer: oneshot::Sender<Result<Option<ApiKeyRecord>, StoreError>>,
) {
    let asked = client.query_opt(find, &[&index.as_slice()]).await;
    let told = match asked {
        Ok(None) => Ok(None),
        Ok(Some(row)) => found(url, &row, &index).map(Some),
        Err(source) => Err(fault(url, &source)),
    };
    let _ = answer.send(told);
}
