//! What the service tells of itself.

mod log;

pub(crate) use log::start;
