//! Basic (RFC 7617): a user and a password, held against the current htpasswd file.

use std::net::IpAddr;

use super::{Realm, Unavailable, Verifier};
use crate::decision::{Outcome, Rejection};
use crate::http_auth::UserPass;
use crate::identity::{Identity, Username};
use crate::password_hash::MAX_PASSWORD_LEN;
use crate::request::Defect;
use crate::store::Htpasswd;

/// The user is looked up first, always in the current file; only the verification of a password
/// may come from a cache. Group membership is read anew every time.
pub(super) async fn verify<C>(
    pair: &UserPass,
    users: &Htpasswd,
    realm: &Realm,
    verifier: &Verifier,
    client: &C,
) -> Result<Outcome, Unavailable>
where
    C: Fn() -> Result<IpAddr, Defect>,
{
    let wrong = Outcome::Rejected(Rejection::Password);
    // Refused alike for every user, known or not, before anything is hashed.
    let length = pair.password().len();
    if length == 0 || length > MAX_PASSWORD_LEN {
        return Ok(wrong);
    }
    let Ok(name) = Username::parse(pair.user()) else {
        return Ok(wrong);
    };
    if verifier
        .verify(&realm.name, users, &name, pair.password(), client)
        .await?
    {
        let groups = realm.groups.groups_of(name.as_bytes());
        return Ok(Outcome::Verified(Identity::User { name, groups }));
    }
    Ok(wrong)
}
