//! How servers read the path of a request, each written from what that kind of server does.
//!
//! A reader is a row of steps. Those of known servers are in [`KNOWN`]; others are made up by
//! the fuzzer, since behind a proxy stands a server of any kind, and behind that perhaps another.

/// A slash that a reader takes as part of a name. No control byte is in any path that is read.
pub const DATA_SLASH: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Percent-decode; an encoded slash becomes a part of the name.
    Decode,
    /// Percent-decode; an encoded slash becomes a slash.
    DecodeSlash,
    /// Decode what never needed encoding (RFC 3986 §6.2.2.2).
    DecodeUnreserved,
    /// Take a backslash for a slash.
    Backslash,
    /// Cut from `;` to the end of the segment.
    Params,
    /// Make one slash of many.
    Merge,
    /// Resolve `.` and `..`; give up above the root.
    Dots,
    /// Resolve `.` and `..`; stay at the root (RFC 3986 §5.2.4).
    DotsClamped,
    /// Cut dots and blanks at the end of each name, as file systems of Windows do.
    Trim,
    /// The same for the last name only.
    TrimLast,
}

use Step::{
    Backslash, Decode, DecodeSlash, DecodeUnreserved, Dots, DotsClamped, Merge, Params, Trim,
    TrimLast,
};

pub const STEPS: [Step; 10] = [
    Decode,
    DecodeSlash,
    DecodeUnreserved,
    Backslash,
    Params,
    Merge,
    Dots,
    DotsClamped,
    Trim,
    TrimLast,
];

pub const KNOWN: &[(&str, &[Step])] = &[
    ("as sent, decoded", &[Decode]),
    ("as sent, slashes decoded", &[DecodeSlash]),
    ("nginx", &[DecodeSlash, Merge, Dots]),
    ("nginx, merge_slashes off", &[DecodeSlash, Dots]),
    ("RFC 3986", &[DotsClamped, Decode]),
    (
        "RFC 3986, normalised",
        &[DecodeUnreserved, DotsClamped, Decode],
    ),
    ("Traefik", &[DecodeUnreserved, Merge, DotsClamped, Decode]),
    ("Go, cleaned before decoding", &[Merge, DotsClamped, Decode]),
    ("Go, files", &[DecodeSlash, Merge, DotsClamped]),
    ("Tomcat", &[Params, DecodeSlash, Backslash, Merge, Dots]),
    ("Jetty", &[Params, Dots, Decode]),
    ("Jetty, compacting", &[Params, Merge, DotsClamped, Decode]),
    ("Spring, suffixes", &[Params, Decode, Merge, TrimLast]),
    (
        "IIS",
        &[
            DecodeSlash,
            Backslash,
            Merge,
            DotsClamped,
            Trim,
            Merge,
            Dots,
        ],
    ),
    ("names first", &[DecodeSlash, Backslash, Trim, Merge, Dots]),
    (
        "params, names",
        &[DecodeSlash, Backslash, Params, Trim, Merge, Dots],
    ),
    (
        "IIS, names first",
        &[DecodeSlash, Backslash, Trim, Merge, DotsClamped],
    ),
    (
        "decoder behind nginx",
        &[DecodeSlash, Merge, Dots, DecodeSlash, Merge, DotsClamped],
    ),
    (
        "decoder behind a cleaner",
        &[Decode, Dots, DecodeSlash, Dots],
    ),
    (
        "double decoder",
        &[DecodeSlash, DecodeSlash, Merge, DotsClamped],
    ),
    ("params after decoding", &[DecodeSlash, Params, Merge, Dots]),
    (
        "Tomcat behind Traefik",
        &[Merge, Dots, Params, DecodeSlash, Merge, Dots],
    ),
    (
        "Tomcat behind nginx",
        &[DecodeSlash, Merge, Dots, Params, Merge, Dots],
    ),
    (
        "IIS behind nginx",
        &[
            DecodeSlash,
            Merge,
            Dots,
            Backslash,
            Merge,
            DotsClamped,
            Trim,
            Merge,
            Dots,
        ],
    ),
    ("backslashes", &[DecodeSlash, Backslash, Merge, Dots]),
    (
        "backslashes, then params",
        &[DecodeSlash, Backslash, Params, Merge, Dots],
    ),
    (
        "IIS behind a decoder",
        &[
            Decode,
            DecodeSlash,
            Backslash,
            Merge,
            DotsClamped,
            Trim,
            Merge,
            Dots,
        ],
    ),
];

