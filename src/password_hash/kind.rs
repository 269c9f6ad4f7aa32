//! What sort of hash an entry holds and what checking it costs.

use std::fmt;

use super::WeakFormat;

/// A hash's format together with its cost: two hashes of one kind take equal time to check.
///
/// `Display` says both, as in `bcrypt cost 12`. The order has no meaning, but it is fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `$2a$`, `$2b$`, `$2x$`, `$2y$`.
    Bcrypt {
        /// Binary logarithm of the number of key expansions, 4 to 17.
        cost: u8,
    },
    /// `$apr1$`, Apache's md5-crypt.
    Apr1,
    /// `$1$`.
    Md5Crypt,
    /// `$5$`.
    Sha256Crypt {
        /// 1000 to 1,000,000.
        rounds: u32,
    },
    /// `$6$`.
    Sha512Crypt {
        /// 1000 to 1,000,000.
        rounds: u32,
    },
    /// `{SHA}`: one unsalted SHA-1.
    Sha1,
    /// `{SSHA}`: one salted SHA-1.
    SaltedSha1,
    /// The original crypt(3).
    Des,
    /// `{PLAIN}`: no hash at all.
    Plain,
    /// `$y$`.
    Yescrypt {
        /// Binary logarithm of N, the number of blocks.
        n_log2: u8,
        /// Block size in units of 128 bytes.
        r: u32,
        /// Parallelism, 1 to 4.
        p: u8,
        /// Extra passes, 0 to 16; 0 is what tools write.
        t: u8,
    },
    /// `$argon2d$`, `$argon2i$`, `$argon2id$`.
    Argon2 {
        /// Which of the three.
        variant: Argon2Variant,
        /// Memory in KiB, up to 256 MiB.
        memory_kib: u32,
        /// Passes over the memory, 1 to 16.
        passes: u8,
        /// Lanes, 1 to 16.
        lanes: u8,
    },
}

/// The three ways in which Argon2 addresses its memory (RFC 9106 §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Argon2Variant {
    /// Depends on the password.
    D,
    /// Doesn't.
    I,
    /// First doesn't, then does; the recommended one.
    Id,
}

impl Kind {
    /// Whether a check takes microseconds: not worth a thread change or a cache entry.
    #[must_use]
    pub fn is_cheap(self) -> bool {
        matches!(
            self,
            Self::Sha1 | Self::SaltedSha1 | Self::Des | Self::Plain
        )
    }

    /// The weak format this is, if it is one.
    #[must_use]
    pub fn weak_format(self) -> Option<WeakFormat> {
        match self {
            Self::Des => Some(WeakFormat::Des),
            Self::Plain => Some(WeakFormat::Plain),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bcrypt { cost } => write!(f, "bcrypt cost {cost}"),
            Self::Apr1 => f.write_str("apr1"),
            Self::Md5Crypt => f.write_str("md5-crypt"),
            Self::Sha256Crypt { rounds } => write!(f, "sha256-crypt rounds {rounds}"),
            Self::Sha512Crypt { rounds } => write!(f, "sha512-crypt rounds {rounds}"),
            Self::Sha1 => f.write_str("{SHA}"),
            Self::SaltedSha1 => f.write_str("{SSHA}"),
            Self::Des => f.write_str("DES crypt"),
            Self::Plain => f.write_str("{PLAIN}"),
            Self::Yescrypt { n_log2, r, p, t } => {
                write!(f, "yescrypt N 2^{n_log2} r {r} p {p} t {t}")
            }
            Self::Argon2 {
                variant,
                memory_kib,
                passes,
                lanes,
            } => write!(f, "{variant} m {memory_kib} t {passes} p {lanes}"),
        }
    }
}

impl fmt::Display for Argon2Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::D => "argon2d",
            Self::I => "argon2i",
            Self::Id => "argon2id",
        })
    }
}
