//! What there is to know of a decision.

use std::net::IpAddr;

use super::told::{Condition, Explanation, Reading, Ruled};
use super::{Asked, Supposed};
use crate::authn::Realm;
use crate::config::Settings;
use crate::endpoint::Endpoint;
use crate::gate::{Answered, Policy, World};
use crate::identity::{ApiKeyRecord, Identity, KeyUnusable, Scope, Username};
use crate::policy::{Part, PolicyRef};
use crate::request::path::Uri;
use crate::request::{Defect, Description};

/// A decision, with all that it followed from.
pub(super) struct Why<'a> {
    pub(super) asked: &'a Asked,
    pub(super) supposed: &'a Supposed,
    pub(super) settings: &'a Settings,
    pub(super) world: &'a World,
    pub(super) description: Description<'a>,
    pub(super) answered: &'a Answered<'a>,
}

impl Why<'_> {
    pub(super) fn explanation(&self) -> Explanation {
        let answer = &self.answered.answer;
        let policy = self.policy();
        let conditions = policy
            .map(|policy| self.conditions(policy))
            .unwrap_or_default();
        Explanation {
            readings: self.readings(),
            passed_over: self.passed_over(),
            rule: self.answered.rule,
            rule_at: self.answered.rule.and_then(|rule| self.rule_at(rule)),
            policy: self.answered.policy.to_owned(),
            policy_at: self.at(&format!("policies.{}", self.answered.policy)),
            realm: self.answered.realm.map(str::to_owned),
            credential: policy.map(|policy| self.credential(&self.world.realms[policy.realm])),
            conditions,
            client: (self.asked.client.clone(), self.asked.assumed),
            code: answer.code(),
            reason: self.reason(),
            advice: self.advice(),
            reply: self
                .asked
                .endpoint
                .reply(answer, &self.world.identity_headers),
            others: self.others(),
        }
    }

    /// `file:line` of something in the configuration.
    fn at(&self, key: &str) -> Option<String> {
        let line = self.settings.line(key)?;
        Some(format!("{}:{line}", self.settings.file.display()))
    }

    fn rule_at(&self, rule: usize) -> Option<String> {
        self.at(&format!("rules.[{}]", rule.saturating_sub(1)))
    }

    /// The policy that applies, where it asks for anybody.
    pub(super) fn policy(&self) -> Option<&Policy> {
        let found = self.world.policies.find(self.answered.policy)?;
        match found {
            PolicyRef::Named(index) => Some(&self.world.policies[index]),
            PolicyRef::Open | PolicyRef::Closed => None,
        }
    }

    fn policy_name(&self, policy: PolicyRef) -> String {
        match policy {
            PolicyRef::Open => "open".to_owned(),
            PolicyRef::Closed => "closed".to_owned(),
            PolicyRef::Named(index) => self.world.policies[index].name.clone(),
        }
    }

    fn readings(&self) -> Vec<Reading> {
        let target = self.description.target();
        let Ok(target) = target.as_ref().map_err(|_| ()) else {
            return self.bare_readings();
        };
        if self.asked.named.is_some() {
            return self.bare_readings();
        }
        let rulings = self.world.rules.rulings(target);
        let rulings = rulings.into_iter().map(|(path, ruling)| Reading {
            path,
            ruled: Some(Ruled {
                rule: ruling.rule,
                policy: self.policy_name(ruling.policy),
            }),
        });
        rulings.collect()
    }

    /// Where no rule looks at them.
    fn bare_readings(&self) -> Vec<Reading> {
        let uri = self
            .asked
            .uri
            .as_deref()
            .map(|uri| Uri::parse(uri.as_bytes()));
        let readings = uri.and_then(Result::ok).and_then(|uri| uri.readings().ok());
        let bare = |path| Reading { path, ruled: None };
        readings.unwrap_or_default().into_iter().map(bare).collect()
    }

    /// Why the rules before the one that counts don't.
    fn passed_over(&self) -> Vec<String> {
        let (None, Ok(target)) = (&self.asked.named, self.description.target()) else {
            return Vec::new();
        };
        let Some(Ok(readings)) = target.path.as_ref().ok().map(Uri::readings) else {
            return Vec::new();
        };
        let Some(reading) = readings.first() else {
            return Vec::new();
        };
        let host = &target.host;
        let misses = self
            .world
            .rules
            .misses(host, target.method, reading.as_bytes());
        let before = misses.take_while(Option::is_some).flatten().enumerate();
        let told = before.map(|(index, miss)| {
            let at = self.rule_at(index + 1).map(|at| format!(" ({at})"));
            format!("no. {}{}: {miss}", index + 1, at.unwrap_or_default())
        });
        told.collect()
    }

    fn conditions(&self, policy: &Policy) -> Vec<Condition> {
        let realm = &self.world.realms[policy.realm];
        let client = self.world.client(&self.description);
        let Some(identity) = self.identity(realm) else {
            return Vec::new();
        };
        let judged = policy.requirement.judged(&identity, &client);
        let judged = judged.map(|(part, words, met)| Condition {
            part: match part {
                Part::Any => "one of",
                Part::All => "all of",
            },
            has: has(&words, &identity, client()),
            words,
            met: met.ok(),
        });
        judged.collect()
    }

    /// Who it would be, whatever the policy says.
    fn identity(&self, realm: &Realm) -> Option<Identity> {
        match self.supposed {
            Supposed::Nobody => None,
            Supposed::User(name) => {
                let name = Username::parse(name.as_bytes()).ok()?;
                let groups = realm.groups.groups_of(name.as_bytes());
                Some(Identity::User { name, groups })
            }
            Supposed::Key(key) => {
                let owner = key.owner.as_ref().map(|owner| owner.as_str().as_bytes());
                let groups = owner
                    .map(|owner| realm.groups.groups_of(owner))
                    .unwrap_or_default();
                Some(Identity::Key {
                    key: std::sync::Arc::clone(key),
                    groups,
                })
            }
        }
    }

    /// What is known of the credential, which the network never hears.
    fn credential(&self, realm: &Realm) -> String {
        match self.supposed {
            Supposed::Nobody => "none; suppose one with --user NAME or --key ID".to_owned(),
            Supposed::User(name) => self.user(name, realm),
            Supposed::Key(key) => key_state(key, realm),
        }
    }

    fn user(&self, name: &str, realm: &Realm) -> String {
        let settings = self.settings.realms.get(&realm.name);
        let file = settings.and_then(|realm| realm.htpasswd.as_ref());
        let (Some(file), Some(users)) = (file, &realm.users) else {
            return format!("realm {} has no users, only keys", realm.name);
        };
        let file = file.display();
        match users.get(name.as_bytes()) {
            None => format!("there is no user {name:?} in {file}"),
            Some(entry) => match entry.hash() {
                Ok(hash) => format!("user {name}, {file}:{}, {}", entry.line(), hash.kind()),
                Err(why) => format!("user {name}, {file}:{}, is locked: {why}", entry.line()),
            },
        }
    }

    fn reason(&self) -> String {
        let reason = self.answered.answer.reason();
        let uri = self
            .asked
            .uri
            .as_deref()
            .map(|uri| Uri::parse(uri.as_bytes()));
        match uri.map(|uri| uri.and_then(|uri| uri.readings())) {
            Some(Err(no_reading)) => format!("{reason} ({no_reading})"),
            _ => reason,
        }
    }

    /// How the other endpoints would say it, where that differs.
    fn others(&self) -> Vec<(&'static str, String)> {
        let headers = &self.world.identity_headers;
        let said = |endpoint: Endpoint| {
            let reply = endpoint.reply(&self.answered.answer, headers);
            let told = reply
                .headers
                .iter()
                .find(|(name, _)| name == "x-auth-status");
            let told = told.map(|(_, value)| String::from_utf8_lossy(value.as_bytes()));
            let told = told.map(|status| format!(", X-Auth-Status: {status}"));
            format!("{}{}", reply.status, told.unwrap_or_default())
        };
        let own = said(self.asked.endpoint);
        let others = Endpoint::ALL
            .into_iter()
            .map(|other| (other.path(), said(other)));
        others.filter(|(_, other)| *other != own).collect()
    }
}

