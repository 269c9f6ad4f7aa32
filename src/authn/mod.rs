//! From credentials to an identity: one file a scheme.
//!
//! A scheme doesn't care where a hash lives, and never learns which proxy stood in front.

mod api_key;
mod basic;
mod clock;
mod presented;
mod realm;
mod verifier;

pub use api_key::judge as judge_key;
pub use clock::Clock;
pub use presented::{KEY_USER, Means, Presented, Reading};
pub use realm::{KeySource, Realm};
pub use verifier::{Allowance, Limits, Load, Verifier};

use std::net::IpAddr;
use std::time::Duration;

use crate::decision::{Outcome, Rejection};
use crate::request::Defect;

/// Why no outcome could be had: neither yes nor no.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The client's address is needed, and badly told.
    #[error(transparent)]
    Client(#[from] Defect),
    /// The key store can't be read.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// Too many wrong passwords for one user from one network; so long until the next one counts.
    #[error("too many wrong passwords for one user from one network")]
    Throttled(Duration),
    /// The hashing queue is full, or too slow.
    #[error("too many passwords are waiting to be verified")]
    Busy,
}

/// Holds what was presented against a realm.
///
/// # Errors
/// [`Unavailable`]: trouble, which is never a yes.
pub async fn authenticate<C>(
    presented: Presented,
    realm: &Realm,
    verifier: &Verifier,
    client: &C,
) -> Result<Outcome, Unavailable>
where
    C: Fn() -> Result<IpAddr, Defect>,
{
    match (presented, &realm.users, &realm.keys) {
        (Presented::Nothing, ..) => Ok(Outcome::Rejected(Rejection::Absent)),
        (Presented::Unusable(rejection), ..) => Ok(Outcome::Rejected(rejection)),
        (Presented::Password(pair), Some(users), _) => {
            basic::verify(&pair, users, realm, verifier, client).await
        }
        (Presented::Key(key), _, Some(keys)) => api_key::verify(&key, keys, realm, client).await,
        _ => Ok(Outcome::Rejected(Rejection::NotAccepted)),
    }
}
