//! Verifies passwords: what is known from a cache at once, the rest on a few hashing threads.
//!
//! - The cache holds *verifications* only, under an HMAC of realm, user, stored entry and password
//!   with a random key per process. No password is kept; an edited entry has another cache key, a
//!   removed user is never looked for. So a reload needs no flush, and a verification that ends
//!   after a reload is filed under a key that nobody will ask for.
//! - Right answers and wrong ones have separate caches: no flood of guesses evicts a user.
//! - A user who does not exist, or whose entry is locked, costs what the file's entries cost.
//! - Equal checks in flight run once. The hashing thread owns all that a check needs, so a client
//!   that hangs up neither stops nor repeats it.
//! - Hashing is bounded in threads, queue and waiting time; beyond that it is trouble, not a no.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::sync::watch;
use zeroize::Zeroizing;

use super::Unavailable;
use crate::identity::{Password, Username};
use crate::password_hash::PasswordHash;
use crate::store::Htpasswd;

/// Waiting checks per hashing thread before further ones are refused.
const QUEUE_PER_THREAD: usize = 64;
/// How long a check may wait for a hashing thread.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How long, and how many, wrong answers are remembered: enough for a client that repeats one.
const WRONG_TTL: Duration = Duration::from_secs(30);
const WRONG_CAPACITY: u64 = 10_000;

/// What may be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a verified password may skip its hash.
    pub ttl: Duration,
    /// How many are remembered.
    pub capacity: u64,
}

/// HMAC of everything that a verification depends on.
type CheckKey = [u8; 32];

/// Verifies passwords; shared by all workers.
pub struct Verifier {
    secret: Hmac<Sha256>,
    /// Chooses what an unknown name costs.
    stand_ins: Hmac<Sha256>,
    limits: Limits,
    shared: Arc<Shared>,
}

struct Shared {
    right: moka::sync::Cache<CheckKey, ()>,
    wrong: moka::sync::Cache<CheckKey, ()>,
    work: Mutex<Work>,
    wake: Condvar,
    longest_queue: usize,
}

#[derive(Default)]
struct Work {
    queue: VecDeque<Job>,
    /// Checks that wait or run, for those who ask the same.
    flights: HashMap<CheckKey, watch::Receiver<Progress>>,
    closed: bool,
}

struct Job {
    key: CheckKey,
    hash: Arc<PasswordHash>,
    /// Whether the hash is a user's own, and not a stand-in, which nothing matches.
    subject: Subject,
    password: Password,
    progress: watch::Sender<Progress>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    User,
    Nobody,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    Running,
    Done(bool),
}

impl Verifier {
    /// Starts the hashing threads: one per core.
    ///
    /// `lasting` is a secret that outlives the process, and is the same on all machines that
    /// answer for a site where it can be: by it an unknown name costs the same every time, as a
    /// known one does. Without one, a restart would tell them apart in a file of mixed costs.
    ///
    /// # Errors
    /// When the system gives no random bytes or no threads.
    pub fn start(limits: Limits, lasting: Option<&[u8]>) -> io::Result<Self> {
        let mut secret = Zeroizing::new([0; 32]);
        getrandom::fill(secret.as_mut_slice()).map_err(io::Error::other)?;
        let hmac = |key: &[u8]| Hmac::new_from_slice(key).map_err(io::Error::other);
        let threads = std::thread::available_parallelism()?.get();
        let shared = Arc::new(Shared {
            right: moka::sync::Cache::builder()
                .max_capacity(limits.capacity)
                .time_to_live(limits.ttl)
                .build(),
            wrong: moka::sync::Cache::builder()
                .max_capacity(WRONG_CAPACITY)
                .time_to_live(WRONG_TTL)
                .build(),
            work: Mutex::default(),
            wake: Condvar::new(),
            longest_queue: threads * QUEUE_PER_THREAD,
        });
        for number in 0..threads {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new()
                .name(format!("hash-{number}"))
                .spawn(move || shared.run())?;
        }
        Ok(Self {
            secret: hmac(secret.as_slice())?,
            stand_ins: hmac(lasting.unwrap_or(secret.as_slice()))?,
            limits,
            shared,
        })
    }

