//! Enumerates the readings of a path; see the parent module for why.
//!
//! A reading is the outcome of a row of choices, each of which is only looked at where it makes a
//! difference: how often to decode; whether an encoded slash and a backslash separate; whether an
//! encoded `?` or `#` ends the path; whether `;params` and final dots and blanks count; whether
//! dot segments and empty segments are resolved, and how.

use super::NoReading;

/// How often an escape may hide another one.
const DEEPEST: usize = 4;

/// One decoded byte. A slash, `?` or `#` that was encoded is told from a raw one.
#[derive(Clone, Copy)]
struct Unit {
    byte: u8,
    encoded: bool,
}

/// What takes a reading and says whether to go on.
type Visit<'v> = dyn FnMut(&[u8]) -> bool + 'v;

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
pub(super) fn each(path: &[u8], visit: &mut Visit<'_>) -> Result<(), NoReading> {
    let mut units = decode_strict(path)?;
    for _ in 0..=DEEPEST {
        let text: Vec<u8> = units.iter().map(|unit| unit.byte).collect();
        if text.iter().any(u8::is_ascii_control) {
            return Err(NoReading::Control);
        }
        if std::str::from_utf8(&text).is_err() {
            return Err(NoReading::NotUtf8);
        }
        if !separators(&units, visit)? {
            return Ok(());
        }
        match decode_again(&text) {
            Some(deeper) => units = deeper,
            None => return Ok(()),
        }
    }
    Err(NoReading::TooDeep)
}

/// The first decoding, which every server does and none forgives.
fn decode_strict(path: &[u8]) -> Result<Vec<Unit>, NoReading> {
    let mut units = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = match byte {
            0..=b' ' | 0x7f | b'#' => return Err(NoReading::Control),
            b'%' => {
                let (byte, tail) = escape(tail).ok_or(NoReading::Escape)?;
                units.push(Unit {
                    byte,
                    encoded: true,
                });
                tail
            }
            _ => {
                units.push(Unit {
                    byte,
                    encoded: false,
                });
                tail
            }
        };
    }
    Ok(units)
}

/// A further decoding, in which bad escapes stand for themselves; nothing if none is left.
fn decode_again(text: &[u8]) -> Option<Vec<Unit>> {
    let mut units = Vec::with_capacity(text.len());
    let mut decoded = false;
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let hidden = escape(tail).filter(|_| byte == b'%');
        decoded |= hidden.is_some();
        let encoded = hidden.is_some();
        let (byte, tail) = hidden.unwrap_or((byte, tail));
        units.push(Unit { byte, encoded });
        rest = tail;
    }
    decoded.then_some(units)
}

/// The byte that two hexadecimal digits stand for, and what follows them.
fn escape(after_percent: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = after_percent.split_at_checked(2)?;
    let text = std::str::from_utf8(digits).ok()?;
    // `from_str_radix` would take a sign.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    Some((u8::from_str_radix(text, 16).ok()?, rest))
}

/// The values a choice can take: one of them where it makes no difference.
fn choices(matters: bool) -> &'static [bool] {
    if matters { &[false, true] } else { &[false] }
}

/// Which bytes separate segments, and where the path ends.
fn separators(units: &[Unit], visit: &mut Visit<'_>) -> Result<bool, NoReading> {
    let any = |wanted: fn(&Unit) -> bool| units.iter().any(wanted);
    let slashes = choices(any(|unit| unit.encoded && unit.byte == b'/'));
    let backslashes = choices(any(|unit| unit.byte == b'\\'));
    let ends = choices(any(|unit| unit.encoded && matches!(unit.byte, b'?' | b'#')));
    for &slash_separates in slashes {
        for &backslash_separates in backslashes {
            for &end_counts in ends {
                let spelled: Vec<u8> = units
                    .iter()
                    .take_while(|unit| {
                        !(end_counts && unit.encoded && matches!(unit.byte, b'?' | b'#'))
                    })
                    .map(|unit| match unit {
                        Unit {
                            byte: b'/',
                            encoded: true,
                        } if !slash_separates => 0,
                        Unit { byte: b'\\', .. } if backslash_separates => b'/',
                        unit => unit.byte,
                    })
                    .collect();
                if !segments(&spelled, visit)? {
                    return Ok(false);
                }
            }
        }
    }
    Ok(true)
}

/// Whether parameters, and dots and blanks at the end of a segment, belong to it.
fn segments(path: &[u8], visit: &mut Visit<'_>) -> Result<bool, NoReading> {
    for &without_params in choices(path.contains(&b';')) {
        let bare = map_segments(path, |segment| {
            let end = segment.iter().position(|b| without_params && *b == b';');
            segment
                .get(..end.unwrap_or(segment.len()))
                .unwrap_or_default()
        });
        let trailing = bare
            .split(|b| *b == b'/')
            .any(|segment| trimmed(segment) != segment);
        for &trim in choices(trailing) {
            let path = map_segments(
                &bare,
                |segment| if trim { trimmed(segment) } else { segment },
            );
            if !dots(&path, visit)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn map_segments(path: &[u8], map: impl Fn(&[u8]) -> &[u8]) -> Vec<u8> {
    let mapped: Vec<&[u8]> = path.split(|b| *b == b'/').map(map).collect();
    mapped.join(&b'/')
}

/// A segment as a file system sees it that drops final dots and blanks; `.` and `..` stay.
fn trimmed(segment: &[u8]) -> &[u8] {
    let upto = |end: Option<usize>| segment.get(..end.map_or(0, |i| i + 1)).unwrap_or_default();
    let unblanked = upto(segment.iter().rposition(|b| *b != b' '));
    match unblanked {
        b"." | b".." => unblanked,
        _ => upto(segment.iter().rposition(|b| !matches!(b, b' ' | b'.'))),
    }
}

/// Dot and empty segments: as they stand, resolved after merging slashes (nginx), and resolved
/// without merging (RFC 3986 §5.2.4).
fn dots(path: &[u8], visit: &mut Visit<'_>) -> Result<bool, NoReading> {
    if !visit(path) {
        return Ok(false);
    }
    let inner = || path.split(|b| *b == b'/').skip(1);
    let last = inner().count().saturating_sub(1);
    let empty = inner()
        .enumerate()
        .any(|(i, segment)| segment.is_empty() && i < last);
    let dotted = inner().any(|segment| matches!(segment, b"." | b".."));
    if (empty || dotted) && !visit(&resolve(path, true)?) {
        return Ok(false);
    }
    if empty && dotted && !visit(&resolve(path, false)?) {
        return Ok(false);
    }
    Ok(true)
}

/// Removes dot segments; a dot segment at the end leaves a slash.
fn resolve(path: &[u8], merge_slashes: bool) -> Result<Vec<u8>, NoReading> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut open_end = false;
    let mut segments = path.split(|b| *b == b'/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            b"." => open_end = last,
            b".." => {
                kept.pop().ok_or(NoReading::AboveRoot)?;
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
