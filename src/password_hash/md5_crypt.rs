//! md5-crypt: `$1$` or Apache's `$apr1$`, a salt of 1 to 8 characters, `$`, 22 of digest.
//!
//! Poul-Henning Kamp wrote it for FreeBSD in 1994; Apache took it over with another mark,
//! which is hashed along. No maintained crate has it, so its loop is here, over `md-5`.

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use super::{Unusable, crypt64};

/// The mark of the original.
pub(super) const MD5: &[u8] = b"$1$";
/// The mark of Apache's.
pub(super) const APR1: &[u8] = b"$apr1$";

const DIGEST_CHARS: usize = 22;
const ROUNDS: u32 = 1000;

/// Reads what follows the mark.
pub(super) fn parse(rest: &[u8], name: &'static str) -> Result<(), Unusable> {
    split(rest)
        .filter(|(salt, digest)| {
            (1..=8).contains(&salt.len())
                && salt.iter().all(u8::is_ascii_graphic)
                && digest.len() == DIGEST_CHARS
                && crypt64::is_canonical(digest)
        })
        .map(drop)
        .ok_or(Unusable::Malformed(name))
}

/// Salt and digest.
fn split(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    let dollar = rest.iter().position(|c| *c == b'$')?;
    let (salt, digest) = rest.split_at(dollar);
    Some((salt, digest.strip_prefix(b"$")?))
}

pub(super) fn verify(mark: &[u8], text: &[u8], password: &[u8]) -> bool {
    text.strip_prefix(mark)
        .and_then(split)
        .is_some_and(|(salt, stored)| {
            crypt64::encode(&digest(mark, salt, password))
                .ct_eq(stored)
                .into()
        })
}

pub(super) fn stand_in(mark: &[u8], random: &[u8; 64]) -> Vec<u8> {
    let (salt, digest) = random.split_at(32);
    [
        mark,
        crypt64::encode(salt).first_chunk::<8>().map_or(b"", |s| s),
        b"$",
        &crypt64::encode(digest.first_chunk::<16>().unwrap_or(&[0; 16])),
    ]
    .concat()
}

/// The digest, with its bytes in the order in which they are written.
fn digest(mark: &[u8], salt: &[u8], password: &[u8]) -> [u8; 16] {
    let alternate = md5(&[password, salt, password]);
    let mut first = Md5::new();
    for part in [password, mark, salt] {
        first.update(part);
    }
    for start in (0..password.len()).step_by(alternate.len()) {
        let left = password.len() - start;
        first.update(alternate.get(..left).unwrap_or(&alternate));
    }
    // By the bits of the length, lowest first; that a set bit adds a NUL and a clear one the
    // password's first byte was a slip of 1994 and is the format now.
    let mut bits = password.len();
    while bits > 0 {
        first.update(match password {
            [start, ..] if bits & 1 == 0 => [*start],
            _ => [0],
        });
        bits >>= 1;
    }
    let mut running: [u8; 16] = first.finalize().into();
    for round in 0..ROUNDS {
        let odd = round % 2 == 1;
        running = md5(&[
            if odd { password } else { &running },
            if round % 3 == 0 { b"" } else { salt },
            if round % 7 == 0 { b"" } else { password },
            if odd { &running } else { password },
        ]);
    }
    // Three bytes make four characters; they are taken from all over, the last alone.
    [12, 6, 0, 13, 7, 1, 14, 8, 2, 15, 9, 3, 5, 10, 4, 11].map(|i: usize| running[i])
}

fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut hasher = Md5::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}
