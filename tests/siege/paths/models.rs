//! How servers read a path, each in a few lines, written from what they say of themselves.
//!
//! The first is held against the real nginx in the trial of that name.

/// What `..` above the root does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AboveRoot {
    Refused,
    Ignored,
}

/// What empty segments are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Slashes {
    Merged,
    Kept,
}

/// nginx (`ngx_http_parse_complex_uri`): nothing where it says 400.
pub(super) fn nginx(target: &[u8], slashes: Slashes) -> Option<Vec<u8>> {
    let path = upto(target, b"?#");
    if path.iter().any(|b| *b <= b' ' || *b == 0x7f) {
        return None;
    }
    let path = decode(path, |_| true)?;
    if path.contains(&0) {
        return None;
    }
    resolve(&path, slashes, AboveRoot::Refused)
}

/// RFC 3986 §6.2.2 and §5.2.4: what needs no escape is decoded, dot segments are removed, and
/// only then is the rest decoded. A slash that is data becomes NUL.
pub(super) fn rfc3986(target: &[u8]) -> Option<Vec<u8>> {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let path = decode(upto(target, b"?#"), unreserved)?;
    let path = resolve(&path, Slashes::Kept, AboveRoot::Ignored)?;
    let parts: Option<Vec<Vec<u8>>> = path
        .split(|b| *b == b'/')
        .map(|segment| decode(segment, |_| true))
        .collect();
    let mut parts = parts?;
    for byte in parts.iter_mut().flatten().filter(|b| **b == b'/') {
        *byte = 0;
    }
    Some(parts.join(&b'/'))
}

/// A servlet container: parameters go first, segment by segment; then decoding, then dots.
pub(super) fn servlet(target: &[u8]) -> Option<Vec<u8>> {
    let path = upto(target, b"?");
    let bare: Vec<&[u8]> = path
        .split(|b| *b == b'/')
        .map(|segment| upto(segment, b";"))
        .collect();
    let path = decode(&bare.join(&b'/'), |_| true)?;
    resolve(&path, Slashes::Merged, AboveRoot::Refused)
}

/// A server on Windows: a backslash is a slash, and names lose dots and blanks at their end.
pub(super) fn windows(target: &[u8]) -> Option<Vec<u8>> {
    let mut path = decode(upto(target, b"?"), |_| true)?;
    for byte in path.iter_mut().filter(|b| **b == b'\\') {
        *byte = b'/';
    }
    let path = resolve(&path, Slashes::Merged, AboveRoot::Refused)?;
    let trimmed: Vec<&[u8]> = path
        .split(|b| *b == b'/')
        .map(|segment| {
            let end = segment.iter().rposition(|b| !b". ".contains(b));
            &segment[..end.map_or(0, |end| end + 1)]
        })
        .collect();
    resolve(&trimmed.join(&b'/'), Slashes::Merged, AboveRoot::Refused)
}

/// A server behind a server, each of which decodes; what is no escape is left as it is.
pub(super) fn twice(target: &[u8]) -> Option<Vec<u8>> {
    let once = decode(upto(target, b"?"), |_| true)?;
    let mut path = Vec::new();
    let mut rest = once.as_slice();
    while !rest.is_empty() {
        let (piece, tail) = rest.split_at(if rest[0] == b'%' {
            rest.len().min(3)
        } else {
            1
        });
        if let Some(byte) = decode(piece, |_| true) {
            path.extend(byte);
            rest = tail;
        } else {
            path.push(rest[0]);
            rest = &rest[1..];
        }
    }
    resolve(&path, Slashes::Merged, AboveRoot::Refused)
}

/// What stands before the first of these bytes.
fn upto<'a>(text: &'a [u8], ends: &[u8]) -> &'a [u8] {
    let end = text.iter().position(|b| ends.contains(b));
    &text[..end.unwrap_or(text.len())]
}

/// Decodes the escapes of bytes that `wanted` names; nothing if an escape is broken.
fn decode(text: &[u8], wanted: impl Fn(u8) -> bool) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let digits = tail.get(..2)?;
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        let byte = u8::try_from(digit(0)? * 16 + digit(1)?).expect("two digits");
        if wanted(byte) {
            decoded.push(byte);
        } else {
            decoded.push(b'%');
            decoded.extend_from_slice(digits);
        }
        rest = &tail[2..];
    }
    Some(decoded)
}

/// Removes dot segments; one at the end leaves a slash.
fn resolve(path: &[u8], slashes: Slashes, above_root: AboveRoot) -> Option<Vec<u8>> {
    let segments: Vec<&[u8]> = path.strip_prefix(b"/")?.split(|b| *b == b'/').collect();
    let (last, inner) = segments.split_last()?;
    let mut kept: Vec<&[u8]> = Vec::new();
    let up = |kept: &mut Vec<&[u8]>| {
        let below_root = kept.pop().is_some();
        (below_root || above_root == AboveRoot::Ignored).then_some(())
    };
    for segment in inner {
        match *segment {
            b"." => {}
            b".." => up(&mut kept)?,
            b"" if slashes == Slashes::Merged => {}
            segment => kept.push(segment),
        }
    }
    match *last {
        b"." => kept.push(b""),
        b".." => {
            up(&mut kept)?;
            kept.push(b"");
        }
        segment => kept.push(segment),
    }
    let mut resolved = vec![b'/'];
    resolved.extend(kept.join(&b'/'));
    Some(resolved)
}