    /// What it was started with.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether the password is that user's, according to the file as it stands.
    ///
    /// # Errors
    /// [`Unavailable::Busy`] when too many checks wait, or this one waited too long.
    pub async fn verify(
        &self,
        realm: &str,
        users: &Htpasswd,
        user: &Username,
        password: &[u8],
    ) -> Result<bool, Unavailable> {
        let (hash, subject) = match users
            .get(user.as_bytes())
            .and_then(|entry| entry.hash().ok())
        {
            Some(hash) => (&Arc::new(hash), Subject::User),
            None => (users.stand_in_for(self.point(realm, user)), Subject::Nobody),
        };
        if hash.is_cheap() {
            let password = Password::new(Zeroizing::new(password.to_vec()));
            return Ok(hash.verify(&password) && subject == Subject::User);
        }
        let key = self.key(realm, user, hash, subject, password);
        if self.shared.right.get(&key).is_some() {
            return Ok(true);
        }
        if self.shared.wrong.get(&key).is_some() {
            return Ok(false);
        }
        let mut progress = self.shared.join(key, hash, subject, password)?;
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

    /// Where in the file's mix of costs a name without an entry falls: always at the same place.
    fn point(&self, realm: &str, user: &Username) -> u64 {
        let parts: [&[u8]; 3] = [b"stand-in", realm.as_bytes(), user.as_bytes()];
        let digest = digest(&self.stand_ins, &parts);
        digest
            .iter()
            .take(8)
            .fold(0, |point, byte| point << 8 | u64::from(*byte))
    }

    fn key(
        &self,
        realm: &str,
        user: &Username,
        hash: &PasswordHash,
        subject: Subject,
        password: &[u8],
    ) -> CheckKey {
        let subject: &[u8] = match subject {
            Subject::User => b"user",
            Subject::Nobody => b"nobody",
        };
        let parts = [
            subject,
            realm.as_bytes(),
            user.as_bytes(),
            hash.text(),
            password,
        ];
        digest(&self.secret, &parts)
    }
}

/// HMAC over the parts, each behind its length: no two lists of parts look alike.
fn digest(secret: &Hmac<Sha256>, parts: &[&[u8]]) -> CheckKey {
    let mut mac = secret.clone();
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl Drop for Verifier {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.wake.notify_all();
    }
}

impl Shared {
    /// Joins the flight of an equal check, or starts one.
    fn join(
        &self,
        key: CheckKey,
        hash: &Arc<PasswordHash>,
        subject: Subject,
        password: &[u8],
    ) -> Result<watch::Receiver<Progress>, Unavailable> {
        let mut work = self.lock();
        if let Some(flight) = work.flights.get(&key) {
            return Ok(flight.clone());
        }
        if work.queue.len() >= self.longest_queue {
            return Err(Unavailable::Busy);
        }
        // A flight may have landed between the look into the caches and the lock.
        let landed = match (self.right.contains_key(&key), self.wrong.contains_key(&key)) {
            (true, _) => Progress::Done(true),
            (_, true) => Progress::Done(false),
            _ => Progress::Waiting,
        };
        let (progress, flight) = watch::channel(landed);
        if landed == Progress::Waiting {
            work.flights.insert(key, flight.clone());
            work.queue.push_back(Job {
                key,
                hash: Arc::clone(hash),
                subject,
                password: Password::new(Zeroizing::new(password.to_vec())),
                progress,
            });
            self.wake.notify_one();
        }
        Ok(flight)
    }

    /// A hashing thread: takes one check after the other until the verifier is dropped.
    fn run(&self) {
        while let Some(job) = self.next() {
            job.progress.send_replace(Progress::Running);
            // A panic would be a bug in a hash; it must not cost the thread, nor be a yes.
            let hashed = catch_unwind(AssertUnwindSafe(|| job.hash.verify(&job.password)));
            let verdict = hashed.unwrap_or(false) && job.subject == Subject::User;
            let cache = if verdict { &self.right } else { &self.wrong };
            cache.insert(job.key, ());
            self.lock().flights.remove(&job.key);
            job.progress.send_replace(Progress::Done(verdict));
        }
    }

    fn next(&self) -> Option<Job> {
        let mut work = self.lock();
        loop {
            if let Some(job) = work.queue.pop_front() {
                // Whoever waited too long has gone; nobody is left to tell.
                if job.progress.receiver_count() > 1 {
                    return Some(job);
                }
                work.flights.remove(&job.key);
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

#[cfg(test)]
mod tests;
