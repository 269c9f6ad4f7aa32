//! A bounded queue in which sources take turns, so that a flood waits for itself.

use std::collections::{HashMap, VecDeque};

use super::source::Source;

/// In which lane something waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Lane {
    /// Before everybody else: what is known to be no guess.
    First,
    /// In turn with the others.
    Of(Source),
}

/// What waits, by lane.
pub(super) struct Turns<T> {
    first: VecDeque<T>,
    /// Never empty ones.
    lanes: HashMap<Source, VecDeque<T>>,
    /// Whose turn it is, and who follows; each lane once.
    order: VecDeque<Source>,
    longest: usize,
}

impl<T> Turns<T> {
    /// An empty queue for so many.
    pub(super) fn new(longest: usize) -> Self {
        Self {
            first: VecDeque::new(),
            lanes: HashMap::new(),
            order: VecDeque::new(),
            longest,
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.longest
    }

    pub(super) fn len(&self) -> usize {
        let waiting: usize = self.lanes.values().map(VecDeque::len).sum();
        self.first.len() + waiting
    }

    /// Whether there is a place in this lane: room, or a lane that would still be no shorter than
    /// this one if it gave its last place.
    pub(super) fn has_place(&self, lane: Lane) -> bool {
        let longest = self.lanes.values().map(VecDeque::len).max();
        !self.is_full() || longest > Some(self.len_with_one_more(lane))
    }

    /// Puts something at the end of its lane; what has no place then, which may be this.
    pub(super) fn push(&mut self, lane: Lane, item: T) -> Option<T> {
        if !self.has_place(lane) {
            return Some(item);
        }
        let displaced = if self.is_full() {
            self.shorten_longest()
        } else {
            None
        };
        match lane {
            Lane::First => self.first.push_back(item),
            Lane::Of(source) => {
                let waiting = self.lanes.entry(source).or_default();
                if waiting.is_empty() {
                    self.order.push_back(source);
                }
                waiting.push_back(item);
            }
        }
        displaced
    }

    /// What is next.
    pub(super) fn pop(&mut self) -> Option<T> {
        if let Some(item) = self.first.pop_front() {
            return Some(item);
        }
        let source = self.order.pop_front()?;
        let waiting = self.lanes.get_mut(&source)?;
        let item = waiting.pop_front();
        if waiting.is_empty() {
            self.lanes.remove(&source);
        } else {
            self.order.push_back(source);
        }
        item
    }

    /// Keeps what is to be kept.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        self.first.retain(&mut keep);
        self.lanes.retain(|_, waiting| {
            waiting.retain(&mut keep);
            !waiting.is_empty()
        });
        self.order.retain(|source| self.lanes.contains_key(source));
    }

    /// How long the lane is with one more. What goes first takes a place from anybody.
    fn len_with_one_more(&self, lane: Lane) -> usize {
        match lane {
            Lane::First => 0,
            Lane::Of(source) => self.lanes.get(&source).map_or(0, VecDeque::len) + 1,
        }
    }

    /// Takes the last of the longest lane.
    fn shorten_longest(&mut self) -> Option<T> {
        let lanes = self.lanes.iter_mut();
        let (source, waiting) = lanes.max_by_key(|(_, waiting)| waiting.len())?;
        let source = *source;
        let item = waiting.pop_back();
        if waiting.is_empty() {
            self.lanes.remove(&source);
            self.order.retain(|other| *other != source);
        }
        item
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(address: &str) -> Lane {
        Lane::Of(Source::of(address.parse().unwrap()))
    }

    fn drain<T>(turns: &mut Turns<T>) -> Vec<T> {
        std::iter::from_fn(|| turns.pop()).collect()
    }

    #[test]
    fn sources_take_turns_and_what_is_no_guess_goes_first() {
        let mut turns = Turns::new(100);
        let (flood, one, other) = (lane("192.0.2.1"), lane("192.0.2.2"), lane("2001:db8::1"));
        for (lane, item) in [
            (flood, "flood 1"),
            (flood, "flood 2"),
            (flood, "flood 3"),
            (one, "one 1"),
            (one, "one 2"),
            (other, "other"),
            (Lane::First, "first"),
        ] {
            assert_eq!(turns.push(lane, item), None);
        }
        assert_eq!(
            drain(&mut turns),
            [
                "first", "flood 1", "one 1", "other", "flood 2", "one 2", "flood 3"
            ]
        );
        assert_eq!(turns.push(flood, "again"), None);
        assert_eq!(drain(&mut turns), ["again"]);
    }

    #[test]
    fn a_full_queue_has_room_for_whoever_has_less_in_it() {
        let mut turns = Turns::new(4);
        let (flood, one) = (lane("192.0.2.1"), lane("192.0.2.2"));
        for item in 1..=4 {
            assert_eq!(turns.push(flood, item), None);
        }
        assert_eq!(turns.push(flood, 5), Some(5));
        assert_eq!(turns.push(one, 10), Some(4));
        assert_eq!(turns.push(one, 11), Some(3));
        assert_eq!(turns.push(one, 12), Some(12), "both have two");
        assert_eq!(turns.push(flood, 6), Some(6));
        assert_eq!(turns.pop(), Some(1));
        assert_eq!(turns.push(Lane::First, 20), None);
        assert_eq!(turns.push(Lane::First, 21), Some(11));
        assert_eq!(drain(&mut turns), [20, 21, 10, 2]);
    }

    #[test]
    fn what_is_not_kept_leaves_no_lane_behind() {
        let mut turns = Turns::new(4);
        let (one, other) = (lane("192.0.2.1"), lane("192.0.2.2"));
        for (lane, item) in [(one, 1), (one, 2), (other, 3), (Lane::First, 5)] {
            turns.push(lane, item);
        }
        assert!(turns.is_full());
        turns.retain(|item| item % 2 == 0);
        assert!(!turns.is_full());
        assert_eq!((turns.lanes.len(), turns.order.len()), (1, 1));
        assert_eq!(drain(&mut turns), [2]);
    }
}
