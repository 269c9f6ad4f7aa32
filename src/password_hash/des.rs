//! The original crypt(3): two characters of salt, eleven of digest, no mark.
//!
//! Only eight characters of the password count, and only seven bits of each. Having no mark,
//! it is told by its shape, last of all formats.

use std::str;

use super::crypt64;

const LEN: usize = 13;

/// Whether this can be nothing else: 13 characters of crypt's alphabet, of which the last
/// carries four bits, with the two left over clear.
pub(super) fn fits(text: &[u8]) -> bool {
    text.len() == LEN
        && text.iter().all(|c| crypt64::value(*c).is_some())
        && text
            .last()
            .and_then(|c| crypt64::value(*c))
            .is_some_and(|v| v % 4 == 0)
}

pub(super) fn verify(text: &[u8], password: &[u8]) -> bool {
    // SECURITY: the crate panics on salts outside the alphabet (in some builds), so nothing
    // but the exact shape may reach it.
    fits(text) && str::from_utf8(text).is_ok_and(|text| pwhash::unix_crypt::verify(password, text))
}

pub(super) fn stand_in(random: &[u8; 64]) -> Vec<u8> {
    let mut text = crypt64::encode(random);
    text.truncate(LEN);
    if let Some(last) = text.last_mut() {
        *last = b'.';
    }
    text
}
