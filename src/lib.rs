//! htgate: answers a reverse proxy's question "may this request pass?".

pub mod app;
pub mod authn;
pub mod cli;
pub mod config;
pub mod decision;
pub mod endpoint;
pub mod gate;
pub mod http_auth;
pub mod identity;
pub mod password_hash;
pub mod policy;
pub mod request;
pub mod server;
pub mod store;
mod telemetry;