/// What the identity has of that kind.
fn has(words: &str, identity: &Identity, client: Result<IpAddr, Defect>) -> String {
    let listed = |items: Vec<&str>| {
        if items.is_empty() {
            "none".to_owned()
        } else {
            items.join(", ")
        }
    };
    match words.split(' ').next().unwrap_or_default() {
        "group" => format!("in groups: {}", listed(identity.groups().collect())),
        "scope" => match identity.key() {
            Some(key) => format!(
                "the key's scopes: {}",
                listed(key.scopes.iter().map(Scope::as_str).collect())
            ),
            None => "a user has no scopes".to_owned(),
        },
        "user" => match identity.user() {
            Some(user) => format!("user {}", String::from_utf8_lossy(user)),
            None => "the key has no owner".to_owned(),
        },
        "key" => match identity.key() {
            Some(key) => format!("key {} ({})", key.name.as_str(), key.id),
            None => "a user is no key".to_owned(),
        },
        "ip" => match client {
            Ok(client) => format!("client {client}"),
            Err(defect) => defect.to_string(),
        },
        _ => "a user or key of the realm".to_owned(),
    }
}

/// What a key is like, besides its requirement.
fn key_state(key: &ApiKeyRecord, realm: &Realm) -> String {
    let mut said = vec![format!("key {} ({})", key.name.as_str(), key.id)];
    if key.realm != realm.name {
        said.push(format!("of realm {}, not of {}", key.realm, realm.name));
    }
    if realm.keys.is_none() {
        said.push(format!("realm {} accepts no keys", realm.name));
    }
    match key.usable(jiff::Timestamp::now()) {
        Ok(()) => said.push(match key.expires {
            Some(at) => format!("expires {at}"),
            None => "never expires".to_owned(),
        }),
        Err(KeyUnusable::Revoked { at }) => said.push(format!("revoked {at}")),
        Err(unusable) => said.push(unusable.to_string()),
    }
    if let Some(owner) = &key.owner {
        said.push(format!("owner {}", owner.as_str()));
    }
    if !key.networks.is_empty() {
        let networks: Vec<String> = key.networks.iter().map(ToString::to_string).collect();
        said.push(format!("only from {}", networks.join(" ")));
    }
    said.join(", ")
}
