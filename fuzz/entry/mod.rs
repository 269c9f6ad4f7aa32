//! What is fuzzed: for each target a function that takes any bytes and panics on a fault.
//!
//! `fuzz_targets/` hands them to libFuzzer; `tests/fuzz.rs` runs them with the other tests.

mod authorization;
mod challenge;
mod configuration;
pub mod decision;
mod description;
mod groups;
mod host;
mod htpasswd;
mod input;
mod path;
mod query_key;

pub use authorization::authorization;
pub use challenge::challenge;
pub use configuration::configuration;
pub use decision::decision;
pub use description::description;
pub use groups::groups;
pub use host::host;
pub use htpasswd::htpasswd;
pub use path::path;
pub use query_key::query_key;

use input::Input;
