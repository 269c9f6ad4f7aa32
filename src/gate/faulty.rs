//! A gate with a fault, for tests of what happens then.

use std::sync::Arc;
use std::time::Duration;

use super::{Gate, Policies, Policy, World};
use crate::authn::{Limits, Verifier};
use crate::endpoint::IdentityHeaders;
use crate::policy::{Requirement, Rules};

/// A policy of a realm that is not there, which no configuration makes.
pub(crate) fn gate() -> Gate {
    with(vec![Policy {
        name: "faulty".to_owned(),
        realm: 7,
        requirement: Requirement::parse(&[], &[]).unwrap(),
        offers: Vec::new(),
        allow_from: Vec::new(),
    }])
}

/// The same without the fault.
pub(crate) fn sound() -> Gate {
    with(Vec::new())
}

fn with(policies: Vec<Policy>) -> Gate {
    let limits = Limits {
        ttl: Duration::from_secs(1),
        capacity: 1,
        guesses: None,
    };
    Gate::new(World {
        rules: Arc::new(Rules::new(Vec::new())),
        policies: Arc::new(Policies::new(policies)),
        realms: Vec::new(),
        identity_headers: IdentityHeaders::new(Vec::new()),
        trusted_proxies: Vec::new(),
        verifier: Arc::new(Verifier::start(limits, None).unwrap()),
    })
}
