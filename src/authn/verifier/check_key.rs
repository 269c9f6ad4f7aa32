//! Under what a verification is remembered.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use siphasher::sip128::{Hasher128 as _, SipHasher24};

use crate::identity::Username;

/// A keyed hash of everything that a verification depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CheckKey([u64; 2]);

/// A [`CheckKey`] is as random as any hash of it.
impl Hash for CheckKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

/// Takes a key for its own hash.
pub(super) type AsItIs = BuildHasherDefault<Itself>;

/// The hasher of [`AsItIs`].
#[derive(Default)]
pub(super) struct Itself(u64);

impl Hasher for Itself {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Whose hash a password is held against.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// The user's own.
    User,
    /// A stand-in, which nothing matches.
    Nobody,
}

/// Makes [`CheckKey`]s: SipHash-2-4 with 128 bits of output, under a random key per process.
///
/// It is on the path of every request, and three times as fast as HMAC-SHA-256 where the
/// processor has instructions for SHA. A pseudo-random function is all that is needed: neither its
/// key nor any output ever leaves the process, so a guess that meets one of `n` entries by chance
/// has odds of `n / 2^128`.
pub(super) struct Keyer(SipHasher24);

impl Keyer {
    /// With a new random key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub(super) fn random() -> Result<Self, getrandom::Error> {
        let mut key = zeroize::Zeroizing::new([0; 16]);
        getrandom::fill(key.as_mut_slice())?;
        Ok(Self(SipHasher24::new_with_key(&key)))
    }

    /// The key of a check. Each part stands behind its length: no two lists of parts look alike.
    pub(super) fn key(
        &self,
        realm: &str,
        user: &Username,
        subject: Subject,
        stored: &[u8],
        password: &[u8],
    ) -> CheckKey {
        let mut hasher = self.0;
        hasher.write_u8(match subject {
            Subject::User => 1,
            Subject::Nobody => 0,
        });
        for part in [realm.as_bytes(), user.as_bytes(), stored, password] {
            hasher.write_u64(part.len() as u64);
            hasher.write(part);
        }
        let hash = hasher.finish128();
        CheckKey([hash.h1, hash.h2])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and last vector of the authors' `vectors.h`: key 00 to 0f, message 00, 01, ...
    #[test]
    fn the_function_is_siphash_2_4_with_128_bits() {
        let key: [u8; 16] = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let message: Vec<u8> = (0..63).collect();
        for (len, expected) in [
            (0, "a3817f04ba25a8e66df67214c7550293"),
            (1, "da87c1d86b99af44347659119b22fc45"),
            (63, "5150d1772f50834a503e069a973fbd7c"),
        ] {
            let hash = SipHasher24::new_with_key(&key).hash(&message[..len]);
            let bytes = u128::from_be_bytes(hash.as_bytes());
            let hex = format!("{bytes:032x}");
            assert_eq!(hex, expected, "{len} bytes");
        }
    }

    #[test]
    fn a_check_is_filed_under_all_it_depends_on() {
        let keyer = Keyer::random().unwrap();
        let key = |realm, user: &str, subject, stored: &str, password: &str| {
            let user = Username::parse(user.as_bytes()).unwrap();
            keyer.key(
                realm,
                &user,
                subject,
                stored.as_bytes(),
                password.as_bytes(),
            )
        };
        let all = [
            key("r", "alice", Subject::User, "hash", "pw"),
            key("s", "alice", Subject::User, "hash", "pw"),
            key("r", "bob", Subject::User, "hash", "pw"),
            key("ra", "lice", Subject::User, "hash", "pw"),
            key("r", "alice", Subject::User, "hashp", "w"),
            key("r", "alice", Subject::User, "hush", "pw"),
            key("r", "alice", Subject::Nobody, "hash", "pw"),
            key("r", "alice", Subject::User, "hash", "pW"),
        ];
        for (i, a) in all.iter().enumerate() {
            assert!(
                !all[..i].contains(a),
                "no. {i} is filed under another's key"
            );
        }
    }
}
