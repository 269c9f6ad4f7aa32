//! Keyed hashes of secrets, under which something is remembered for as long as the process runs.

use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip128::{Hasher128 as _, SipHasher24};
use zeroize::Zeroizing;

/// The keyed hash of some texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint([u64; 2]);

/// Makes [`Fingerprint`]s: SipHash-2-4 with 128 bits of output, under a random key.
///
/// It is on the path of every request, and three times as fast as HMAC-SHA-256 where the
/// processor has instructions for SHA. A pseudo-random function is all that is needed: neither its
/// key nor any output ever leaves the process, so a guess that meets one of `n` fingerprints by
/// chance has odds of `n / 2^128`.
pub struct Fingerprinter(SipHasher24);

impl Fingerprinter {
    /// With a new random key.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0; 16]);
        getrandom::fill(key.as_mut_slice())?;
        Ok(Self(SipHasher24::new_with_key(&key)))
    }

    /// The fingerprint of these texts, which are shorter than 4 GiB. Each counts together with
    /// its length: no two lists of as many texts look alike.
    #[must_use]
    pub fn of<const N: usize>(&self, texts: [&[u8]; N]) -> Fingerprint {
        #[expect(clippy::cast_possible_truncation, reason = "as documented")]
        let lengths = texts.map(|text| (text.len() as u32).to_be_bytes());
        let mut hasher = self.0;
        hasher.write(lengths.as_flattened());
        for text in texts {
            hasher.write(text);
        }
        let hash = hasher.finish128();
        Fingerprint([hash.h1, hash.h2])
    }
}

/// A fingerprint is as random as any hash of it.
impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

/// Builds the hasher that takes a [`Fingerprint`] as it is.
pub type AsItIs = BuildHasherDefault<Itself>;

/// The hasher of [`AsItIs`].
#[derive(Default)]
pub struct Itself(u64);

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

/// Counts how often what is remembered under fingerprints was found.
#[derive(Debug, Default)]
pub struct LookCounts {
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How often something was looked for and found, or not, and how much is remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// It was found.
    pub hits: u64,
    /// It was not.
    pub misses: u64,
    /// What is remembered, about.
    pub entries: u64,
}

impl LookCounts {
    /// It was found.
    pub fn hit(&self) {
        self.hits.fetch_add(1, Ordering::Relaxed);
    }

    /// It was not.
    pub fn miss(&self) {
        self.misses.fetch_add(1, Ordering::Relaxed);
    }

    /// The counts by now.
    #[must_use]
    pub fn looks(&self, entries: u64) -> Looks {
        Looks {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            entries,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three of the authors' vectors (`vectors.h`): key 00 to 0f, message 00, 01, 02, ...
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
            assert_eq!(format!("{bytes:032x}"), expected, "{len} bytes");
        }
    }

    #[test]
    fn a_fingerprint_depends_on_every_text_and_on_the_key() {
        let (one, other) = (
            Fingerprinter::random().unwrap(),
            Fingerprinter::random().unwrap(),
        );
        let all = [
            one.of([b"ab", b"cd"]),
            one.of([b"abc", b"d"]),
            one.of([b"", b"abcd"]),
            one.of([b"ab", b"ce"]),
            one.of([b"cd", b"ab"]),
            other.of([b"ab", b"cd"]),
        ];
        for (i, fingerprint) in all.iter().enumerate() {
            assert!(!all[..i].contains(fingerprint), "no. {i}");
        }
        assert_eq!(one.of([b"ab", b"cd"]), all[0]);
    }
}
