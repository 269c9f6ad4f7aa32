//! What a node has heard of the changes in a database, and what it must forget of its keys.
//!
//! Changes are numbered without gaps. A notification tells of one, with its number, the stamp it
//! left and the key. It is only a hint: what counts is the number and the stamp in the database,
//! which a node reads several times a second.

use std::time::Duration;

use tokio::time::Instant;

use crate::identity::ApiKeyId;

/// How long a notification may be behind what was read.
const GRACE: Duration = Duration::from_millis(100);

/// A state of the database: how many changes led to it, and the stamp of the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) changes: i64,
    pub(super) stamp: String,
}

/// What counts no more of what is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forget {
    Nothing,
    Key(ApiKeyId),
    Everything,
}

/// The state that all that is remembered fits, and the one it is known to be behind.
#[derive(Default)]
pub(super) struct News {
    seen: Option<Mark>,
    behind: Option<(Mark, Instant)>,
}

impl News {
    /// A connection begins: nothing was heard for a while.
    pub(super) fn begin(&mut self, mark: Mark) -> Forget {
        self.behind = None;
        if self.seen.as_ref() == Some(&mark) {
            return Forget::Nothing;
        }
        self.seen = Some(mark);
        Forget::Everything
    }

    /// Whether there was ever a connection.
    pub(super) fn has_begun(&self) -> bool {
        self.seen.is_some()
    }

    /// A notification has come.
    pub(super) fn heard(&mut self, payload: &str) -> Forget {
        let Some((mark, key)) = parse(payload) else {
            return Forget::Everything;
        };
        let last = self.changes();
        // It was caught up with already.
        if mark.changes <= last {
            return Forget::Nothing;
        }
        let next = mark.changes == last + 1;
        self.seen = Some(mark);
        match key {
            Some(key) if next => Forget::Key(key),
            _ => Forget::Everything,
        }
    }

    /// The state was read.
    pub(super) fn read(&mut self, mark: Mark, now: Instant) -> Forget {
        if self.seen.as_ref() == Some(&mark) {
            self.behind = None;
            return Forget::Nothing;
        }
        if mark.changes > self.changes() {
            let until = self.behind.take().map_or(now + GRACE, |(_, until)| until);
            self.behind = Some((mark, until));
            return Forget::Nothing;
        }
        // Another history than the one we know, as after a restored backup.
        self.begin(mark)
    }

    /// When what was read has been waited for long enough.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.behind.as_ref().map(|(_, until)| *until)
    }

    /// The deadline is over.
    pub(super) fn overdue(&mut self) -> Forget {
        match self.behind.take() {
            Some((mark, _)) if mark.changes > self.changes() => self.begin(mark),
            // The notifications came; the next read will show whether they told the truth.
            _ => Forget::Nothing,
        }
    }

    /// How many changes are taken up.
    pub(super) fn changes(&self) -> i64 {
        self.seen.as_ref().map_or(i64::MIN, |mark| mark.changes)
    }
}

/// Reads `NUMBER STAMP` or `NUMBER STAMP KEY`.
fn parse(payload: &str) -> Option<(Mark, Option<ApiKeyId>)> {
    let mut words = payload.split(' ');
    let changes = words.next()?.parse().ok()?;
    let stamp = words.next()?.to_owned();
    let key = words.next().and_then(|id| ApiKeyId::parse(id).ok());
    Some((Mark { changes, stamp }, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789ab";

    fn mark(changes: i64, stamp: &str) -> Mark {
        let stamp = stamp.to_owned();
        Mark { changes, stamp }
    }

    fn at(changes: i64) -> News {
        let mut news = News::default();
        assert_eq!(news.begin(mark(changes, "s")), Forget::Everything);
        news
    }

    fn key() -> Forget {
        Forget::Key(ApiKeyId::parse(KEY).unwrap())
    }

    #[test]
    fn the_next_change_concerns_its_key_and_anything_else_everything() {
        for (payload, forget, seen) in [
            ("8 t 0123456789ab", key(), 8),
            ("8 t", Forget::Everything, 8),
            ("8 t not-an-id!", Forget::Everything, 8),
            ("9 t 0123456789ab", Forget::Everything, 9), // one was lost
            ("7 s 0123456789ab", Forget::Nothing, 7),    // known already
            ("3 s 0123456789ab", Forget::Nothing, 7),
            ("", Forget::Everything, 7),
            ("many t 0123456789ab", Forget::Everything, 7),
        ] {
            let mut news = at(7);
            assert_eq!(news.heard(payload), forget, "{payload}");
            assert_eq!(news.changes(), seen, "{payload}");
        }
    }

    #[test]
    fn a_connection_to_the_state_that_is_known_forgets_nothing() {
        let mut news = at(7);
        assert_eq!(news.begin(mark(7, "s")), Forget::Nothing);
        assert_eq!(news.begin(mark(7, "t")), Forget::Everything);
        assert_eq!(news.begin(mark(8, "t")), Forget::Everything);
        assert_eq!(news.begin(mark(2, "t")), Forget::Everything);
    }

    #[test]
    fn a_notification_that_does_not_come_is_waited_for_only_a_moment() {
        let now = Instant::now();
        let mut news = at(7);
        assert_eq!(news.read(mark(9, "u"), now), Forget::Nothing);
        let deadline = news.deadline().unwrap();
        assert_eq!(deadline, now + GRACE);
        // A later read doesn't put it off.
        assert_eq!(news.read(mark(10, "v"), now + GRACE / 2), Forget::Nothing);
        assert_eq!(news.deadline(), Some(deadline));
        assert_eq!(news.heard("8 t 0123456789ab"), key());
        assert_eq!(news.overdue(), Forget::Everything);
        assert_eq!((news.changes(), news.deadline()), (10, None));
    }

    #[test]
    fn notifications_that_come_in_time_make_it_known_key_by_key() {
        let now = Instant::now();
        let mut news = at(7);
        assert_eq!(news.read(mark(8, "t"), now), Forget::Nothing);
        assert_eq!(news.heard("8 t 0123456789ab"), key());
        assert_eq!(news.read(mark(8, "t"), now), Forget::Nothing);
        assert_eq!(news.deadline(), None);
    }

    #[test]
    fn another_history_is_noticed() {
        let now = Instant::now();
        for other in [mark(7, "other"), mark(3, "s"), mark(3, "other")] {
            let mut news = at(7);
            assert_eq!(news.read(other.clone(), now), Forget::Everything);
            assert_eq!(news.read(other, now), Forget::Nothing);
        }
        // A notification that anybody has made up covers the true one, but not for long.
        let mut news = at(7);
        assert_eq!(news.heard("8 forged zzzzzzzzzzzz"), {
            Forget::Key(ApiKeyId::parse("zzzzzzzzzzzz").unwrap())
        });
        assert_eq!(news.heard("8 t 0123456789ab"), Forget::Nothing);
        assert_eq!(news.read(mark(8, "t"), now), Forget::Everything);
    }
}
