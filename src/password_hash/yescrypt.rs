//! yescrypt: `$y$`, parameters, `$`, salt, `$`, 43 characters of digest.
//!
//! Alexander Peslyak's (Openwall), the default of Debian and Fedora since 2021. Taken in the
//! one flavour that crypt(3) writes (`j`).

use std::str;

use yescrypt::{Mode, Params, PasswordVerifier, Yescrypt};

use super::{Cap, Kind, Unusable, crypt64};

/// The cap in memory, 128·N·r bytes: four times the tools' default.
const MAX_MEMORY: u64 = 64 << 20;
const MAX_P: u8 = 4;
const MAX_T: u8 = 16;

const DIGEST_CHARS: usize = 43;
/// 64 bytes, the most that crypt(3) takes.
const MAX_SALT_CHARS: usize = 86;
const MALFORMED: Unusable = Unusable::Malformed("yescrypt");
const OVER_CAP: Unusable = Unusable::OverCap(Cap::Yescrypt);

/// Reads what follows the mark.
pub(super) fn parse(rest: &[u8]) -> Result<Kind, Unusable> {
    let mut fields = rest.split(|c| *c == b'$');
    let (Some(params), Some(salt), Some(digest), None) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(MALFORMED);
    };
    // SECURITY: the crate compares as many bytes as the entry has, so that a digest cut to a
    // few characters would match; only a full one may reach it.
    let well_formed = digest.len() == DIGEST_CHARS
        && crypt64::is_canonical(digest)
        && (1..=MAX_SALT_CHARS).contains(&salt.len())
        && crypt64::is_canonical(salt);
    if !well_formed {
        return Err(MALFORMED);
    }
    kind(params)
}

/// SECURITY: decided from the parameters alone; with a large N the crate would ask for so much
/// memory that the process aborts.
fn kind(field: &[u8]) -> Result<Kind, Unusable> {
    let text = str::from_utf8(field).map_err(|_| MALFORMED)?;
    if !text.starts_with('j') {
        return Err(MALFORMED);
    }
    let params: Params = text.parse().map_err(|_| MALFORMED)?;
    let (n, r, p) = (params.n(), params.r(), params.p());
    let memory = n.saturating_mul(r.into()).saturating_mul(128);
    let p = u8::try_from(p)
        .ok()
        .filter(|p| *p <= MAX_P)
        .ok_or(OVER_CAP)?;
    if memory > MAX_MEMORY {
        return Err(OVER_CAP);
    }
    // The crate has no way to ask for t: find the one that gives the same.
    let n_log2 = u8::try_from(n.ilog2()).map_err(|_| MALFORMED)?;
    let t = (0..=MAX_T)
        .find(|t| self::params(n_log2, r, p, *t).is_some_and(|again| again == params))
        .ok_or(OVER_CAP)?;
    // The crate stops reading at what it needs; nothing may follow.
    if params.to_string() != text {
        return Err(MALFORMED);
    }
    Ok(Kind::Yescrypt { n_log2, r, p, t })
}

fn params(n_log2: u8, r: u32, p: u8, t: u8) -> Option<Params> {
    let n = 1_u64.checked_shl(n_log2.into())?;
    Params::new_with_all_params(Mode::default(), n, r, p.into(), t.into(), 0).ok()
}

pub(super) fn verify(text: &[u8], password: &[u8]) -> bool {
    str::from_utf8(text)
        .is_ok_and(|text| Yescrypt::default().verify_password(password, text).is_ok())
}

pub(super) fn stand_in(n_log2: u8, r: u32, p: u8, t: u8, random: &[u8; 64]) -> Vec<u8> {
    let params = params(n_log2, r, p, t).unwrap_or_default().to_string();
    let (salt, digest) = random.split_at(32);
    [
        format!("$y${params}$").as_bytes(),
        &crypt64::encode(salt.first_chunk::<16>().unwrap_or(&[0; 16])),
        b"$",
        &crypt64::encode(digest),
    ]
    .concat()
}
