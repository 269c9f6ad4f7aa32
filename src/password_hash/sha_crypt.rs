//! sha-crypt: `$5$` or `$6$`, perhaps `rounds=N$`, a salt of 1 to 16 characters, `$`, digest.
//!
//! Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512" (2007). The work grows with the
//! square of the password's length, one reason why that is bounded.

use std::str;

use sha_crypt::{PasswordVerifier, ShaCrypt};

use super::{Cap, Unusable, crypt64};

/// The rounds of an entry that doesn't say.
const DEFAULT_ROUNDS: u32 = 5000;
const MIN_ROUNDS: u32 = 1000;
/// The cap: about a third of a second.
const MAX_ROUNDS: u32 = 1_000_000;

/// Which of the two.
#[derive(Clone, Copy)]
pub(super) enum Sha {
    Sha256,
    Sha512,
}

impl Sha {
    fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256-crypt",
            Self::Sha512 => "sha512-crypt",
        }
    }

    fn digest_chars(self) -> usize {
        match self {
            Self::Sha256 => 43,
            Self::Sha512 => 86,
        }
    }
}

/// Reads what follows the mark, to the number of rounds.
pub(super) fn parse(rest: &[u8], sha: Sha) -> Result<u32, Unusable> {
    let malformed = Unusable::Malformed(sha.name());
    let mut fields = rest.split(|c| *c == b'$');
    let mut salt = fields.next().unwrap_or_default();
    let mut rounds = DEFAULT_ROUNDS;
    if let Some(digits) = salt.strip_prefix(b"rounds=") {
        rounds = self::rounds(digits).ok_or(malformed)?;
        salt = fields.next().ok_or(malformed)?;
    }
    let (Some(digest), None) = (fields.next(), fields.next()) else {
        return Err(malformed);
    };
    let well_formed = (1..=16).contains(&salt.len())
        && salt.iter().all(|c| is_salt(*c))
        && digest.len() == sha.digest_chars()
        && crypt64::is_canonical(digest);
    match rounds {
        _ if !well_formed => Err(malformed),
        0..MIN_ROUNDS => Err(malformed),
        MIN_ROUNDS..=MAX_ROUNDS => Ok(rounds),
        _ => Err(Unusable::OverCap(Cap::ShaCrypt)),
    }
}

/// Digits only, none of them a leading zero; the crate would take a sign and zeros, crypt(3)
/// doesn't. More than nine digits are over any cap and come out as the largest number.
fn rounds(digits: &[u8]) -> Option<u32> {
    match digits {
        [b'1'..=b'9', ..] if digits.iter().all(u8::is_ascii_digit) => {
            Some(str::from_utf8(digits).ok()?.parse().unwrap_or(u32::MAX))
        }
        _ => None,
    }
}

/// The characters that the crate takes in a salt; tools write those of [`crypt64::ALPHABET`].
fn is_salt(character: u8) -> bool {
    character.is_ascii_alphanumeric() || b"./+=,-".contains(&character)
}

pub(super) fn verify(text: &[u8], password: &[u8]) -> bool {
    str::from_utf8(text)
        .is_ok_and(|text| ShaCrypt::default().verify_password(password, text).is_ok())
}

pub(super) fn stand_in(sha: Sha, rounds: u32, random: &[u8; 64]) -> Vec<u8> {
    let mark = match sha {
        Sha::Sha256 => "$5$",
        Sha::Sha512 => "$6$",
    };
    let salt = crypt64::encode(random.first_chunk::<12>().unwrap_or(&[0; 12]));
    let mut digest = crypt64::encode(random);
    digest.truncate(sha.digest_chars());
    // 43 characters carry 258 bits, two more than SHA-256 fills.
    if let (Sha::Sha256, Some(last)) = (sha, digest.last_mut()) {
        *last = b'.';
    }
    [
        format!("{mark}rounds={rounds}$").as_bytes(),
        &salt,
        b"$",
        &digest,
    ]
    .concat()
}
