//! Guesses, scored by the client's network and the user together.
//!
//! Never by the user alone, or anybody could lock anybody out; and not by the network alone, or
//! one guesser would lock out the neighbours. An attempt is charged before it is hashed, so that
//! many at once get no further than one after the other; a right one clears the score. In this
//! process only: several machines count each for itself, and a restart begins anew.
//!
//! A password that was right before, from that network, is no guess: its user passes while somebody
//! guesses next door. But whoever is next door could then try passwords against what is remembered,
//! as fast as the wire goes. So attempts that are refused are counted too, and a network that
//! goes on and on is barred from that user for a while: whatever it shows, the answer is the same.
//!
//! The arithmetic is governor's (the generic cell rate algorithm): `failures` attempts at once,
//! and one more each `window / failures`.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{Quota, RateLimiter};
use moka::sync::Cache;

use crate::fingerprint::{AsItIs, Fingerprint};

/// How many scores are kept: those that are asked for most, should there be more.
const SCORES: u64 = 50_000;

/// How many wrong passwords are let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// So many at once,
    pub failures: NonZeroU32,
    /// and so many again each time this has passed.
    pub window: Duration,
}

/// A network and a user, as what an attempt is scored.
pub(super) type Score = Fingerprint;

/// How many refused attempts a window has for each failure that it allows, before the network is
/// barred.
const PERSISTENCE: u32 = 10;

/// Who may try again, and when.
pub(super) struct Throttle<C: Clock = Uptime> {
    wrong: Limiter<C>,
    refused: Limiter<C>,
    /// Until when, since the start.
    barred: Cache<Score, Duration, AsItIs>,
    /// When everybody who was ever barred is free again, in milliseconds since the start: until
    /// somebody is barred, a user who is known costs no look into the cache.
    all_free: AtomicU64,
    started: Instant,
    window: Duration,
}

impl Throttle {
    pub(super) fn new(allowance: Allowance) -> Self {
        Self::with_clock(allowance, &Uptime(Instant::now()))
    }
}

impl<C: Clock + Clone> Throttle<C> {
    fn with_clock(Allowance { failures, window }: Allowance, clock: &C) -> Self {
        let patience = failures.saturating_mul(NonZeroU32::MIN.saturating_add(PERSISTENCE - 1));
        Self {
            wrong: Limiter::new(failures, window, clock.clone()),
            refused: Limiter::new(patience, window, clock.clone()),
            barred: Cache::builder()
                .max_capacity(SCORES)
                .time_to_live(window)
                .build_with_hasher(AsItIs::default()),
            all_free: AtomicU64::new(0),
            started: Instant::now(),
            window,
        }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// How long until there may be another one, if there were too many.
    pub(super) fn charge(&self, score: &Score) -> Result<(), Duration> {
        let Err(wait) = self.wrong.charge(score) else {
            return Ok(());
        };
        if self.refused.charge(score).is_err() {
            let until = self.started.elapsed() + self.window;
            self.barred.insert(*score, until);
            let millis = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
            self.all_free.fetch_max(millis, Ordering::Relaxed);
        }
        Err(wait)
    }

    /// Whether somebody may be barred at all, which is rare.
    pub(super) fn is_alarmed(&self) -> bool {
        let all_free = self.all_free.load(Ordering::Relaxed);
        all_free > 0 && u128::from(all_free) > self.started.elapsed().as_millis()
    }

    /// Lets nobody through who is barred.
    ///
    /// # Errors
    /// For how long that is.
    pub(super) fn admit(&self, score: &Score) -> Result<(), Duration> {
        let left = self.barred.get(score);
        let left = left.map(|until| until.saturating_sub(self.started.elapsed()));
        left.filter(|left| !left.is_zero()).map_or(Ok(()), Err)
    }

    /// Forgets what was counted, since somebody knew the password.
    pub(super) fn clear(&self, score: &Score) {
        self.wrong.scores.0.invalidate(score);
    }
}

/// So many at once, for each score.
struct Limiter<C: Clock> {
    limiter: RateLimiter<Score, Scores, C, NoOpMiddleware<C::Instant>>,
    scores: Scores,
}

impl<C: Clock> Limiter<C> {
    fn new(burst: NonZeroU32, window: Duration, clock: C) -> Self {
        let pace = (window / burst.get()).max(Duration::from_nanos(1));
        #[expect(clippy::expect_used, reason = "a pace is never nothing")]
        let quota = Quota::with_period(pace).expect("more than nothing");
        let scores = Cache::builder()
            .max_capacity(SCORES)
            // A score that was left alone for this long is as good as none.
            .time_to_idle(window)
            .build_with_hasher(AsItIs::default());
        let scores = Scores(scores);
        Self {
            limiter: RateLimiter::new(quota.allow_burst(burst), scores.clone(), clock),
            scores,
        }
    }

