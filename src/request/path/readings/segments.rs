//! Segments: which of them are resolved, merged, or lose their ends.

use super::NoReading;

/// A path with its dot and empty segments as they stand, resolved after merging slashes (nginx),
/// resolved without merging (RFC 3986 §5.2.4), and merged only.
pub(super) fn resolutions(path: &[u8]) -> Result<Vec<Vec<u8>>, NoReading> {
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

/// A path without the ends that a file system drops: in all segments, and in the last one alone.
pub(super) fn cut_ends(path: &[u8], cut: fn(&[u8]) -> &[u8]) -> Vec<Vec<u8>> {
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
pub(super) fn trimmed(segment: &[u8]) -> &[u8] {
    match without_final(segment, b" ") {
        dots @ (b"." | b"..") => dots,
        _ => bare(segment),
    }
}

/// The same, where dot segments have been resolved: whatever it holds goes.
pub(super) fn bare(segment: &[u8]) -> &[u8] {
    without_final(segment, b" .")
}

fn without_final<'a>(segment: &'a [u8], bytes: &[u8]) -> &'a [u8] {
    let last = segment.iter().rposition(|b| !bytes.contains(b));
    segment.get(..last.map_or(0, |i| i + 1)).unwrap_or_default()
}

/// Removes dot segments; a dot segment at the end leaves a slash.
pub(super) fn resolve(path: &[u8], merge_slashes: bool) -> Result<Vec<u8>, NoReading> {
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

/// One slash in place of several.
fn merged(path: &[u8]) -> Vec<u8> {
    let mut merged = path.to_vec();
    merged.dedup_by(|next, before| *next == b'/' && *before == b'/');
    merged
}
