//! Computes hashes, on a few threads of its own, and remembers what came out.
//!
//! On all cores but one, and behind everybody else: whoever is known passes at once however many
//! guess, and what the proxy does meanwhile goes on too. Sources of checks take turns, so whoever
//! isn't known yet waits behind one guess of each guesser, not behind all of them. A check is
//! charged to its score where it begins: equal ones that join it, or come later, cost nothing.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use tokio::sync::watch;

use super::source::Source;
use super::throttle::{Score, Throttle};
use super::turns::{Lane, Turns};
use super::{Limits, Load};
use crate::authn::Unavailable;
use crate::fingerprint::{AsItIs, Fingerprint, LookCounts};
use crate::identity::Password;
use crate::password_hash::PasswordHash;

/// How far hashing stands back where it shares a core (nice(2)): a tenth of what others get.
const NICE: i32 = 10;
/// Waiting checks per hashing thread before further ones are refused.
const QUEUE_PER_THREAD: usize = 64;
/// How long a check may wait for a hashing thread.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How long, and how many, wrong answers are remembered: enough for a client that repeats one.
const WRONG_TTL: Duration = Duration::from_secs(30);
const WRONG_CAPACITY: u64 = 10_000;
/// How long it is known that a password was right: trying it again is no guess.
const FAMILIAR_TTL: Duration = Duration::from_secs(86_400);

/// The hashing threads, and what they found; dropping it ends them.
pub(super) struct Hashing(
    Arc<Shared>,
    /// How many checks may wait.
    usize,
);

/// Something to find out; it owns all that it takes.
pub(super) struct Check {
    pub(super) key: Fingerprint,
    pub(super) hash: PasswordHash,
    /// A stand-in never makes a yes.
    pub(super) subject: Subject,
    pub(super) password: Password,
    /// Where the attempt comes from,
    pub(super) source: Source,
    /// and what it is charged to, if to anything.
    pub(super) score: Option<Score>,
}

/// Whose hash a password is held against.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// The user's own.
    User,
    /// A stand-in, which nothing matches.
    Nobody,
}

struct Shared {
    right: Cache<Fingerprint, (), AsItIs>,
    wrong: Cache<Fingerprint, (), AsItIs>,
    familiar: Cache<Fingerprint, (), AsItIs>,
    throttle: Option<Throttle>,
    work: Mutex<Work>,
    wake: Condvar,
    looks: LookCounts,
    hashes: AtomicU64,
    /// What they took, in nanoseconds.
    hashing: AtomicU64,
    joined: AtomicU64,
}

type Waiting = (Check, watch::Sender<Progress>);

struct Work {
    queue: Turns<Waiting>,
    /// Checks that wait or run, for those who ask the same.
    flights: HashMap<Fingerprint, watch::Receiver<Progress>, AsItIs>,
    closed: bool,
}

impl Work {
    /// Makes room of the checks that nobody waits for any more.
    fn forget_abandoned(&mut self) {
        let flights = &mut self.flights;
        self.queue.retain(|(check, progress)| {
            let awaited = is_awaited(progress);
            if !awaited {
                flights.remove(&check.key);
            }
            awaited
        });
    }
}

/// Whether anybody waits besides the list of flights: who waited too long, or hung up, has gone.
fn is_awaited(progress: &watch::Sender<Progress>) -> bool {
    progress.receiver_count() > 1
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    Running,
    Done(bool),
}

impl Hashing {
    /// # Errors
    /// When the system gives no threads.
    pub(super) fn start(limits: Limits) -> io::Result<Self> {
        let threads = std::thread::available_parallelism()?.get() - 1;
        let threads = threads.max(1);
        let most = threads * QUEUE_PER_THREAD;
        let cache = |capacity, ttl| {
            Cache::builder()
                .max_capacity(capacity)
                .time_to_live(ttl)
                .eviction_policy(EvictionPolicy::lru())
                .build_with_hasher(AsItIs::default())
        };
        let shared = Arc::new(Shared {
            right: cache(limits.capacity, limits.ttl),
            wrong: cache(WRONG_CAPACITY, WRONG_TTL),
            familiar: cache(limits.capacity, FAMILIAR_TTL),
            throttle: limits.guesses.map(Throttle::new),
            work: Mutex::new(Work {
                queue: Turns::new(most),
                flights: HashMap::default(),
                closed: false,
            }),
            wake: Condvar::new(),
            looks: LookCounts::default(),
            hashes: AtomicU64::new(0),
            hashing: AtomicU64::new(0),
            joined: AtomicU64::new(0),
        });
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || {
                    // For this thread alone (Linux). Where a system call filter forbids it, it is
                    // a thread like the others.
                    let _ = rustix::process::nice(NICE);
                    shared.run();
                })?;
        }
        Ok(Self(shared, most))
    }

    /// The verdict on an equal check, if it is remembered.
    pub(super) fn known(&self, key: &Fingerprint) -> Option<bool> {
        let known = self.0.known(key);
        match known {
            Some(_) => self.0.looks.hit(),
            None => self.0.looks.miss(),
        }
        known
    }

    /// What was done so far, and what there is to do.
    pub(super) fn load(&self) -> Load {
        let shared = &self.0;
        let (waiting, flights) = {
            let work = shared.lock();
            (work.queue.len(), work.flights.len())
        };
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Load {
            looks: shared.looks.looks(shared.right.entry_count()),
            hashes: count(&shared.hashes),
            hashing: Duration::from_nanos(count(&shared.hashing)),
            joined: count(&shared.joined),
            waiting,
            running: flights.saturating_sub(waiting),
            most: self.1,
        }
    }

    /// Lets nobody through whose network is barred from that user, whatever is known; `score` is
    /// asked for where it may matter.
    ///
    /// # Errors
    /// [`Unavailable::Throttled`].
    pub(super) fn admit(&self, score: impl FnOnce() -> Option<Score>) -> Result<(), Unavailable> {
        match &self.0.throttle {
            Some(throttle) if throttle.is_alarmed() => {
                let admitted = score().map_or(Ok(()), |score| throttle.admit(&score));
                admitted.map_err(Unavailable::Throttled)
            }
            _ => Ok(()),
        }
    }

    /// The verdict on a check, once a thread has found it out.
    ///
    /// # Errors
    /// [`Unavailable::Throttled`] when there were too many wrong ones, [`Unavailable::Busy`] when
    /// too many checks wait, or this one waited too long.
    pub(super) async fn verdict(&self, check: Check) -> Result<bool, Unavailable> {
        let mut progress = self.0.join(check)?;
        let started = progress.wait_for(|progress| *progress != Progress::Waiting);
        match tokio::time::timeout(LONGEST_WAIT, started).await {
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => return Err(Unavailable::Busy),
        }
        let done = progress
            .wait_for(|progress| matches!(progress, Progress::Done(_)))
            .await;
        match done.as_deref() {
            Ok(Progress::Done(verdict)) => Ok(*verdict),
            Ok(Progress::Waiting | Progress::Running) | Err(_) => Err(Unavailable::Busy),
        }
    }

    /// The verdict on a check that is not worth a thread change.
    ///
    /// # Errors
    /// [`Unavailable::Throttled`] when there were too many wrong ones.
    pub(super) fn verdict_at_once(&self, mut check: Check) -> Result<bool, Unavailable> {
        let lane = self.0.lane(&check);
        self.0.charge(&mut check, lane)?;
        Ok(self.0.find_out(&check))
    }
}