    fn charge(&self, score: &Score) -> Result<(), Duration> {
        self.limiter
            .check_key(score)
            .map_err(|until| until.wait_time_from(self.limiter.clock().now()))
    }
}

/// The scores, bounded; a clone has the same ones.
#[derive(Clone)]
struct Scores(Cache<Score, Arc<InMemoryState>, AsItIs>);

impl StateStore for Scores {
    type Key = Score;

    fn measure_and_replace<T, F, E>(&self, score: &Score, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let state = self.0.get_with(*score, Arc::default);
        state.measure_and_replace(&NotKeyed::NonKey, f)
    }
}

/// Time since the start: monotonic, so no change of the clock is a way past the throttle.
#[derive(Clone)]
pub(super) struct Uptime(Instant);

impl Clock for Uptime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;
    use crate::fingerprint::Fingerprinter;

    const SECOND: Duration = Duration::from_secs(1);

    fn throttle(
        failures: u32,
        window: Duration,
    ) -> (Throttle<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        clock.advance(SECOND);
        let failures = NonZeroU32::new(failures).unwrap();
        let allowance = Allowance { failures, window };
        (Throttle::with_clock(allowance, &clock), clock)
    }

    /// Three scores; what is scored is the verifier's matter.
    fn scores() -> [Score; 3] {
        let fingerprinter = Fingerprinter::random().unwrap();
        [b"a", b"b", b"c"].map(|text| fingerprinter.of([text]))
    }

    #[test]
    fn so_many_at_once_and_then_one_each_pace() {
        let (throttle, clock) = throttle(10, 60 * SECOND);
        let [score, ..] = scores();
        let allowed = |_| throttle.charge(&score).is_ok();
        assert_eq!((0..20).filter(|n| allowed(*n)).count(), 10);
        assert_eq!(throttle.charge(&score), Err(6 * SECOND));
        clock.advance(5 * SECOND);
        // Asking meanwhile makes nobody wait longer.
        assert_eq!(throttle.charge(&score), Err(SECOND));
        clock.advance(SECOND);
        assert_eq!((0..20).filter(|n| allowed(*n)).count(), 1);
        clock.advance(600 * SECOND);
        assert_eq!((0..20).filter(|n| allowed(*n)).count(), 10, "never more");
    }

    #[test]
    fn each_score_counts_for_itself() {
        let (throttle, _clock) = throttle(1, 60 * SECOND);
        for score in scores() {
            assert!(throttle.charge(&score).is_ok());
            assert!(throttle.charge(&score).is_err());
        }
    }

    #[test]
    fn a_right_password_clears_the_score() {
        let (throttle, _clock) = throttle(2, 60 * SECOND);
        let [score, ..] = scores();
        assert!(throttle.charge(&score).is_ok());
        throttle.clear(&score);
        let allowed = (0..5).filter(|_| throttle.charge(&score).is_ok()).count();
        assert_eq!(allowed, 2);
    }

    #[test]
    fn a_network_that_goes_on_and_on_is_barred_whatever_it_shows() {
        let (throttle, _clock) = throttle(2, 60 * SECOND);
        let [guesser, neighbour, ..] = scores();
        let refusals = 2 * PERSISTENCE;
        for _ in 0..2 + refusals {
            let _counted = throttle.charge(&guesser);
            assert_eq!(throttle.admit(&guesser), Ok(()));
        }
        assert!(!throttle.is_alarmed());
        assert!(throttle.charge(&guesser).is_err());
        assert!(throttle.is_alarmed());
        let left = throttle.admit(&guesser).unwrap_err();
        assert!((59 * SECOND..=60 * SECOND).contains(&left), "{left:?}");
        assert_eq!(throttle.admit(&neighbour), Ok(()));
    }

    #[test]
    fn no_allowance_is_too_odd() {
        for (failures, window) in [(1, SECOND), (u32::MAX, SECOND), (1, 86_400 * SECOND)] {
            let (throttle, _clock) = throttle(failures, window);
            let [score, ..] = scores();
            assert!(throttle.charge(&score).is_ok(), "{failures} in {window:?}");
        }
    }
}
