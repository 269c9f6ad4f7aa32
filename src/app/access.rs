//! Policies and rules, as the settings want them: what no file changes.

use crate::config::{PolicySettings, Settings};
use crate::gate::{Policies, Policy};
use crate::policy::{PolicyRef, Rule, Rules};

/// The policies, with their realms by place in the settings.
pub(super) fn policies(settings: &Settings) -> Policies {
    let policies = settings.policies.values();
    Policies::new(policies.filter_map(|p| policy(p, settings)).collect())
}

fn policy(policy: &PolicySettings, settings: &Settings) -> Option<Policy> {
    let mut realms = settings.realms.values();
    let place = realms
        .clone()
        .position(|realm| realm.name == policy.realm)?;
    let realm = realms.nth(place)?;
    Some(Policy {
        name: policy.name.clone(),
        realm: place,
        requirement: policy.requirement.clone(),
        offers: policy.offer.as_ref().unwrap_or(&realm.offer).clone(),
        allow_from: policy.allow_from.clone(),
    })
}

/// The rules, with their policies by place.
pub(super) fn rules(settings: &Settings, policies: &Policies) -> Rules {
    // The settings have seen that every name exists; one that doesn't opens nothing.
    let policy = |name: &str| policies.find(name).unwrap_or(PolicyRef::Closed);
    let rules = settings.rules.iter().map(|rule| Rule {
        hosts: rule.hosts.clone(),
        paths: rule.paths.clone(),
        methods: rule.methods.clone(),
        policy: policy(&rule.policy),
    });
    Rules::new(rules.collect())
}
