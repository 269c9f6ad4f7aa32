//! Hashes that nobody has the password of, to check where there is no user.

use super::{
    Kind, PasswordHash, argon2, bcrypt, des, md5_crypt, plain,
    sha_crypt::{self, Sha},
    sha1, yescrypt,
};

/// A well-formed hash of that kind with a random salt and digest.
///
/// Checking any password against it takes as long as against a real one, and answers false.
#[must_use]
pub fn stand_in(kind: Kind) -> PasswordHash {
    let mut random = [0; 64];
    // Should the system refuse, zeros do as well: nobody knows a password for a digest of
    // zeros either, and the answer for an unknown user doesn't hang on this one.
    let _ = getrandom::fill(&mut random);
    let text = match kind {
        Kind::Bcrypt { cost } => bcrypt::stand_in(cost, &random),
        Kind::Apr1 => md5_crypt::stand_in(md5_crypt::APR1, &random),
        Kind::Md5Crypt => md5_crypt::stand_in(md5_crypt::MD5, &random),
        Kind::Sha256Crypt { rounds } => sha_crypt::stand_in(Sha::Sha256, rounds, &random),
        Kind::Sha512Crypt { rounds } => sha_crypt::stand_in(Sha::Sha512, rounds, &random),
        Kind::Sha1 => sha1::stand_in(sha1::PLAIN_TAG, 0, &random),
        Kind::SaltedSha1 => sha1::stand_in(sha1::SALTED_TAG, 8, &random),
        Kind::Des => des::stand_in(&random),
        Kind::Plain => plain::stand_in(&random),
        Kind::Yescrypt { n_log2, r, p, t } => yescrypt::stand_in(n_log2, r, p, t, &random),
        Kind::Argon2 {
            variant,
            memory_kib,
            passes,
            lanes,
        } => argon2::stand_in(variant, memory_kib, passes, lanes, &random),
    };
    PasswordHash {
        kind,
        text: text.into(),
    }
}
