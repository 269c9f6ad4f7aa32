//! bcrypt: `$2y$`, cost of two digits, `$`, 22 characters of salt and 31 of digest.
//!
//! Provos and Mazières, "A Future-Adaptable Password Scheme" (1999). `$2a$`, `$2b$` and
//! `$2x$` are computed as `$2y$`: they are marks of what once was wrong in one program or
//! another. The first 72 bytes of the password count.

use std::str;

use base64::Engine;

use super::{Cap, Kind, MAX_PASSWORD_LEN, Unusable};
use crate::identity::Password;

/// The lowest cost there is.
const MIN_COST: u8 = 4;
/// The cap: `htpasswd` writes nothing above it, and a check takes about eight seconds.
const MAX_COST: u8 = 17;

/// The cost of hashes made here when nobody says otherwise: about a quarter of a second.
pub const DEFAULT_BCRYPT_COST: u8 = 12;

const SALT_CHARS: usize = 22;
const MALFORMED: Unusable = Unusable::Malformed("bcrypt");

/// Reads what follows the mark.
pub(super) fn parse(rest: &[u8]) -> Result<Kind, Unusable> {
    // The crate would read the cost as a number with an optional sign.
    let [tens @ b'0'..=b'9', ones @ b'0'..=b'9', b'$', encoded @ ..] = rest else {
        return Err(MALFORMED);
    };
    let (salt, digest) = encoded.split_at_checked(SALT_CHARS).ok_or(MALFORMED)?;
    decode::<16>(salt)
        .and(decode::<23>(digest))
        .ok_or(MALFORMED)?;
    match (tens - b'0') * 10 + (ones - b'0') {
        0..MIN_COST | 32.. => Err(MALFORMED),
        cost @ MIN_COST..=MAX_COST => Ok(Kind::Bcrypt { cost }),
        _ => Err(Unusable::OverCap(Cap::Bcrypt)),
    }
}

/// Strict in length, alphabet and left-over bits.
fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let length = bcrypt::BASE_64.decode_slice(text, &mut bytes).ok()?;
    (length == N).then_some(bytes)
}

pub(super) fn verify(text: &[u8], password: &[u8]) -> bool {
    // SECURITY: the crate's `non_truncating_verify` would be wrong here, since it refuses
    // passwords from 72 bytes on, for which every other program has written hashes.
    str::from_utf8(text)
        .is_ok_and(|text| bcrypt::verify(password, text).is_ok_and(|matches| matches))
}

pub(super) fn stand_in(cost: u8, random: &[u8; 64]) -> Vec<u8> {
    let salt = random.first_chunk::<16>().copied().unwrap_or_default();
    let digest = random.last_chunk::<23>().copied().unwrap_or_default();
    let engine = bcrypt::BASE_64;
    format!(
        "$2y${cost:02}${}{}",
        engine.encode(salt),
        engine.encode(digest)
    )
    .into_bytes()
}

/// Why a password can't be made into a hash.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// An empty password never passes.
    #[error("the password is empty")]
    Empty,
    /// Nothing over [`MAX_PASSWORD_LEN`] bytes is ever verified.
    #[error("the password is longer than {MAX_PASSWORD_LEN} bytes")]
    TooLong,
    /// Nothing with a NUL byte is ever verified.
    #[error("the password has a NUL byte in it")]
    Nul,
    /// The cost is not one that would be verified.
    #[error("the bcrypt cost is {0}, not between 4 and 17")]
    Cost(u8),
    /// The system gave no random bytes for the salt.
    #[error("no random bytes from the system")]
    Random(#[source] getrandom::Error),
}

/// Makes a `$2y$` hash with a fresh salt, as `htpasswd -B` does.
///
/// As everywhere, bytes after the 72nd are not looked at; a caller with a person in front of
/// it should say so.
///
/// # Errors
/// [`HashError`], for passwords and costs that would never verify here, and when the system
/// has no random bytes.
pub fn hash_bcrypt(password: &Password, cost: u8) -> Result<String, HashError> {
    let bytes = password.expose();
    match bytes {
        [] => return Err(HashError::Empty),
        _ if bytes.len() > MAX_PASSWORD_LEN => return Err(HashError::TooLong),
        _ if bytes.contains(&0) => return Err(HashError::Nul),
        _ if !(MIN_COST..=MAX_COST).contains(&cost) => return Err(HashError::Cost(cost)),
        _ => {}
    }
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).map_err(HashError::Random)?;
    let parts =
        bcrypt::hash_with_salt(bytes, cost.into(), salt).map_err(|_| HashError::Cost(cost))?;
    Ok(parts.format_for_version(bcrypt::Version::TwoY))
}
