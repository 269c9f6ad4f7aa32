//! Where secrets are kept.

pub mod api_keys;