impl Drop for Hashing {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.wake.notify_all();
    }
}

impl Shared {
    /// Looking leaves no trace in the cache, as `get` would: what was found first goes first when
    /// there is no room, and it would also be the first to expire.
    fn known(&self, key: &Fingerprint) -> Option<bool> {
        if self.right.contains_key(key) {
            return Some(true);
        }
        self.wrong.contains_key(key).then_some(false)
    }

    /// Joins the flight of an equal check, or starts one.
    fn join(&self, mut check: Check) -> Result<watch::Receiver<Progress>, Unavailable> {
        let key = check.key;
        let mut work = self.lock();
        if let Some(flight) = work.flights.get(&key) {
            self.joined.fetch_add(1, Ordering::Relaxed);
            return Ok(flight.clone());
        }
        // A flight may have landed between the look into the caches and the lock.
        if let Some(verdict) = self.known(&key) {
            return Ok(watch::channel(Progress::Done(verdict)).1);
        }
        let lane = self.lane(&check);
        if work.queue.is_full() {
            work.forget_abandoned();
        }
        // Before it is charged: who finds no place has tried nothing.
        if !work.queue.has_place(lane) {
            return Err(Unavailable::Busy);
        }
        self.charge(&mut check, lane)?;
        let (progress, flight) = watch::channel(Progress::Waiting);
        // Whoever waits for it hears so when it is dropped.
        if let Some((displaced, _)) = work.queue.push(lane, (check, progress)) {
            work.flights.remove(&displaced.key);
        }
        work.flights.insert(key, flight.clone());
        self.wake.notify_one();
        Ok(flight)
    }

    /// What was right before, from that network, is no guess if it is tried again.
    fn lane(&self, check: &Check) -> Lane {
        if self.familiar.contains_key(&check.key) {
            Lane::First
        } else {
            Lane::Of(check.source)
        }
    }

    /// Charges a check to its score, unless it is no guess.
    fn charge(&self, check: &mut Check, lane: Lane) -> Result<(), Unavailable> {
        let (Some(throttle), Some(score)) = (&self.throttle, check.score) else {
            return Ok(());
        };
        if lane == Lane::First {
            // What was not charged has nothing to clear.
            check.score = None;
            return Ok(());
        }
        throttle.charge(&score).map_err(Unavailable::Throttled)
    }

    /// Computes the hash and remembers what came out.
    fn find_out(&self, check: &Check) -> bool {
        // A panic would be a bug in a hash; it must not cost the thread, nor be a yes.
        let begun = Instant::now();
        let hashed = catch_unwind(AssertUnwindSafe(|| check.hash.verify(&check.password)));
        let took = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.hashing.fetch_add(took, Ordering::Relaxed);
        self.hashes.fetch_add(1, Ordering::Relaxed);
        let verdict = hashed.unwrap_or(false) && check.subject == Subject::User;
        if !verdict {
            self.wrong.insert(check.key, ());
            return false;
        }
        self.familiar.insert(check.key, ());
        self.right.insert(check.key, ());
        if let (Some(throttle), Some(score)) = (&self.throttle, &check.score) {
            throttle.clear(score);
        }
        true
    }

    /// A hashing thread: takes one check after the other until nobody is left to ask.
    fn run(&self) {
        while let Some((check, progress)) = self.next() {
            progress.send_replace(Progress::Running);
            let verdict = self.find_out(&check);
            self.lock().flights.remove(&check.key);
            progress.send_replace(Progress::Done(verdict));
        }
    }

    fn next(&self) -> Option<Waiting> {
        let mut work = self.lock();
        loop {
            if let Some((check, progress)) = work.queue.pop() {
                if is_awaited(&progress) {
                    return Some((check, progress));
                }
                work.flights.remove(&check.key);
                continue;
            }
            if work.closed {
                return None;
            }
            work = self.wake.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// No code that can panic runs under this lock.
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
