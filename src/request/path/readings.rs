//! Enumerates the readings of a path; see the parent module for why.
//!
//! A reading is the outcome of a row of choices, each of which is only looked at where it makes a
//! difference: how often to decode; which slashes and backslashes separate; whether a decoded `?`
//! or `#` ends the path; how far `;params` reach, and whether final dots and blanks count; whether
//! dot segments and empty segments are resolved, and how. Where bytes came out of different
//! decodings, a choice can fall between them: a raw backslash separates, an encoded one doesn't.

use super::NoReading;

/// How often an escape may hide another one.
const DEEPEST: u8 = 5;
/// What all readings of one path may cost, in bytes, and what each costs at least: no path keeps
/// a worker busy for longer than a moment.
const BUDGET: usize = 256 << 10;
const LEAST_COST: usize = 512;

/// One byte, and which decoding it came out of: 0 is none.
#[derive(Clone, Copy)]
struct Unit {
    byte: u8,
    depth: u8,
}

/// Why the enumeration ends before its end.
enum Stop {
    /// Nobody wants to see more.
    Enough,
    /// There is a reading that can't be.
    Impossible(NoReading),
}

type Seen = Result<(), Stop>;

/// Shows readings to whoever judges them.
struct Show<'v> {
    visit: &'v mut dyn FnMut(&[u8]) -> bool,
    budget: usize,
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

    /// As it was sent, and as it is after a server that cuts parameters or resolves segments, and
    /// only then decodes what is left (`java.net.URI`, Go's `path.Clean`).
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
        for path in [path.to_vec(), without_params.of(&raw(path))] {
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
        let (mut units, whole) = decode(&raw(path), 1);
        if !whole {
            return impossible(NoReading::Escape);
        }
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
            }
        }
        Ok(())
    }
}

/// A path with its dot and empty segments as they stand, resolved after merging slashes (nginx),
/// resolved without merging (RFC 3986 §5.2.4), and merged only.
fn resolutions(path: &[u8]) -> Result<Vec<Vec<u8>>, Stop> {
    let inner = || path.split(|b| *b == b'/').skip(1);
    let last = inner().count().saturating_sub(1);
    let empty = inner()
        .enumerate()
        .any(|(i, segment)| segment.is_empty() && i < last);
    let dotted = inner().any(|segment| matches!(segment, b"." | b".."));
    let mut all = vec![path.to_vec()];
    if empty || dotted {
        all.push(resolve(path, true)?);
    }
    if empty && dotted {
        all.push(resolve(path, false)?);
        all.push(merged(path));
    }
    Ok(all)
}

/// Bytes as they were sent.
fn raw(path: &[u8]) -> Vec<Unit> {
    path.iter().map(|&byte| Unit { byte, depth: 0 }).collect()
}

