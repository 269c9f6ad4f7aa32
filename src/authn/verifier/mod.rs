//! Verifies passwords: what is known from a cache at once, the rest on a few hashing threads.
//!
//! - The cache holds *verifications* only, under a keyed hash of realm, user, stored entry and
//!   password. No password is kept; an edited entry has another cache key, a removed user is never
//!   looked for. So a reload needs no flush, and a verification that ends after a reload is filed
//!   under a key that nobody will ask for.
//! - Right answers and wrong ones have separate caches: no flood of guesses evicts a user.
//! - A user who does not exist, or whose entry is locked, costs what the file's entries cost.
//! - Equal checks in flight run once. The hashing thread owns all that a check needs, so a client
//!   that hangs up neither stops nor repeats it.
//! - Hashing is bounded in threads, queue and waiting time; beyond that it is trouble, not a no.
//! - Guesses are limited by the client's network and the user together, before they are hashed.

mod hashing;
mod source;
mod throttle;
mod turns;

use std::hint::black_box;
use std::io;
use std::net::IpAddr;
use std::sync::Once;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tracing::warn;
use zeroize::Zeroizing;

pub use self::throttle::Allowance;

use self::hashing::{Check, Hashing, Subject};
use self::source::Source;
use self::throttle::Score;
use super::Unavailable;
use crate::fingerprint::{Fingerprint, Fingerprinter, Looks};
use crate::identity::{Password, Username};
use crate::password_hash::{PasswordHash, Unusable, WeakFormats};
use crate::request::Defect;
use crate::store::Htpasswd;
use crate::store::htpasswd::Entry;

/// What may be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a verified password may skip its hash.
    pub ttl: Duration,
    /// How many are remembered.
    pub capacity: u64,
    /// How many guesses are let through; without it, all.
    pub guesses: Option<Allowance>,
}

/// What verifying has cost so far, and has to do.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Looks for what is remembered; entries are of right passwords.
    pub looks: Looks,
    /// Hashes that were computed.
    pub hashes: u64,
    /// How long that took, in all.
    pub hashing: Duration,
    /// Checks that waited for an equal one instead.
    pub joined: u64,
    /// Checks that wait for a hashing thread.
    pub waiting: usize,
    /// Checks that are being computed.
    pub running: usize,
    /// How many may wait.
    pub most: usize,
}

/// Verifies passwords; shared by all workers.
pub struct Verifier {
    fingerprinter: Fingerprinter,
    /// Chooses what an unknown name costs.
    stand_ins: Hmac<Sha256>,
    limits: Limits,
    hashing: Hashing,
    /// Tells, once, that no proxy says where guesses come from.
    untold: Once,
}

/// What a password is held against.
enum Stored<'f> {
    /// What the file says of the user.
    Entry(Entry<'f>),
    /// What nobody's password fits.
    StandIn(&'f PasswordHash),
}

impl Stored<'_> {
    fn subject(&self) -> Subject {
        match self {
            Self::Entry(_) => Subject::User,
            Self::StandIn(_) => Subject::Nobody,
        }
    }

    fn text(&self) -> &[u8] {
        match self {
            Self::Entry(entry) => entry.text(),
            Self::StandIn(hash) => hash.text(),
        }
    }

    fn is_cheap(&self) -> bool {
        match self {
            Self::Entry(entry) => entry.is_cheap(),
            Self::StandIn(hash) => hash.is_cheap(),
        }
    }

    /// Read from its text anew, also where it need not be: both take the same time.
    fn hash(&self) -> Result<PasswordHash, Unusable> {
        match self {
            Self::Entry(entry) => entry.hash(),
            Self::StandIn(hash) => PasswordHash::parse(hash.text(), WeakFormats::ALL),
        }
    }
}

