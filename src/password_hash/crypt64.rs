//! The base64 of crypt(3): its own alphabet, least significant bits first.
//!
//! md5-crypt, sha-crypt and yescrypt write salts and digests so (only with their bytes in an
//! order of their own).

/// The alphabet, by value.
pub(super) const ALPHABET: &[u8; 64] =
    b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A character's value.
pub(super) fn value(character: u8) -> Option<u8> {
    let value = match character {
        b'.' | b'/' => character - b'.',
        b'0'..=b'9' => character - b'0' + 2,
        b'A'..=b'Z' => character - b'A' + 12,
        b'a'..=b'z' => character - b'a' + 38,
        _ => return None,
    };
    Some(value)
}

/// Whether the text is in the alphabet, of a length that whole bytes give, with nothing in
/// the bits left over. A digest written otherwise is not the one that crypt(3) would compare.
pub(super) fn is_canonical(text: &[u8]) -> bool {
    let last_below = match text.len() % 4 {
        0 => 64,
        2 => 4,
        3 => 16,
        _ => return false,
    };
    text.iter().all(|c| value(*c).is_some())
        && text
            .last()
            .and_then(|c| value(*c))
            .is_none_or(|v| v < last_below)
}

/// Writes bytes, three to four characters.
pub(super) fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut bits = group
            .iter()
            .rev()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        for _ in 0..=group.len() {
            text.push(ALPHABET[bits as usize % 64]);
            bits >>= 6;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_has_the_value_of_its_place() {
        for (i, c) in ALPHABET.iter().enumerate() {
            assert_eq!(value(*c).map(usize::from), Some(i));
        }
        for c in (0..=255).filter(|c| !ALPHABET.contains(c)) {
            assert_eq!(value(c), None, "{c}");
        }
    }

    #[test]
    fn what_is_encoded_is_canonical() {
        for (bytes, text) in [
            (&b""[..], &b""[..]),
            (&[0], b".."),
            (&[255], b"z1"),
            (&[255, 255], b"zzD"),
            (&[1, 0, 0], b"/..."),
            (&[0, 0, 4], b".../"),
        ] {
            assert_eq!(encode(bytes), text);
            assert!(is_canonical(text), "{bytes:?}");
        }
    }

    #[test]
    fn left_over_bits_and_odd_lengths_are_not_canonical() {
        for text in [
            &b"z"[..],
            b"z2",
            b"zzE",
            b"zzzzz",
            b"zz:z",
            b"zz\x80z",
            b"zz z",
        ] {
            assert!(!is_canonical(text), "{}", text.escape_ascii());
        }
    }
}
