//! What is kept of an API key: a digest, keyed where a pepper is configured.
//!
//! A key of ours holds 190 random bits, so a fast hash is enough: there is nothing to guess. A
//! pepper adds that whoever can only write to the store can't plant a key there, and protects
//! weak keys that were imported. It is an HMAC over the digest, not over the key, so that keys
//! imported as a bare SHA-256 fit in.

use std::fmt;
use std::hash::{Hash, Hasher};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// SHA-256 of a whole API key. Compared in constant time.
///
/// Not shown by `Debug`, since a weak imported key could be guessed from it.
#[derive(Clone, Copy)]
pub struct ApiKeyDigest([u8; 32]);

impl ApiKeyDigest {
    /// The digest of no key that anybody could find.
    pub const NOBODYS: Self = Self([0; 32]);

    pub(super) fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }

    /// Takes 64 hexadecimal digits of either case, as `sha256sum` writes them.
    ///
    /// # Errors
    /// [`InvalidDigest`] for anything else.
    pub fn from_hex(raw: &str) -> Result<Self, InvalidDigest> {
        let (pairs, []) = raw.as_bytes().as_chunks::<2>() else {
            return Err(InvalidDigest);
        };
        let pairs: &[[u8; 2]; 32] = pairs.try_into().map_err(|_| InvalidDigest)?;
        let mut bytes = [0; 32];
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = nibble(*high)? << 4 | nibble(*low)?;
        }
        Ok(Self(bytes))
    }

    /// What a store keeps and searches: the digest itself, or HMAC-SHA-256 of it under a pepper.
    #[must_use]
    pub fn index(&self, pepper: Option<&Pepper>) -> [u8; 32] {
        match pepper {
            Some(pepper) => pepper.mac(&self.0),
            None => self.0,
        }
    }
}

impl PartialEq for ApiKeyDigest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for ApiKeyDigest {}

impl Hash for ApiKeyDigest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for ApiKeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyDigest(..)")
    }
}

/// A text is no SHA-256 in hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 digest is written as 64 hexadecimal digits")]
pub struct InvalidDigest;

/// The secret that keys the digests of a store: 16 to 4096 bytes. Wiped when dropped.
pub struct Pepper(Zeroizing<Vec<u8>>);

impl Pepper {
    /// Takes the secret bytes.
    ///
    /// # Errors
    /// [`InvalidPepper`] for fewer than 16 bytes or more than 4096.
    pub fn new(secret: Zeroizing<Vec<u8>>) -> Result<Self, InvalidPepper> {
        if (16..=4096).contains(&secret.len()) {
            Ok(Self(secret))
        } else {
            Err(InvalidPepper(secret.len()))
        }
    }

    /// Tells this pepper from others without giving it away: 16 hexadecimal digits.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        use std::fmt::Write as _;

        // Any fixed text will do that is no 32-byte digest.
        let mac = self.mac(b"htgate pepper fingerprint");
        mac.iter().take(8).fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
    fn mac(&self, message: &[u8]) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("any length is a key");
        mac.update(message);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper(secret)")
    }
}

/// A pepper is too short to protect anything, or absurdly long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pepper has 16 to 4096 bytes, this one {0}; `openssl rand -hex 32` makes a good one")]
pub struct InvalidPepper(usize);

fn nibble(digit: u8) -> Result<u8, InvalidDigest> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(InvalidDigest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"htg_000000000000_000000000000000000000000000000002Diqxq";
    /// `sha256sum` of the key, and HMAC-SHA-256 of those 32 bytes, by another program.
    const DIGEST: &str = "b07db41bc7ce66b733697d04d35cef4872ac67808366d07ba1f0e09d5202f1f1";
    const PEPPERED: &str = "5b143da36e9d106a0bbbfcdf960a7dc24ef9b808c98764bcfcc9327b6259046a";

    fn pepper(secret: &[u8]) -> Pepper {
        Pepper::new(Zeroizing::new(secret.to_vec())).unwrap()
    }

    #[test]
    fn the_index_is_sha256_or_its_hmac_under_the_pepper() {
        let digest = ApiKeyDigest::of(KEY);
        assert_eq!(digest, ApiKeyDigest::from_hex(DIGEST).unwrap());
        assert_eq!(
            digest,
            ApiKeyDigest::from_hex(&DIGEST.to_uppercase()).unwrap()
        );

        let plain = ApiKeyDigest(digest.index(None));
        assert_eq!(plain, digest);
        let peppered = ApiKeyDigest(digest.index(Some(&pepper(b"sixteen bytes ok"))));
        assert_eq!(peppered, ApiKeyDigest::from_hex(PEPPERED).unwrap());
    }

    #[test]
    fn only_64_hexadecimal_digits_are_a_digest() {
        for raw in [
            "",
            "b0",
            &DIGEST[1..],
            &DIGEST[2..],
            &format!("{DIGEST}0"),
            &format!("{DIGEST}00"),
            &DIGEST.replace('b', "g"),
            &DIGEST.replacen("b0", "é", 1),
            &format!("+{}", &DIGEST[1..]),
        ] {
            assert_eq!(ApiKeyDigest::from_hex(raw), Err(InvalidDigest), "{raw}");
        }
    }

    #[test]
    fn peppers_are_told_apart_and_not_shown() {
        let one = pepper(b"sixteen bytes ok");
        let other = pepper(b"sixteen bytes no");
        assert_eq!(one.fingerprint().len(), 16);
        assert_eq!(one.fingerprint(), pepper(b"sixteen bytes ok").fingerprint());
        assert_ne!(one.fingerprint(), other.fingerprint());
        assert_eq!(format!("{one:?}"), "Pepper(secret)");
        assert_eq!(format!("{:?}", ApiKeyDigest::of(KEY)), "ApiKeyDigest(..)");
        assert_eq!(
            Pepper::new(Zeroizing::new(b"short".to_vec())).unwrap_err(),
            InvalidPepper(5)
        );
    }
}
