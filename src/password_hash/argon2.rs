//! Argon2: `$argon2id$v=19$m=65536,t=3,p=4$`, salt, `$`, digest.
//!
//! RFC 9106 for the function, the reference program's `encoding.c` for the text: parameters
//! in this order, decimal without sign or leading zeros, unpadded base64. The version must be
//! said. The lengths of salt and digest follow the PHC string format's recommendation.

use std::str::{self, FromStr};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq;

use super::{Argon2Variant, Cap, Kind, Unusable};

/// The cap in memory: 256 MiB.
const MAX_MEMORY_KIB: u32 = 256 << 10;
const MAX_PASSES: u8 = 16;
const MAX_LANES: u8 = 16;

const MALFORMED: Unusable = Unusable::Malformed("argon2");
const OVER_CAP: Unusable = Unusable::OverCap(Cap::Argon2);

/// A text taken apart.
struct Parts {
    version: Version,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

/// Reads what follows the mark.
pub(super) fn parse(rest: &[u8], variant: Argon2Variant) -> Result<Kind, Unusable> {
    let parts = split(rest).ok_or(MALFORMED)?;
    let within = |value: u32, cap: u8| u8::try_from(value).ok().filter(|v| *v <= cap);
    let kind = Kind::Argon2 {
        variant,
        memory_kib: parts.memory_kib,
        passes: within(parts.passes, MAX_PASSES).ok_or(OVER_CAP)?,
        lanes: within(parts.lanes, MAX_LANES).ok_or(OVER_CAP)?,
    };
    if parts.memory_kib > MAX_MEMORY_KIB {
        return Err(OVER_CAP);
    }
    // What is left to refuse: zeros, and less memory than eight blocks a lane.
    Params::new(parts.memory_kib, parts.passes, parts.lanes, None).map_err(|_| MALFORMED)?;
    Ok(kind)
}

fn split(rest: &[u8]) -> Option<Parts> {
    let mut fields = str::from_utf8(rest).ok()?.split('$');
    let version = match fields.next()? {
        "v=19" => Version::V0x13,
        "v=16" => Version::V0x10,
        _ => return None,
    };
    let mut costs = fields.next()?.split(',');
    let parts = Parts {
        version,
        memory_kib: decimal(costs.next()?.strip_prefix("m=")?)?,
        passes: decimal(costs.next()?.strip_prefix("t=")?)?,
        lanes: decimal(costs.next()?.strip_prefix("p=")?)?,
        salt: STANDARD_NO_PAD.decode(fields.next()?).ok()?,
        digest: STANDARD_NO_PAD.decode(fields.next()?).ok()?,
    };
    let complete = costs.next().is_none()
        && fields.next().is_none()
        && (8..=64).contains(&parts.salt.len())
        && (10..=64).contains(&parts.digest.len());
    complete.then_some(parts)
}

fn decimal(digits: &str) -> Option<u32> {
    match digits.as_bytes() {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] => u32::from_str(digits).ok(),
        _ => None,
    }
}

pub(super) fn verify(variant: Argon2Variant, text: &[u8], password: &[u8]) -> bool {
    let rest = text.splitn(3, |c| *c == b'$').nth(2).unwrap_or_default();
    matches(variant, rest, password).is_some_and(|matches| matches)
}

/// `None` where the text is not one that [`parse`] takes, and when memory runs out.
fn matches(variant: Argon2Variant, rest: &[u8], password: &[u8]) -> Option<bool> {
    let parts = split(rest)?;
    let params = Params::new(parts.memory_kib, parts.passes, parts.lanes, None).ok()?;
    let algorithm = match variant {
        Argon2Variant::D => Algorithm::Argon2d,
        Argon2Variant::I => Algorithm::Argon2i,
        Argon2Variant::Id => Algorithm::Argon2id,
    };
    let mut digest = vec![0; parts.digest.len()];
    Argon2::new(algorithm, parts.version, params)
        .hash_password_into(password, &parts.salt, &mut digest)
        .ok()?;
    Some(digest.ct_eq(&parts.digest).into())
}

pub(super) fn stand_in(
    variant: Argon2Variant,
    memory_kib: u32,
    passes: u8,
    lanes: u8,
    random: &[u8; 64],
) -> Vec<u8> {
    let (salt, digest) = random.split_at(32);
    let salt = STANDARD_NO_PAD.encode(salt.first_chunk::<16>().unwrap_or(&[0; 16]));
    let digest = STANDARD_NO_PAD.encode(digest);
    format!("${variant}$v=19$m={memory_kib},t={passes},p={lanes}${salt}${digest}").into_bytes()
}
