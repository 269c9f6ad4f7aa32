//! Targets as somebody writes them who wants to be read in two ways.

use fastrand::Rng;

use super::pick;

/// The words that the rules know.
const WORDS: [&[u8]; 14] = [
    b"public", b"admin", b"a", b"b", b"health", b"files", b"open", b"secret", b"static", b"x.css",
    b"public", b"admin", b"files", b"x",
];
const DOTS: [&[u8]; 24] = [
    b"..",
    b"..",
    b"..",
    b".",
    b"%2e%2e",
    b"%2E.",
    b".%2e",
    b"%2e",
    b"...",
    b"..;",
    b"..;v=1",
    b".;",
    b"%2e%2e;",
    b"..%3b",
    b"..%20",
    b"..%20.",
    b"%252e%252e",
    b".%252e",
    b"%25252e.",
    b"..%5c",
    b"..\\",
    b"..%2f",
    b"..%252f",
    b"%c0%ae%c0%ae",
];
const SLASHES: [&[u8]; 16] = [
    b"//", b"//", b"%2f", b"%2F", b"%252f", b"%5c", b"%5C", b"\\", b"/./", b"/../", b";/", b"%3b/",
    b";x=1/", b"/;/", b"%255c", b"/%2e/",
];
const ODD: [&[u8]; 24] = [
    b"",
    b".",
    b"%2e",
    b"%20",
    b"..",
    b";",
    b";x=1",
    b"%3b",
    b"%3f",
    b"%23",
    b"%25",
    b"%2525",
    b"+",
    b"|",
    b"%c3%a9",
    b"\xc3\xa9",
    b"%3F",
    b"~",
    b":",
    b"@",
    b"%41",
    b"%2541",
    b"%7e",
    b"*",
];
/// What no server should read; some of it makes nginx refuse, so it is rare.
const BROKEN: [&[u8]; 14] = [
    b"%00",
    b"%",
    b"%z",
    b"%2",
    b"%u002e",
    b" ",
    b"\t",
    b"\x01",
    b"\x7f",
    b"%0a",
    b"%0d%0a",
    b"%ff",
    b"\xff",
    b"%e0%80%ae",
];

/// A target, with or without a query; it starts with a slash and has no line break.
pub(super) fn target(random: &mut Rng) -> Vec<u8> {
    let mut target = Vec::new();
    let mut depth = 0_i32;
    for _ in 0..=random.usize(..6) {
        target.extend_from_slice(if random.usize(..6) == 0 && !target.is_empty() {
            pick(random, &SLASHES)
        } else {
            b"/"
        });
        // Most of what leads above the root is refused by everybody and shows nothing.
        if random.usize(..3) == 0 && (depth > 0 || random.usize(..8) == 0) {
            target.extend_from_slice(pick(random, &DOTS));
            depth -= 1;
        } else {
            word(random, &mut target);
            depth += 1;
        }
    }
    match random.usize(..24) {
        0 => target.extend_from_slice(b"/"),
        1 => target.extend_from_slice(b"/.."),
        2 => target.extend_from_slice(b"/."),
        3 => target.extend_from_slice(b"?x=/../admin"),
        4 => target.extend_from_slice(b"?/public/%2e%2e/%zz"),
        5 => target.extend_from_slice(b"#/../admin/x"),
        6 => target.extend_from_slice(b"%3f/../admin/x"),
        _ => {}
    }
    target
}

/// One word, disguised now and then.
fn word(random: &mut Rng, target: &mut Vec<u8>) {
    let word = pick(random, &WORDS);
    match random.usize(..20) {
        0 => target.extend(
            word.iter()
                .flat_map(|byte| format!("%{byte:02x}").into_bytes()),
        ),
        1 => {
            let at = random.usize(..word.len());
            target.extend_from_slice(&word[..at]);
            target.extend_from_slice(format!("%25{:02X}", word[at]).as_bytes());
            target.extend_from_slice(&word[at + 1..]);
        }
        2 => target.extend(word.to_ascii_uppercase()),
        _ => target.extend_from_slice(word),
    }
    match random.usize(..48) {
        0..8 => target.extend_from_slice(pick(random, &ODD)),
        8 => target.extend_from_slice(pick(random, &BROKEN)),
        _ => {}
    }
}
