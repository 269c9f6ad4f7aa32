//! Stored password hashes: which they are, what they cost, and whether a password fits.
//!
//! A hash is parsed once, when its file is read: the format is picked by exact mark, the
//! shape checked to the last bit, the cost held against a fixed cap. So a check later can't
//! fail or panic, it can only say no. Each family has its file, with its source.
//!
//! Reading files, and which user has which hash, is the store's work. That an empty password
//! never passes is the authenticator's rule; here a hash of the empty password is a hash.

mod argon2;
mod bcrypt;
mod crypt64;
mod des;
mod kind;
mod md5_crypt;
mod plain;
mod sha1;
mod sha_crypt;
mod stand_in;
mod unusable;
mod weak;
mod yescrypt;

#[cfg(test)]
mod tests;

use std::fmt;

pub use self::{
    bcrypt::{DEFAULT_BCRYPT_COST, HashError, hash_bcrypt},
    kind::{Argon2Variant, Kind},
    stand_in::stand_in,
    unusable::{Cap, Unusable},
    weak::{UnknownWeakFormat, WeakFormat, WeakFormats},
};
use crate::identity::Password;
use sha_crypt::Sha;

/// The longest password that is looked at, in bytes; sha-crypt's work grows with its square.
pub const MAX_PASSWORD_LEN: usize = 512;
/// The longest text that is taken for a hash, in bytes.
pub const MAX_HASH_LEN: usize = 512;

/// A stored hash that can be checked: well-formed, of a format we have, under its cost cap.
///
/// `Debug` shows the kind only.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash {
    kind: Kind,
    text: Box<[u8]>,
}

impl PasswordHash {
    /// Reads what stands between the first colon of an htpasswd line and the next.
    ///
    /// Taken as given: cutting blanks is the file reader's work.
    ///
    /// # Errors
    /// [`Unusable`], saying why nobody can log in with it.
    pub fn parse(text: &[u8], weak: WeakFormats) -> Result<Self, Unusable> {
        Ok(Self {
            kind: Kind::of(text, weak)?,
            text: text.into(),
        })
    }

    /// Whether this is the password.
    ///
    /// Takes from microseconds to seconds, by [`PasswordHash::kind`], and as long for a wrong
    /// password as for the right one.
    #[must_use]
    pub fn verify(&self, password: &Password) -> bool {
        let password = password.expose();
        // SECURITY: first of all. C programs cut a password at a NUL and accept the front,
        // and some of the crates go round in circles there.
        if password.len() > MAX_PASSWORD_LEN || password.contains(&0) {
            return false;
        }
        let text = &*self.text;
        match self.kind {
            Kind::Bcrypt { .. } => bcrypt::verify(text, password),
            Kind::Apr1 => md5_crypt::verify(md5_crypt::APR1, text, password),
            Kind::Md5Crypt => md5_crypt::verify(md5_crypt::MD5, text, password),
            Kind::Sha256Crypt { .. } | Kind::Sha512Crypt { .. } => {
                sha_crypt::verify(text, password)
            }
            Kind::Sha1 => sha1::verify(sha1::PLAIN_TAG, text, password),
            Kind::SaltedSha1 => sha1::verify(sha1::SALTED_TAG, text, password),
            Kind::Des => des::verify(text, password),
            Kind::Plain => plain::verify(text, password),
            Kind::Yescrypt { .. } => yescrypt::verify(text, password),
            Kind::Argon2 { variant, .. } => argon2::verify(variant, text, password),
        }
    }

    /// Format and cost.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether a check takes microseconds: not worth a thread change or a cache entry.
    #[must_use]
    pub fn is_cheap(&self) -> bool {
        self.kind.is_cheap()
    }

    /// The text as stored: part of the key under which a verdict is cached. Never for a log.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({})", self.kind)
    }
}

impl Kind {
    /// The kind of a stored text: what [`PasswordHash::parse`] finds, where nothing is to be kept.
    ///
    /// # Errors
    /// [`Unusable`], as there.
    pub fn of(text: &[u8], weak: WeakFormats) -> Result<Self, Unusable> {
        if text.len() > MAX_HASH_LEN {
            return Err(Unusable::TooLong);
        }
        let kind = recognise(text)?;
        match kind.weak_format() {
            Some(format) if !weak.allows(format) => Err(Unusable::WeakNotAllowed(format)),
            _ => Ok(kind),
        }
    }
}

type Parser = fn(&[u8]) -> Result<Kind, Unusable>;

/// The formats with a mark, each with the reader of what follows it.
const FORMATS: [(&[u8], Parser); 13] = [
    (b"$2y$", bcrypt::parse),
    (b"$2b$", bcrypt::parse),
    (b"$2a$", bcrypt::parse),
    (b"$2x$", bcrypt::parse),
    (md5_crypt::APR1, |rest| {
        md5_crypt::parse(rest, "apr1").map(|()| Kind::Apr1)
    }),
    (md5_crypt::MD5, |rest| {
        md5_crypt::parse(rest, "md5-crypt").map(|()| Kind::Md5Crypt)
    }),
    (b"$5$", |rest| {
        sha_crypt::parse(rest, Sha::Sha256).map(|rounds| Kind::Sha256Crypt { rounds })
    }),
    (b"$6$", |rest| {
        sha_crypt::parse(rest, Sha::Sha512).map(|rounds| Kind::Sha512Crypt { rounds })
    }),
    (sha1::PLAIN_TAG, |rest| {
        sha1::parse(rest).map(|()| Kind::Sha1)
    }),
    (sha1::SALTED_TAG, |rest| {
        sha1::parse_salted(rest).map(|()| Kind::SaltedSha1)
    }),
    (plain::TAG, |rest| plain::parse(rest).map(|()| Kind::Plain)),
    (b"$y$", yescrypt::parse),
    (b"$argon2", |rest| match rest {
        [b'i', b'd', b'$', rest @ ..] => argon2::parse(rest, Argon2Variant::Id),
        [b'i', b'$', rest @ ..] => argon2::parse(rest, Argon2Variant::I),
        [b'd', b'$', rest @ ..] => argon2::parse(rest, Argon2Variant::D),
        _ => Err(Unusable::Malformed("argon2")),
    }),
];

fn recognise(text: &[u8]) -> Result<Kind, Unusable> {
    match text {
        [] => return Err(Unusable::Empty),
        [b'!' | b'*', ..] | b"x" => return Err(Unusable::Locked),
        _ => {}
    }
    for (mark, parse) in FORMATS {
        if let Some(rest) = text.strip_prefix(mark) {
            return parse(rest);
        }
    }
    if des::fits(text) {
        return Ok(Kind::Des);
    }
    Err(unusable::foreign(text))
}
