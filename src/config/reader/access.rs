//! Realms, policies and rules, held against each other.

use std::collections::BTreeMap;

use super::super::problem::suggestion;
use super::super::raw;
use super::super::settings::{Keys, PolicySettings, RealmSettings, RuleSettings};
use super::Reader;
use crate::http_auth::{Realm, Scheme};
use crate::password_hash::WeakFormat;
use crate::policy::Requirement;
use crate::request::host::HostPattern;
use crate::request::method::Method;
use crate::request::network::Network;
use crate::request::path::PathPattern;

impl Reader<'_> {
    fn offer(&mut self, key: &str, raw: &[String], users: bool, keys: bool) -> Vec<Scheme> {
        let offer = self.take_all(key, raw, |word| {
            Scheme::parse(word).ok_or_else(|| {
                let near = suggestion(word, Scheme::ALL.iter().map(|scheme| scheme.name()));
                format!("{word:?} is no scheme; there are Basic, Bearer and ApiKey{near}")
            })
        });
        for scheme in &offer {
            let fits = match scheme {
                Scheme::Basic => users || keys,
                Scheme::Bearer | Scheme::ApiKey => keys,
            };
            if !fits {
                self.fault(
                    key,
                    format_args!("{scheme} is offered, but the realm has no api_keys"),
                );
            }
        }
        if raw.is_empty() {
            self.fault(key, "offers nothing; leave it out for the default");
        }
        offer
    }

    pub(super) fn realm(&mut self, name: &str, raw: &raw::Realm) -> Option<RealmSettings> {
        let at = |key: &str| format!("realms.{name}.{key}");
        let users = raw.htpasswd.is_some();
        if !users && !raw.api_keys && !self.document.is_faulty(&["realms", name]) {
            let near = "needs htpasswd = \"FILE\", or api_keys = true, or both";
            self.fault(&format!("realms.{name}"), near);
        }
        let title = self.take(
            &at("title"),
            Realm::parse(raw.title.as_deref().unwrap_or(name)),
        );
        let weak: Vec<WeakFormat> = self.take_all(&at("allow_weak"), &raw.allow_weak, str::parse);
        let offer = match &raw.offer {
            Some(offer) => self.offer(&at("offer"), offer, users, raw.api_keys),
            None if users => vec![Scheme::Basic],
            None => vec![Scheme::Bearer],
        };
        if let Some(param) = &raw.query_param {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-' || b == b'.';
            if param.is_empty() || !param.bytes().all(plain) {
                self.fault(
                    &at("query_param"),
                    "must be letters, digits, \"_\", \"-\" and \".\"",
                );
            }
            if !raw.api_keys {
                self.fault(
                    &at("query_param"),
                    "is for keys, and the realm has no api_keys",
                );
            }
        }
        Some(RealmSettings {
            name: name.to_owned(),
            title: title?,
            htpasswd: raw.htpasswd.as_deref().map(|path| self.path(path)),
            groups: raw.groups.as_deref().map(|path| self.path(path)),
            keys: if raw.api_keys {
                Keys::Accepted
            } else {
                Keys::Refused
            },
            offer,
            allow_weak: weak.into_iter().collect(),
            query_param: raw.query_param.clone(),
        })
    }

    pub(super) fn policy(
        &mut self,
        name: &str,
        raw: &raw::Policy,
        all: &raw::Raw,
        realms: &BTreeMap<String, RealmSettings>,
    ) -> Option<PolicySettings> {
        let at = |key: &str| format!("policies.{name}.{key}");
        if matches!(name, "open" | "closed") {
            self.fault(
                &format!("policies.{name}"),
                "this policy exists always; choose another name",
            );
        }
        for (key, words) in [("require", &raw.require), ("require_all", &raw.require_all)] {
            if let Err(faults) = Requirement::parse(words, &[]) {
                for fault in faults {
                    self.fault(&at(key), fault);
                }
            }
            if words.is_empty() && self.document.says(&at(key)) {
                self.fault(&at(key), "requires nothing; leave it out for valid-user");
            }
        }
        let allow_from = self.take_all(&at("allow_from"), &raw.allow_from, Network::parse);
        if allow_from.iter().any(|network| network.prefix_len() == 0) {
            self.fault(
                &at("allow_from"),
                "lets everybody in; point the rule at \"open\" if you mean that",
            );
        }
        let Some(realm) = &raw.realm else {
            self.fault(
                &format!("policies.{name}"),
                "names no realm; write realm = \"NAME\"",
            );
            return None;
        };
        if !all.realms.contains_key(realm) {
            let near = suggestion(realm, all.realms.keys().map(String::as_str));
            self.fault(
                &at("realm"),
                format_args!("no realm is called {realm:?}{near}"),
            );
        }
        let known = realms.get(realm)?;
        let offer = raw.offer.as_ref().map(|offer| {
            self.offer(
                &at("offer"),
                offer,
                known.htpasswd.is_some(),
                known.has_keys(),
            )
        });
        Some(PolicySettings {
            name: name.to_owned(),
            realm: realm.clone(),
            requirement: Requirement::parse(&raw.require, &raw.require_all).ok()?,
            offer,
            allow_from,
        })
    }

    pub(super) fn rule(
        &mut self,
        index: usize,
        raw: &raw::Rule,
        all: &raw::Raw,
    ) -> Option<RuleSettings> {
        let at = |key: &str| format!("rules.[{index}].{key}");
        let hosts = self.take_all(&at("hosts"), &raw.hosts, HostPattern::parse);
        if raw.hosts.is_empty() && self.document.says(&at("hosts")) {
            self.fault(&at("hosts"), "names no host; leave it out for any host");
        }
        let paths = self.take_all(&at("paths"), &raw.paths, PathPattern::parse);
        let methods = self.take_all(&at("methods"), &raw.methods, method);
        let Some(policy) = &raw.policy else {
            self.fault(
                &format!("rules.[{index}]"),
                "names no policy; write policy = \"NAME\"",
            );
            return None;
        };
        let named = all.policies.keys().map(String::as_str);
        let mut known = named.chain(["open", "closed"]);
        if !known.clone().any(|name| name == policy) {
            let near = suggestion(policy, known.by_ref());
            self.fault(
                &at("policy"),
                format_args!("no policy is called {policy:?}{near}"),
            );
        }
        Some(RuleSettings {
            hosts,
            paths,
            methods,
            policy: policy.clone(),
        })
    }
}

/// A method; one in lower case would match nothing, and leave its requests to later rules.
fn method(raw: &str) -> Result<Method, String> {
    let upper = raw.to_ascii_uppercase();
    if upper != raw && COMMON_METHODS.contains(&upper.as_str()) {
        return Err(format!(
            "methods are compared with case: {raw:?} is not {upper:?}"
        ));
    }
    Method::parse(raw.as_bytes()).map_err(|error| format!("{raw:?}: {error}"))
}

/// RFC 9110 §9.3 and RFC 5789.
const COMMON_METHODS: [&str; 9] = [
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
];
