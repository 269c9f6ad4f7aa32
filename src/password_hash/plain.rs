//! nginx's `{PLAIN}`: the password itself.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Unusable;

pub(super) const TAG: &[u8] = b"{PLAIN}";

/// Reads what follows the tag. nginx lets the empty password in; here it is no hash.
pub(super) fn parse(rest: &[u8]) -> Result<(), Unusable> {
    match rest {
        [] => Err(Unusable::Malformed("{PLAIN}")),
        _ => Ok(()),
    }
}

pub(super) fn verify(text: &[u8], password: &[u8]) -> bool {
    // Compared by digest, so that not even the length shows.
    text.strip_prefix(TAG).is_some_and(|stored| {
        let (stored, presented) = (Sha256::digest(stored), Sha256::digest(password));
        !password.is_empty() && bool::from(stored.as_slice().ct_eq(&presented))
    })
}

/// With a NUL in it: such a password is refused before anything is compared.
pub(super) fn stand_in(random: &[u8; 64]) -> Vec<u8> {
    [TAG, b"\0", random].concat()
}
