//! HTTP authentication: schemes, realms, challenges and the `Authorization` field.
//!
//! RFC 9110 §11 gives the words; RFC 7617 (Basic) and RFC 6750 (Bearer) the two schemes that
//! are offered. Who someone is and whether they may enter is no business of this folder.

mod authorization;
mod challenge;
mod realm;
mod scheme;

pub use authorization::{Authorization, InvalidAuthorization, InvalidBasic, UserPass};
pub use challenge::{BearerError, Challenge};
pub use realm::{InvalidRealm, Realm};
pub use scheme::Scheme;

pub(crate) use authorization::trim_blanks;
