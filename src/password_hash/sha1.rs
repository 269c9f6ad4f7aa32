//! `{SHA}` and `{SSHA}`: one SHA-1 in base64, of the password, or of password and salt.
//!
//! Netscape's formats, known from LDAP (RFC 2307 has the braces). Exact tag, padded standard
//! base64. Right to read, since files have them, and wrong to write: millions of guesses a
//! second.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};
use subtle::ConstantTimeEq;

use super::Unusable;

pub(super) const PLAIN_TAG: &[u8] = b"{SHA}";
pub(super) const SALTED_TAG: &[u8] = b"{SSHA}";

const DIGEST_LEN: usize = 20;

/// Reads what follows `{SHA}`.
pub(super) fn parse(rest: &[u8]) -> Result<(), Unusable> {
    decode(rest)
        .filter(|(_, salt)| salt.is_empty())
        .map(drop)
        .ok_or(Unusable::Malformed("{SHA}"))
}

/// Reads what follows `{SSHA}`; an empty salt is one.
pub(super) fn parse_salted(rest: &[u8]) -> Result<(), Unusable> {
    decode(rest).map(drop).ok_or(Unusable::Malformed("{SSHA}"))
}

/// Digest and salt.
fn decode(encoded: &[u8]) -> Option<([u8; DIGEST_LEN], Vec<u8>)> {
    let bytes = STANDARD.decode(encoded).ok()?;
    let (digest, salt) = bytes.split_first_chunk()?;
    Some((*digest, salt.to_vec()))
}

pub(super) fn verify(tag: &[u8], text: &[u8], password: &[u8]) -> bool {
    text.strip_prefix(tag)
        .and_then(decode)
        .is_some_and(|(stored, salt)| {
            let digest = Sha1::new_with_prefix(password)
                .chain_update(salt)
                .finalize();
            digest.as_slice().ct_eq(&stored).into()
        })
}

pub(super) fn stand_in(tag: &[u8], salt_len: usize, random: &[u8; 64]) -> Vec<u8> {
    let bytes = random.get(..DIGEST_LEN + salt_len).unwrap_or(random);
    [tag, STANDARD.encode(bytes).as_bytes()].concat()
}
