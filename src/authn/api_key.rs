//! API keys, however they were presented.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::Timestamp;

use super::{KeySource, Realm, Unavailable};
use crate::decision::{Outcome, Rejection};
use crate::identity::{ApiKey, ApiKeyRecord, GroupNames, Identity, KeyUnusable};
use crate::request::Defect;

/// Only *who this is* may come from a cache; state, expiry, realm and networks are judged now.
pub(super) async fn verify<C>(
    key: &ApiKey,
    source: &KeySource,
    realm: &Realm,
    client: &C,
) -> Result<Outcome, Unavailable>
where
    C: Fn() -> Result<IpAddr, Defect>,
{
    let rejected = |rejection| Ok(Outcome::Rejected(rejection));
    let Some(known) = source.keys.lookup(key, &source.prefix).await? else {
        return rejected(Rejection::UnknownKey);
    };
    let now = source.clock.now();
    let outcome = judge(&known.record, realm, now, client)?;
    if matches!(outcome, Outcome::Verified(_)) {
        known.note_use(now);
    }
    Ok(outcome)
}

/// What a key that is known proves in this realm at that time.
///
/// # Errors
/// The [`Defect`] in the client's address, if the key is bound to networks.
pub fn judge<C>(
    record: &Arc<ApiKeyRecord>,
    realm: &Realm,
    now: Timestamp,
    client: &C,
) -> Result<Outcome, Defect>
where
    C: Fn() -> Result<IpAddr, Defect>,
{
    let rejected = |rejection| Ok(Outcome::Rejected(rejection));
    // A key of another realm is as good as unknown: nothing is said of it.
    if record.realm != realm.name {
        return rejected(Rejection::UnknownKey);
    }
    if let Err(unusable) = record.usable(now) {
        return rejected(match unusable {
            KeyUnusable::Revoked { .. } => Rejection::RevokedKey(record.id),
            KeyUnusable::Expired { .. } => Rejection::ExpiredKey(record.id),
            KeyUnusable::RotatedOut { .. } => Rejection::RotatedKey(record.id),
        });
    }
    if !record.networks.is_empty() {
        // Only a key that is bound to networks needs to know where it comes from.
        if !record.admits(client()?) {
            return rejected(Rejection::KeyAddress(record.id));
        }
    }
    let groups = match &record.owner {
        Some(owner) => realm.groups.groups_of(owner.as_str().as_bytes()),
        None => GroupNames::default(),
    };
    Ok(Outcome::Verified(Identity::Key {
        key: Arc::clone(record),
        groups,
    }))
}
