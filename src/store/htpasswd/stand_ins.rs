//! What an unknown user's password is checked against.
//!
//! A file's mix of kinds, with a hash of each kind that nobody can match. A point on the
//! scale of all entries picks one, so over many unknown names the costs are spread as over
//! the known ones, and a name whose point stays the same keeps its cost.

use std::collections::BTreeMap;

use crate::password_hash::{DEFAULT_BCRYPT_COST, Kind, PasswordHash, stand_in};

/// The kinds of a file's live entries, each with its share and its stand-in.
#[derive(Debug)]
pub(super) struct StandIns {
    /// In the fixed order of kinds, so that a reload moves only names next to a boundary.
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    /// Entries of this kind.
    count: usize,
    /// Entries of this kind and all before it.
    up_to: usize,
    hash: PasswordHash,
}

impl StandIns {
    /// Takes the number of entries of each kind; a file without live entries has one stand-in of
    /// the default kind.
    pub(super) fn new(mut counts: BTreeMap<Kind, usize>) -> Self {
        if counts.is_empty() {
            let kind = Kind::Bcrypt {
                cost: DEFAULT_BCRYPT_COST,
            };
            counts.insert(kind, 0);
        }
        let mut up_to = 0;
        let rows = counts.into_iter().map(|(kind, count)| {
            up_to += count;
            let hash = stand_in(kind);
            Row { count, up_to, hash }
        });
        Self {
            rows: rows.collect(),
        }
    }

    /// The kinds there are, with their numbers of entries.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (Kind, usize)> {
        let rows = self.rows.iter().filter(|row| row.count > 0);
        rows.map(|row| (row.hash.kind(), row.count))
    }

    /// The stand-in at `point / 2^64` of all entries.
    pub(super) fn at(&self, point: u64) -> &PasswordHash {
        let (last, before) = self.split_last();
        let place = (u128::from(point) * last.up_to as u128) >> 64;
        let row = before.iter().find(|row| place < row.up_to as u128);
        &row.unwrap_or(last).hash
    }

    fn split_last(&self) -> (&Row, &[Row]) {
        #[expect(
            clippy::expect_used,
            reason = "`new` puts one in and nothing takes one out"
        )]
        self.rows.split_last().expect("there is a row")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Kind = Kind::Sha1;
    const DEAR: Kind = Kind::Bcrypt { cost: 10 };

    #[test]
    fn the_point_picks_by_cumulated_counts() {
        // bcrypt comes before {SHA} in the order of kinds.
        let three_of_four = StandIns::new(BTreeMap::from([(DEAR, 3), (CHEAP, 1)]));
        for (point, kind) in [
            (0, DEAR),
            (u64::MAX / 4, DEAR),
            (u64::MAX / 4 * 3, DEAR),
            (u64::MAX / 4 * 3 + 4, CHEAP),
            (u64::MAX, CHEAP),
        ] {
            assert_eq!(three_of_four.at(point).kind(), kind, "{point}");
        }
        let kinds: Vec<_> = three_of_four.kinds().collect();
        assert_eq!(kinds, [(DEAR, 3), (CHEAP, 1)]);
    }

    #[test]
    fn the_same_point_gives_the_same_hash() {
        let stand_ins = StandIns::new(BTreeMap::from([(CHEAP, 1), (DEAR, 1)]));
        for point in [0, 1 << 40, u64::MAX] {
            assert_eq!(stand_ins.at(point).text(), stand_ins.at(point).text());
        }
    }

    #[test]
    fn another_entry_moves_only_names_near_a_boundary() {
        let kinds = |cheap| StandIns::new(BTreeMap::from([(CHEAP, cheap), (DEAR, 500)]));
        let (before, after) = (kinds(500), kinds(501));
        let moved = (0..1000_u64)
            .map(|i| i << 54)
            .filter(|point| before.at(*point).kind() != after.at(*point).kind());
        assert!(moved.count() < 3);
    }

    #[test]
    fn an_empty_file_has_the_default_kind() {
        let none = StandIns::new(BTreeMap::new());
        let default = Kind::Bcrypt { cost: 12 };
        for point in [0, u64::MAX] {
            assert_eq!(none.at(point).kind(), default);
        }
        assert_eq!(none.kinds().count(), 0);
    }
}