/// One decoding: escapes become bytes of this depth. Also whether every `%` was an escape.
fn decode(units: &[Unit], depth: u8) -> (Vec<Unit>, bool) {
    let mut decoded = Vec::with_capacity(units.len());
    let mut whole = true;
    let mut rest = units;
    while let Some((&unit, tail)) = rest.split_first() {
        rest = tail;
        match (unit.byte, tail) {
            (b'%', [high, low, after @ ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                let (high, low) = (hex(*high).unwrap_or(0), hex(*low).unwrap_or(0));
                decoded.push(Unit {
                    byte: high << 4 | low,
                    depth,
                });
                rest = after;
            }
            (byte, _) => {
                whole &= byte != b'%';
                decoded.push(unit);
            }
        }
    }
    (decoded, whole)
}

fn hex(unit: Unit) -> Option<u8> {
    let digit = char::from(unit.byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

/// Up to which depth a byte can have its special meaning: not at all, and up to each depth at
/// which it stands. A raw slash always separates.
fn depths(units: &[Unit], byte: u8) -> Vec<Option<u8>> {
    let mut depths = vec![None];
    if byte == b'/' {
        depths.push(Some(0));
    }
    for unit in units.iter().filter(|unit| unit.byte == byte) {
        if !depths.contains(&Some(unit.depth)) {
            depths.push(Some(unit.depth));
        }
    }
    depths
}

/// The values a choice can take: one of them where it makes no difference.
fn choices(matters: bool) -> &'static [bool] {
    if matters { &[false, true] } else { &[false] }
}

/// What some bytes of a path mean.
struct Spelling<'e> {
    /// Slashes up to this depth separate; deeper ones are data.
    slash: Option<u8>,
    /// So do backslashes up to this one.
    backslash: Option<u8>,
    /// Semicolons up to this depth begin parameters,
    semicolon: Option<u8>,
    /// which reach to the next raw slash, or to the next byte that separates.
    until_raw_slash: bool,
    /// These bytes end the path.
    end: &'e [u8],
}

impl Spelling<'_> {
    /// The path with a slash for all that separates, and NUL for slashes that are data.
    fn of(&self, units: &[Unit]) -> Vec<u8> {
        let within =
            |unit: &Unit, depth: Option<u8>| depth.is_some_and(|depth| unit.depth <= depth);
        let mut path = Vec::with_capacity(units.len());
        let mut in_params = false;
        for unit in units {
            if self.end.contains(&unit.byte) {
                break;
            }
            let separates = match unit.byte {
                b'/' => within(unit, self.slash),
                b'\\' => within(unit, self.backslash),
                _ => false,
            };
            let raw_slash = unit.byte == b'/' && unit.depth == 0;
            if raw_slash || (separates && !self.until_raw_slash) {
                in_params = false;
            }
            in_params |= unit.byte == b';' && within(unit, self.semicolon);
            match unit.byte {
                _ if in_params => {}
                _ if separates => path.push(b'/'),
                b'/' => path.push(0),
                byte => path.push(byte),
            }
        }
        path
    }
}

/// A path without the ends that a file system drops: in all segments, and in the last one alone.
fn cut_ends(path: &[u8], cut: fn(&[u8]) -> &[u8]) -> Vec<Vec<u8>> {
    let segments: Vec<&[u8]> = path.split(|b| *b == b'/').collect();
    let mut paths = Vec::new();
    for untouched in [0, segments.len() - 1] {
        let (front, back) = segments.split_at(untouched);
        let back = back.iter().map(|segment| cut(segment));
        let segments: Vec<&[u8]> = front.iter().copied().chain(back).collect();
        let path = segments.join(&b'/');
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    paths
}

/// A segment as a file system sees it that drops final dots and blanks; `.` and `..` stay.
fn trimmed(segment: &[u8]) -> &[u8] {
    match without_final(segment, b" ") {
        dots @ (b"." | b"..") => dots,
        _ => bare(segment),
    }
}

/// The same, where dot segments have been resolved: whatever it holds goes.
fn bare(segment: &[u8]) -> &[u8] {
    without_final(segment, b" .")
}

fn without_final<'a>(segment: &'a [u8], bytes: &[u8]) -> &'a [u8] {
    let last = segment.iter().rposition(|b| !bytes.contains(b));
    segment.get(..last.map_or(0, |i| i + 1)).unwrap_or_default()
}

/// Removes dot segments; a dot segment at the end leaves a slash.
fn resolve(path: &[u8], merge_slashes: bool) -> Result<Vec<u8>, Stop> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut open_end = false;
    let mut segments = path.split(|b| *b == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            b"." => open_end = last,
            b".." => {
                kept.pop().ok_or(Stop::Impossible(NoReading::AboveRoot))?;
                open_end = last;
            }
            b"" if last => open_end = true,
            b"" if merge_slashes => {}
            _ => kept.push(segment),
        }
    }
    let mut resolved = Vec::with_capacity(path.len());
    for segment in kept {
        resolved.push(b'/');
        resolved.extend_from_slice(segment);
    }
    if open_end || resolved.is_empty() {
        resolved.push(b'/');
    }
    Ok(resolved)
}

/// One slash in place of several.
fn merged(path: &[u8]) -> Vec<u8> {
    let mut merged = path.to_vec();
    merged.dedup_by(|next, before| *next == b'/' && *before == b'/');
    merged
}
