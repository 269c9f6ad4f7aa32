//! Enumerates the readings of a path; see the parent module for why.
//!
//! A reading is the outcome of a row of choices, each of which is only looked at where it makes a
//! difference: how often to decode; which slashes and backslashes separate; whether a decoded `?`
//! or `#` ends the path; how far `;params` reach, and whether final dots and blanks count; whether
//! dot segments and empty segments are resolved, and how. Where bytes came out of different
//! decodings, a choice can fall between them: a raw backslash separates, an encoded one doesn't.
//! And there may be two servers in a row: what the first one resolves before it decodes, or leaves
//! to one behind it, is read again.

mod segments;
mod spelling;

use std::collections::HashSet;

use super::NoReading;
use segments::{bare, cut_ends, resolutions, resolve, trimmed};
use spelling::{Spelling, Unit, decode, depths, raw};

/// How often an escape may hide another one.
const DEEPEST: u8 = 5;
/// What all readings of one path may cost, in bytes, and what each costs at least: no path keeps
/// a worker busy for longer than a moment.
const BUDGET: usize = 512 << 10;
const LEAST_COST: usize = 512;

/// Why the enumeration ends before its end.
enum Stop {
    /// Nobody wants to see more.
    Enough,
    /// There is a reading that can't be.
    Impossible(NoReading),
}

impl From<NoReading> for Stop {
    fn from(why: NoReading) -> Self {
        Self::Impossible(why)
    }
}

type Seen = Result<(), Stop>;

/// Shows readings to whoever judges them.
struct Show<'v> {
    visit: &'v mut dyn FnMut(&[u8]) -> bool,
    budget: usize,
    /// Whether the readings are those of a server behind another one.
    second: bool,
    /// What a first server has resolved, as far as it was read again.
    behind: HashSet<Vec<u8>>,
}

/// Whether a path has exactly one reading, namely itself. One pass, no allocation.
pub(super) fn is_plain(path: &[u8]) -> bool {
    let mut previous = 0;
    for byte in path {
        match byte {
            b'/' if matches!(previous, b'/' | b'.') => return false,
            b'%' | b';' | b'\\' | b'#' | 0..=b' ' | 0x7f..=0xff => return false,
            _ => previous = *byte,
        }
    }
    previous != b'.'
}

/// Visits every reading until `visit` says stop.
///
/// # Errors
/// [`NoReading`]; what was visited before counts for nothing then.
pub(super) fn each(path: &[u8], visit: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), NoReading> {
    let mut show = Show {
        visit,
        budget: BUDGET,
        second: false,
        behind: HashSet::new(),
    };
    match show.fronts(path) {
        Ok(()) | Err(Stop::Enough) => Ok(()),
        Err(Stop::Impossible(why)) => Err(why),
    }
}

