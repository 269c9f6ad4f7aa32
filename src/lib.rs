//! htgate: answers a reverse proxy's question "may this request pass?".
//!
//! nginx `auth_request`, Traefik `forwardAuth` and Caddy `forward_auth` ask another service before
//! they serve a request. This is that service, for people who keep users in htpasswd files and
//! hand out API keys. It says 200 with who it is, 401 with a challenge, or 403.
//!
//! # One request through it
//!
//! 1. [`server`] holds the peer against the trusted proxies.
//! 2. [`endpoint`] reads that proxy's description of the original request: what is missing,
//!    doubled or malformed is a defect, never a guess.
//! 3. [`policy`] finds the policy, by the endpoint's own path or by rules, which look at every
//!    reading of the [`request`]'s path.
//! 4. [`authn`] turns the one credential that is presented into an identity, asking a [`store`].
//! 5. [`decision`] holds the identity against the policy's requirement.
//! 6. [`endpoint`] says the decision in its proxy's terms.
//!
//! [`gate`] orders these steps; [`app`] puts all parts together and replaces them while it runs.
//!
//! # Floors
//!
//! A module uses those on lower floors only; `tests/floors.rs` holds it to that.
//!
//! | floor | modules |
//! |---|---|
//! | 4, the edge | [`config`], [`server`], [`app`], [`cli`], each on those before it |
//! | 3 | [`gate`] |
//! | 2, without rules | [`authn`], [`store`], [`endpoint`] |
//! | 1, rules without I/O | [`decision`], [`policy`] |
//! | 0, words | [`fingerprint`], [`http_auth`], [`identity`], [`password_hash`], [`request`] |

pub mod app;
pub mod authn;
pub mod cli;
pub mod config;
pub mod decision;
pub mod endpoint;
pub mod fingerprint;
pub mod gate;
pub mod http_auth;
pub mod identity;
pub mod password_hash;
pub mod policy;
pub mod request;
pub mod server;
pub mod store;
mod supervisor;
pub mod telemetry;