impl Verifier {
    /// Starts the hashing threads.
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
        let stand_ins = Hmac::new_from_slice(lasting.unwrap_or(secret.as_slice()));
        Ok(Self {
            fingerprinter: Fingerprinter::random().map_err(io::Error::other)?,
            stand_ins: stand_ins.map_err(io::Error::other)?,
            limits,
            hashing: Hashing::start(limits)?,
            untold: Once::new(),
        })
    }

    /// What it was started with.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What was done so far, and what there is to do.
    #[must_use]
    pub fn load(&self) -> Load {
        self.hashing.load()
    }

    /// Whether the password is that user's, according to the file as it stands.
    ///
    /// # Errors
    /// [`Unavailable::Throttled`] when this network guessed too often at this user,
    /// [`Unavailable::Busy`] when too many checks wait, or this one waited too long, and
    /// [`Unavailable::Client`] when the client's address is told, and badly.
    pub async fn verify<C>(
        &self,
        realm: &str,
        users: &Htpasswd,
        user: &Username,
        password: &[u8],
        client: &C,
    ) -> Result<bool, Unavailable>
    where
        C: Fn() -> Result<IpAddr, Defect>,
    {
        let stored = match users.get(user.as_bytes()) {
            Some(entry) if entry.is_live() => Stored::Entry(entry),
            _ => Stored::StandIn(users.stand_in_for(self.point(realm, user))),
        };
        let source = self.source(client)?;
        let score = || self.score(source, realm, user);
        // SECURITY: before anything is looked up. What is remembered must not show.
        self.hashing.admit(score)?;
        let key = self.key(source, realm, user, &stored, password);
        match self.hashing.known(&key) {
            Some(true) => return Ok(true),
            // SECURITY: what was computed for an unknown name above is computed for everybody who
            // may be told "no", or it would show where hashes are cheap, or known.
            known => {
                if stored.subject() == Subject::User {
                    black_box(self.point(realm, user));
                }
                if known == Some(false) {
                    return Ok(false);
                }
            }
        }
        let Ok(hash) = stored.hash() else {
            return Ok(false);
        };
        let check = Check {
            key,
            hash,
            subject: stored.subject(),
            password: Password::new(Zeroizing::new(password.to_vec())),
            source,
            score: score(),
        };
        if stored.is_cheap() {
            self.hashing.verdict_at_once(check)
        } else {
            self.hashing.verdict(check).await
        }
    }

    /// Where an attempt comes from. A policy that the endpoint's own path names needs no
    /// description, so a proxy may not say; what it says wrong is no reason to guess.
    fn source<C>(&self, client: &C) -> Result<Source, Defect>
    where
        C: Fn() -> Result<IpAddr, Defect>,
    {
        match client() {
            Ok(client) => Ok(Source::of(client)),
            Err(Defect::Missing(header)) => {
                if self.limits.guesses.is_some() {
                    self.untold.call_once(|| {
                        warn!("guesses are not limited where the proxy does not send {header}");
                    });
                }
                Ok(Source::Untold)
            }
            Err(defect) => Err(defect),
        }
    }

    /// What an attempt is scored as: its network and the user together.
    fn score(&self, source: Source, realm: &str, user: &Username) -> Option<Score> {
        let (realm, user) = (realm.as_bytes(), user.as_bytes());
        let told = source != Source::Untold;
        told.then(|| {
            self.fingerprinter
                .of([b"score", &source.bytes(), realm, user])
        })
    }

    /// Under what a verification is remembered: all that it depends on, and where it came from.
    /// Elsewhere the same password may be a guess.
    fn key(
        &self,
        source: Source,
        realm: &str,
        user: &Username,
        stored: &Stored<'_>,
        password: &[u8],
    ) -> Fingerprint {
        let subject: &[u8] = match stored.subject() {
            Subject::User => b"user",
            Subject::Nobody => b"nobody",
        };
        let (realm, user) = (realm.as_bytes(), user.as_bytes());
        self.fingerprinter.of([
            subject,
            &source.bytes(),
            realm,
            user,
            stored.text(),
            password,
        ])
    }

    /// Where in the file's mix of costs a name without an entry falls: always at the same place.
    fn point(&self, realm: &str, user: &Username) -> u64 {
        let mut mac = self.stand_ins.clone();
        for part in [realm.as_bytes(), user.as_bytes()] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        let digest = mac.finalize().into_bytes();
        digest
            .iter()
            .take(8)
            .fold(0, |point, byte| point << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests;
