//! What proxies put on the wire, and what they must find on it.

mod answers;
mod connections;
mod credentials;
mod description;
mod ext_authz;
mod framing;
mod noise;

use crate::helpers::{ALICE, Site};
use crate::http::{Answer, basic};

/// A policy that every user and every key of the realm meets.
const MEMBERS: &str = "/auth-request/members";

/// Target, header lines and the status of the answer.
type Case = (&'static str, Vec<(&'static str, String)>, u16);

/// A request of each outcome, under both endpoints.
fn every_outcome() -> Vec<Case> {
    let alice = || ("Authorization", basic(ALICE));
    let wrong = ("Authorization", basic(("alice", "wrong")));
    vec![
        ("/auth-request/members", vec![alice()], 200),
        ("/auth-request/members", vec![], 401),
        ("/auth-request/both", vec![wrong], 401),
        ("/auth-request/writers", vec![alice()], 403),
        ("/auth-request/closed", vec![], 403),
        ("/auth-request/open", vec![], 200),
        ("/auth-request/no-such", vec![alice()], 403),
        ("/auth-request", vec![alice()], 403),
        ("/forward-auth/members", vec![alice()], 200),
        ("/forward-auth/members", vec![], 401),
        ("/forward-auth/both", vec![], 401),
        ("/forward-auth/writers", vec![alice()], 403),
        ("/forward-auth/closed", vec![], 403),
        ("/forward-auth/open", vec![], 200),
        ("/forward-auth/no-such", vec![alice()], 403),
        ("/forward-auth", vec![alice()], 400),
        ("/no/endpoint", vec![alice()], 404),
    ]
}

fn ask(site: &Site, target: &str, headers: &[(&str, String)]) -> Answer {
    site.ask(target, &borrowed(headers))
}

fn borrowed<'a>(headers: &'a [(&str, String)]) -> Vec<(&'a str, &'a str)> {
    headers.iter().map(|(n, v)| (*n, v.as_str())).collect()
}
