//! Who someone is, and what they show to prove it.

pub mod api_key;
pub mod scope;