impl Show<'_> {
    fn reading(&mut self, path: &[u8]) -> Seen {
        let cost = path.len().max(LEAST_COST);
        let Some(left) = self.budget.checked_sub(cost) else {
            return Err(Stop::Impossible(NoReading::TooMany));
        };
        self.budget = left;
        if (self.visit)(path) {
            Ok(())
        } else {
            Err(Stop::Enough)
        }
    }

    /// As it was sent, and as it is after a server that cuts parameters or final dots or resolves
    /// segments, and only then decodes what is left (`java.net.URI`, Go's `path.Clean`).
    fn fronts(&mut self, path: &[u8]) -> Seen {
        self.decodings(path)?;
        if !path.iter().any(|b| b"%;\\".contains(b)) {
            return Ok(());
        }
        let without_params = Spelling {
            slash: Some(0),
            backslash: None,
            semicolon: Some(0),
            until_raw_slash: true,
            end: b"",
        };
        let mut seen = vec![path.to_vec()];
        let mut fronts = vec![path.to_vec(), without_params.of(&raw(path))];
        fronts.extend(cut_ends(path, trimmed));
        for path in fronts {
            for resolved in resolutions(&path)? {
                if !seen.contains(&resolved) {
                    self.decodings(&resolved)?;
                    seen.push(resolved);
                }
            }
        }
        Ok(())
    }

    /// How often to decode: once, as every server does, and as long as there is something left.
    fn decodings(&mut self, path: &[u8]) -> Seen {
        let impossible = |why| Err(Stop::Impossible(why));
        if path.iter().any(|b| matches!(b, 0..=b' ' | 0x7f | b'#')) {
            return impossible(NoReading::Control);
        }
        let (units, whole) = decode(&raw(path), 1);
        if !whole {
            return impossible(NoReading::Escape);
        }
        self.deeper(units)
    }

    /// What one decoding has left, and what further ones make of it.
    fn deeper(&mut self, mut units: Vec<Unit>) -> Seen {
        let impossible = |why| Err(Stop::Impossible(why));
        for depth in 2..=DEEPEST {
            let text: Vec<u8> = units.iter().map(|unit| unit.byte).collect();
            if text.iter().any(u8::is_ascii_control) {
                return impossible(NoReading::Control);
            }
            if std::str::from_utf8(&text).is_err() {
                return impossible(NoReading::NotUtf8);
            }
            self.separators(&units)?;
            let (deeper, _) = decode(&units, depth);
            if deeper.len() == units.len() {
                return Ok(());
            }
            units = deeper;
        }
        impossible(NoReading::TooDeep)
    }

    /// Which bytes separate segments, where the path ends, and how far parameters reach.
    fn separators(&mut self, units: &[Unit]) -> Seen {
        let has = |byte| units.iter().any(|unit| unit.byte == byte);
        let ends: &[&[u8]] = match (has(b'?'), has(b'#')) {
            (false, false) => &[b""],
            (true, false) => &[b"", b"?"],
            (false, true) => &[b"", b"#"],
            (true, true) => &[b"", b"?", b"#", b"?#"],
        };
        for &slash in depths(units, b'/').get(1..).unwrap_or_default() {
            for &backslash in &depths(units, b'\\') {
                for &semicolon in &depths(units, b';') {
                    let encoded = slash.is_some_and(|depth| depth > 0) || backslash.is_some();
                    for &until_raw_slash in choices(semicolon.is_some() && encoded) {
                        for &end in ends {
                            let spelling = Spelling {
                                slash,
                                backslash,
                                semicolon,
                                until_raw_slash,
                                end,
                            };
                            self.trimmings(&spelling.of(units))?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether dots and blanks at the end of segments belong to them. If not, they go from every
    /// segment or from the last one, and before dot segments are resolved or after; that is the
    /// same unless a segment has nothing else.
    fn trimmings(&mut self, path: &[u8]) -> Seen {
        let segments = || path.split(|b| *b == b'/');
        self.dots(path)?;
        if segments().any(|segment| trimmed(segment) != segment) {
            for cut in cut_ends(path, trimmed) {
                self.dots(&cut)?;
            }
        }
        let only_ends = |segment| bare(segment).is_empty() && trimmed(segment) != segment;
        if segments().any(only_ends) {
            for merge_slashes in [true, false] {
                for cut in cut_ends(&resolve(path, merge_slashes)?, bare) {
                    self.dots(&cut)?;
                }
            }
        }
        Ok(())
    }

    /// Dot and empty segments. What starts with two slashes may be taken for a host and a path
    /// (RFC 3986 §4.2).
    fn dots(&mut self, path: &[u8]) -> Seen {
        let host = path.strip_prefix(b"//");
        let after_host = host.map(|rest| {
            let slash = rest.iter().position(|b| *b == b'/');
            slash.and_then(|slash| rest.get(slash..)).unwrap_or(b"/")
        });
        for path in [Some(path), after_host].into_iter().flatten() {
            for reading in resolutions(path)? {
                self.reading(&reading)?;
                if reading != path {
                    self.behind(&reading)?;
                }
            }
        }
        Ok(())
    }

    /// What a second server makes of what a first one has resolved: to the first, a backslash or
    /// a final dot may have been part of a name that is gone by now, and to the second others of
    /// them mean something.
    fn behind(&mut self, resolved: &[u8]) -> Seen {
        let odd = resolved.iter().any(|b| b"%;\\".contains(b))
            || resolved.split(|b| *b == b'/').any(|s| trimmed(s) != s);
        if self.second || !odd || !self.behind.insert(resolved.to_vec()) {
            return Ok(());
        }
        let unit = |&byte: &u8| match byte {
            0 => Unit {
                byte: b'/',
                depth: 1,
            },
            byte => Unit { byte, depth: 0 },
        };
        self.second = true;
        let seen = self.deeper(resolved.iter().map(unit).collect());
        self.second = false;
        seen
    }
}

/// The values a choice can take: one of them where it makes no difference.
fn choices(matters: bool) -> &'static [bool] {
    if matters { &[false, true] } else { &[false] }
}
