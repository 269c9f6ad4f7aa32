//! The thread behind a [`Link`](super::Link): stays connected, answers questions, and lets be
//! forgotten what has changed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt as _, pin_mut};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::connect::Tables;
use super::link::{Done, Question, State};
use super::listening::{Listening, Look};
use super::news::{Forget, Mark, News};
use crate::store::api_keys::Place;
use crate::store::api_keys::error::StoreError;
use crate::store::api_keys::freshness::Freshness;

/// How often the database is asked for its mark.
const BEAT: Duration = Duration::from_millis(250);
/// Between two tries to connect.
const PAUSE: Duration = Duration::from_millis(200);
/// The same where somebody has to set something right first.
const LONG_PAUSE: Duration = Duration::from_millis(800);
/// How long to try to get a connection back before the database counts as away.
const QUICK: Duration = Duration::from_millis(500);
/// So many look-ups are under way at a time; the server does them one after the other.
const UNDER_WAY: usize = 32;

/// What the thread has.
pub(super) struct Follower {
    pepper: Option<String>,
    freshness: Arc<Freshness>,
    state: Arc<State>,
    questions: mpsc::Receiver<Question>,
    news: News,
}

impl Follower {
    pub(super) fn new(
        pepper: Option<String>,
        freshness: Arc<Freshness>,
        state: Arc<State>,
        questions: mpsc::Receiver<Question>,
    ) -> Self {
        Self {
            pepper,
            freshness,
            state,
            questions,
            news: News::default(),
        }
    }

    /// Follows the database until nobody asks any more. Whether it can be used at all is told to
    /// `begun`.
    pub(super) async fn run(mut self, begun: Done) {
        let mut begun = Some(begun);
        let mut just_lost = false;
        loop {
            let connected = Box::pin(self.connect());
            let connected = if just_lost {
                // A server that only ended this one connection has us back at once: who asks waits.
                let slow = |_| Err(self.state.no_answer());
                timeout(QUICK, connected).await.unwrap_or_else(slow)
            } else {
                let Some(connected) = self.refusing(connected).await else {
                    return;
                };
                connected
            };
            just_lost = false;
            let mut pause = PAUSE;
            let lost = match connected {
                Ok((listening, mark, asked)) => {
                    let since = Instant::now();
                    let forget = self.news.begin(mark);
                    self.forget(forget);
                    self.freshness.heard(asked.into_std());
                    self.state.set(None);
                    tell(&mut begun, Ok(()));
                    match self.serve(listening).await {
                        None => return,
                        Some(Lost::Closed(_)) if since.elapsed() > PAUSE => {
                            just_lost = true;
                            continue;
                        }
                        Some(Lost::Closed(why) | Lost::Mute(why)) => why,
                    }
                }
                Err(fault) => {
                    if !matches!(fault, StoreError::Away { .. }) {
                        pause = LONG_PAUSE;
                    }
                    let why = why(&fault, &self.state.place());
                    if !may_pass(&fault) && tell(&mut begun, Err(fault)) {
                        return;
                    }
                    // It was in order once, or nobody waits; somebody may set it right.
                    why
                }
            };
            self.state.set(Some(lost));
            tell(&mut begun, Ok(()));
            if self.refusing(sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// Connects. Tables that were there once are not made anew.
    fn connect(
        &self,
    ) -> impl Future<Output = Result<(Listening, Mark, Instant), StoreError>> + use<> {
        let tables = if self.news.has_begun() {
            Tables::Expected
        } else {
            Tables::Made
        };
        Listening::begin(self.state.url.clone(), self.pepper.clone(), tables)
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
    async fn serve(&mut self, mut listening: Listening) -> Option<Lost> {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut waiting: Vec<(i64, Done)> = Vec::new();
        let (server, notices) = listening.halves();
        let mut finds = FuturesUnordered::new();
        let mut looks = FuturesUnordered::new();
        let lost = loop {
            let deadline = self.news.deadline();
            // In this order: a reading is older than the notifications that came after it, and a
            // flood of questions must not keep anything else from being heard.
            tokio::select! {
                biased;
                Some(look) = looks.next() => {
                    let Look { asked, mark, done } = look;
                    let mark = match mark {
                        Ok(mark) => mark,
                        Err(fault) => break Some(why(&fault, &self.state.place())),
                    };
                    self.freshness.heard(asked.into_std());
                    waiting.extend(done.map(|done| (mark.changes, done)));
                    let forget = self.news.read(mark, Instant::now());
                    self.forget(forget);
                }
                notice = notices.recv() => match notice {
                    Some(notice) => {
                        let forget = self.news.heard(&notice);
                        self.forget(forget);
                    }
                    None => break None,
                },
                () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => {
                    let forget = self.news.overdue();
                    self.forget(forget);
                }
                _ = beat.tick() => if looks.is_empty() {
                    looks.push(server.look(None));
                },
                Some(()) = finds.next() => {}
                question = self.questions.recv(), if finds.len() < UNDER_WAY => match question? {
                    Question::CatchUp(done) => looks.push(server.look(Some(done))),
                    Question::Find(index, asker) if !asker.is_closed() => {
                        finds.push(server.find(index, asker));
                    }
                    Question::Find(..) => {}
                },
            }
            let changes = self.news.changes();
            for (_, done) in waiting.extract_if(.., |(wanted, _)| *wanted <= changes) {
                let _ = done.try_send(Ok(()));
            }
        };
        drop((finds, looks));
        Some(match lost {
            Some(why) if !listening.is_closed() => Lost::Mute(why),
            _ => Lost::Closed(listening.why().await.into()),
        })
    }

    fn forget(&self, what: Forget) {
        match what {
            Forget::Nothing => {}
            Forget::Key(key) => self.freshness.forget(&key),
            Forget::Everything => self.freshness.versions.forget_all(),
        }
    }
}

/// How a connection ended.
enum Lost {
    /// From the other side.
    Closed(Arc<str>),
    /// From ours: it answers late, or not as it should.
    Mute(Arc<str>),
}

/// Tells how it began, once; whether somebody has heard it.
fn tell(begun: &mut Option<Done>, how: Result<(), StoreError>) -> bool {
    begun.take().is_some_and(|begun| begun.send(how).is_ok())
}

/// Whether users are served all the same, at the start too: the server doesn't answer, or doesn't
/// let us in. What is found out once we are in is another thing, and wants somebody to look.
fn may_pass(fault: &StoreError) -> bool {
    use StoreError::{Away, Busy, Refused};
    matches!(fault, Away { .. } | Busy { .. } | Refused { .. })
}

/// What a fault says, without the place, which is said anyway.
fn why(fault: &StoreError, place: &Place) -> Arc<str> {
    let text = fault.to_string();
    text.strip_prefix(&format!("{place}: "))
        .unwrap_or(&text)
        .into()
}
