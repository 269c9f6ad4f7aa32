//! htgate: answers a reverse proxy's question "may this request pass?".

pub mod identity;
pub mod store;
