//! The time of day, by which keys expire.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// A clock that never goes back while the process lives: a key that was refused as expired stays
/// so, whatever becomes of the machine's clock. One that once jumped ahead stays there until the
/// machine's has caught up, or the service is started anew; that refuses keys, and never lets one
/// in.
#[derive(Debug, Default)]
pub struct Clock {
    /// The latest time that was told, in milliseconds.
    latest: AtomicI64,
}

impl Clock {
    /// The time, to the millisecond.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.after(Timestamp::now())
    }

    /// The later one of what the machine says and what was told before.
    fn after(&self, machine: Timestamp) -> Timestamp {
        let now = machine.as_millisecond();
        let latest = self.latest.fetch_max(now, Ordering::Relaxed);
        Timestamp::from_millisecond(latest.max(now)).unwrap_or(machine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_that_goes_back_in_time_takes_nobody_along() {
        let clock = Clock::default();
        for (machine, told) in [
            ("2026-06-01T12:00:00.25Z", "2026-06-01T12:00:00.25Z"),
            ("2026-06-01T12:00:01Z", "2026-06-01T12:00:01Z"),
            ("2026-06-01T12:00:00.5Z", "2026-06-01T12:00:01Z"),
            ("1970-01-01T00:00:00Z", "2026-06-01T12:00:01Z"),
            ("2036-06-01T12:00:00Z", "2036-06-01T12:00:00Z"),
            ("2026-06-01T12:00:02Z", "2036-06-01T12:00:00Z"),
        ] {
            let machine = machine.parse().unwrap();
            assert_eq!(clock.after(machine), told.parse().unwrap(), "{machine}");
        }
    }
}
