//! Why an entry's hash can't be used, in words that give nothing of it away.

use super::{MAX_HASH_LEN, WeakFormat};

/// Why a stored text verifies nobody. The entry stays, as a locked one.
///
/// Holds only words of this program, never a byte of the stored text: that may be a password
/// somebody put in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// There is nothing after the colon.
    #[error("the hash is empty, so the user is locked")]
    Empty,
    /// It starts with `!` or `*`, or is `x`: the marks with which accounts are locked.
    #[error("the user is locked with a mark in place of the hash")]
    Locked,
    /// It is longer than any hash, [`MAX_HASH_LEN`] bytes.
    #[error("the hash is longer than {MAX_HASH_LEN} bytes")]
    TooLong,
    /// A known format that isn't verified here.
    #[error("the format {0} is not supported; set the password anew")]
    Unsupported(&'static str),
    /// No format at all.
    #[error("the hash has no known format; set the password anew")]
    Unknown,
    /// The mark of a format, but not its shape.
    #[error("this is not a well-formed {0} hash; set the password anew")]
    Malformed(&'static str),
    /// A cost that would keep a hashing thread or its memory for too long.
    #[error("the hash costs too much: {0}; set the password anew at a lower cost")]
    OverCap(Cap),
    /// A format that protects too little, where the realm doesn't allow it.
    #[error("a weak format that is not allowed here; allow_weak = [\"{0}\"] would")]
    WeakNotAllowed(WeakFormat),
}

/// The upper bounds of cost.
///
/// They are fixed. They lie well above what the tools write by default, and the worst case
/// below them is some seconds or 256 MiB per check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cap {
    /// What `htpasswd` itself takes at most, about eight seconds.
    #[error("bcrypt is taken up to cost 17")]
    Bcrypt,
    /// About a third of a second.
    #[error("sha-crypt is taken up to 1000000 rounds")]
    ShaCrypt,
    /// Memory, parallelism and extra passes.
    #[error("yescrypt is taken up to 64 MiB, p 4 and t 16")]
    Yescrypt,
    /// Memory, passes and lanes.
    #[error("argon2 is taken up to 256 MiB, t 16 and p 16")]
    Argon2,
}

/// The formats that are recognised only to be named in the warning.
const UNSUPPORTED: [(&[u8], &str); 20] = [
    (b"$gy$", "gost-yescrypt ($gy$)"),
    (b"$7$", "scrypt ($7$)"),
    (b"$scrypt$", "scrypt ($scrypt$)"),
    (b"$md5$", "SunMD5 ($md5$)"),
    (b"$md5,", "SunMD5 ($md5$)"),
    (b"$3$", "NT ($3$)"),
    (b"$sha1$", "sha1-crypt ($sha1$)"),
    (b"$pbkdf2", "PBKDF2 ($pbkdf2)"),
    (b"$bcrypt-sha256$", "bcrypt-sha256"),
    (b"$2$", "bcrypt before 2a ($2$)"),
    (b"$P$", "phpass ($P$)"),
    (b"$H$", "phpass ($H$)"),
    (b"$S$", "Drupal 7 ($S$)"),
    (b"_", "BSDi extended DES (_)"),
    (b"{MD5}", "{MD5}"),
    (b"{SMD5}", "{SMD5}"),
    (b"{SSHA256}", "{SSHA256}"),
    (b"{SSHA512}", "{SSHA512}"),
    (b"{CLEARTEXT}", "{CLEARTEXT}"),
    (b"{CRYPT}", "{CRYPT}"),
];

/// What to say about a text that none of our own formats recognised.
pub(super) fn foreign(text: &[u8]) -> Unusable {
    UNSUPPORTED
        .iter()
        .find(|(prefix, _)| text.starts_with(prefix))
        .map_or(Unusable::Unknown, |(_, name)| Unusable::Unsupported(name))
}