/// What a reader makes of a path, if anything.
pub fn read(path: &[u8], steps: &[Step]) -> Option<Vec<u8>> {
    steps
        .iter()
        .try_fold(path.to_vec(), |path, step| match step {
            Decode => decode(&path, DATA_SLASH),
            // Whoever kept an encoded slash passed it on encoded.
            DecodeSlash => decode(
                &map(&path, |b| if b == DATA_SLASH { b'/' } else { b }),
                b'/',
            ),
            DecodeUnreserved => Some(decode_unreserved(&path)),
            Backslash => Some(map(&path, |b| if b == b'\\' { b'/' } else { b })),
            Params => Some(each_segment(&path, |_, s| {
                s.split(|b| *b == b';').next().unwrap_or(s)
            })),
            Merge => Some(merge(&path)),
            Dots => dots(&path, Above::GiveUp),
            DotsClamped => dots(&path, Above::Stay),
            Trim => Some(each_segment(&path, |_, s| trim(s))),
            TrimLast => Some(each_segment(
                &path,
                |last, s| if last { trim(s) } else { s },
            )),
        })
}

fn map(path: &[u8], change: impl Fn(u8) -> u8) -> Vec<u8> {
    path.iter().map(|b| change(*b)).collect()
}

fn segments(path: &[u8]) -> Vec<&[u8]> {
    path.split(|b| *b == b'/').collect()
}

fn each_segment(path: &[u8], change: impl Fn(bool, &[u8]) -> &[u8]) -> Vec<u8> {
    let all = segments(path);
    let last = all.len() - 1;
    let changed: Vec<&[u8]> = all
        .iter()
        .enumerate()
        .map(|(i, s)| change(i == last, s))
        .collect();
    changed.join(&b'/')
}

/// Without blanks, and then without dots unless nothing else is there.
fn trim(name: &[u8]) -> &[u8] {
    let without = |these: &[u8]| {
        let end = name.iter().rposition(|b| !these.contains(b));
        &name[..end.map_or(0, |end| end + 1)]
    };
    match without(b" ") {
        dots @ (b"." | b"..") => dots,
        _ => without(b" ."),
    }
}

fn merge(path: &[u8]) -> Vec<u8> {
    let mut merged = Vec::new();
    for byte in path {
        if *byte != b'/' || merged.last() != Some(&b'/') {
            merged.push(*byte);
        }
    }
    merged
}

#[derive(Clone, Copy)]
enum Above {
    GiveUp,
    Stay,
}

fn dots(path: &[u8], above: Above) -> Option<Vec<u8>> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let all = segments(path.strip_prefix(b"/")?);
    let last = all.len() - 1;
    for (place, segment) in all.into_iter().enumerate() {
        match segment {
            b"." => {}
            b".." => {
                if kept.pop().is_none() && matches!(above, Above::GiveUp) {
                    return None;
                }
            }
            name => {
                kept.push(name);
                continue;
            }
        }
        if place == last {
            kept.push(b"");
        }
    }
    Some([b"/", kept.join(&b'/').as_slice()].concat())
}

pub fn hex(pair: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(pair).ok()?;
    let digits = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
    digits.then(|| u8::from_str_radix(text, 16).ok())?
}

/// Replaces what `choose` says; an escape that is none stays as it is, as lenient decoders have it.
fn unescape(path: &[u8], choose: impl Fn(u8) -> Option<u8>) -> Vec<u8> {
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < path.len() {
        let escape = path.get(at + 1..at + 3).filter(|_| path[at] == b'%');
        match escape.and_then(hex).and_then(&choose) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(path[at]);
                at += 1;
            }
        }
    }
    decoded
}

fn decode(path: &[u8], slash: u8) -> Option<Vec<u8>> {
    let foul = |b: u8| b < b' ' || b == 0x7f;
    let foul_inside = unescape(path, |b| foul(b).then_some(0)).contains(&0);
    let decoded = unescape(path, |b| Some(if b == b'/' { slash } else { b }));
    (!foul_inside && std::str::from_utf8(&decoded).is_ok()).then_some(decoded)
}

fn decode_unreserved(path: &[u8]) -> Vec<u8> {
    unescape(path, |b| {
        (b.is_ascii_alphanumeric() || b"-._~".contains(&b)).then_some(b)
    })
}
