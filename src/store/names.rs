//! A great many names in little memory, each with the line it stands in and what belongs to it.
//!
//! Three allocations, however many names there are: the bytes, a list of records and an index
//! of record numbers. So a million names take some thirty bytes each beyond their text, and
//! letting go of them, which may fall to whoever answers a question, is a matter of returning
//! three blocks.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

/// Names, each once, in the order they came.
///
/// A name has at most 255 bytes, its text 65,535, all of them 4 GiB: more than any line and any
/// file that is read. `Debug` says how many there are, and no more.
pub(super) struct Names<T> {
    rows: Rows<T>,
    /// The numbers of the rows, by name.
    index: HashTable<u32>,
    // SECURITY: keyed, with a hash made for it (SipHash): whoever chooses names, as in a file
    // filled by a registration form, can't choose many that fall on one place.
    hasher: RandomState,
}

/// What is known of a name.
#[derive(Clone, Copy)]
pub(super) struct Row<'n, T> {
    pub(super) name: &'n [u8],
    pub(super) text: &'n [u8],
    /// Where it stands first, counted from 1.
    pub(super) line: u32,
    pub(super) value: T,
}

/// Where a name is, by the number of its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It was added.
    New(u32),
    /// It was there before, and is as it was.
    Taken(u32),
}

struct Rows<T> {
    /// Every name with its text right behind it.
    bytes: Vec<u8>,
    records: Vec<Record<T>>,
}

struct Record<T> {
    start: u32,
    line: u32,
    value: T,
    text_len: u16,
    name_len: u8,
}

impl<T: Copy> Names<T> {
    /// Room for so many names, and for so many bytes of names and texts.
    pub(super) fn with_capacity(names: usize, bytes: usize) -> Self {
        Self {
            rows: Rows {
                bytes: Vec::with_capacity(bytes),
                records: Vec::with_capacity(names),
            },
            index: HashTable::with_capacity(names),
            hasher: RandomState::new(),
        }
    }

    /// Takes a name in, unless it is there already.
    pub(super) fn add(&mut self, name: &[u8], text: &[u8], line: u32, value: T) -> Place {
        let Self {
            rows,
            index,
            hasher,
        } = self;
        let entry = index.entry(
            hasher.hash_one(name),
            |number| rows.name(*number) == name,
            |number| hasher.hash_one(rows.name(*number)),
        );
        match entry {
            Entry::Occupied(taken) => Place::Taken(*taken.get()),
            Entry::Vacant(free) => {
                let number = rows.push(name, text, line, value);
                free.insert(number);
                Place::New(number)
            }
        }
    }

    /// Gives back what room was left over.
    pub(super) fn shrink_to_fit(&mut self) {
        let Self {
            rows,
            index,
            hasher,
        } = self;
        rows.bytes.shrink_to_fit();
        rows.records.shrink_to_fit();
        index.shrink_to_fit(|number| hasher.hash_one(rows.name(*number)));
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<Row<'_, T>> {
        let hash = self.hasher.hash_one(name);
        let is_it = |number: &u32| self.rows.name(*number) == name;
        self.row(*self.index.find(hash, is_it)?)
    }

    /// The row of that number.
    pub(super) fn row(&self, number: u32) -> Option<Row<'_, T>> {
        Some(self.rows.row(self.rows.record(number)?))
    }

    /// The value of that number.
    pub(super) fn value_mut(&mut self, number: u32) -> Option<&mut T> {
        let record = self.rows.records.get_mut(number as usize)?;
        Some(&mut record.value)
    }

    /// All, in the order they came.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = Row<'_, T>> {
        let records = self.rows.records.iter();
        records.map(|record| self.rows.row(record))
    }
}

impl<T: Copy> Rows<T> {
    fn record(&self, number: u32) -> Option<&Record<T>> {
        self.records.get(number as usize)
    }

    fn name(&self, number: u32) -> &[u8] {
        self.record(number)
            .and_then(|record| self.bytes.get(record.name()))
            .unwrap_or_default()
    }

    fn row(&self, record: &Record<T>) -> Row<'_, T> {
        Row {
            name: self.bytes.get(record.name()).unwrap_or_default(),
            text: self.bytes.get(record.text()).unwrap_or_default(),
            line: record.line,
            value: record.value,
        }
    }

    fn push(&mut self, name: &[u8], text: &[u8], line: u32, value: T) -> u32 {
        let number = narrow(self.records.len());
        self.records.push(Record {
            start: narrow(self.bytes.len()),
            line,
            value,
            text_len: narrow(text.len()),
            name_len: narrow(name.len()),
        });
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(text);
        number
    }
}

impl<T> Record<T> {
    fn name(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start + usize::from(self.name_len)
    }

    fn text(&self) -> Range<usize> {
        let start = self.name().end;
        start..start + usize::from(self.text_len)
    }
}

/// A length or a number, in the width it is kept in.
pub(super) fn narrow<N: TryFrom<usize, Error: fmt::Debug>>(length: usize) -> N {
    #[expect(
        clippy::expect_used,
        reason = "names, lines and files are bounded before they come here"
    )]
    N::try_from(length).expect("names, lines and files are bounded")
}

impl<T: Copy> Default for Names<T> {
    fn default() -> Self {
        Self::with_capacity(0, 0)
    }
}

impl<T: Copy> fmt::Debug for Names<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Names({})", self.rows.records.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_with_what_came_with_it_first() {
        let mut names = Names::default();
        let longest = [b'n'; 255];
        for (name, text, line, value, place) in [
            (&b"alice"[..], &b"one"[..], 1, 'a', Place::New(0)),
            (b"", b"", 2, 'b', Place::New(1)),
            (b"alic", b"eone", 3, 'c', Place::New(2)),
            (b"alice", b"two", 4, 'd', Place::Taken(0)),
            (&longest, &[b't'; 8192], 5, 'e', Place::New(3)),
        ] {
            assert_eq!(names.add(name, text, line, value), place, "line {line}");
        }
        names.shrink_to_fit();
        for (name, found) in [
            (&b"alice"[..], Some((&b"one"[..], 1, 'a'))),
            (b"", Some((b"", 2, 'b'))),
            (b"alic", Some((b"eone", 3, 'c'))),
            (&longest, Some((&[b't'; 8192], 5, 'e'))),
            (b"aliceone", None),
            (b"one", None),
        ] {
            let row = names.get(name);
            assert_eq!(row.map(|row| (row.text, row.line, row.value)), found);
            assert!(row.is_none_or(|row| row.name == name));
        }
        let lines: Vec<u32> = names.iter().map(|row| row.line).collect();
        assert_eq!(lines, [1, 2, 3, 5]);
    }

    #[test]
    fn what_grew_and_what_had_too_much_room_find_the_same() {
        for room in [0, 10, 100_000] {
            let mut names = Names::with_capacity(room, room);
            for number in 0..10_000 {
                let name = number.to_string();
                assert_eq!(
                    names.add(name.as_bytes(), b"", 1, number),
                    Place::New(number)
                );
            }
            names.shrink_to_fit();
            for number in 0..10_000 {
                let name = number.to_string();
                assert_eq!(
                    names.get(name.as_bytes()).map(|row| row.value),
                    Some(number)
                );
            }
            assert!(names.get(b"10000").is_none());
        }
    }
}
