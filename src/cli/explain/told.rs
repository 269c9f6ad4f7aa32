//! An explanation, for people and for programs.

use serde_json::{Value, json};

use crate::endpoint::Reply;

/// All that is said of one decision.
pub(super) struct Explanation {
    pub(super) readings: Vec<Reading>,
    /// Why the rules before the one that counts don't.
    pub(super) passed_over: Vec<String>,
    pub(super) rule: Option<usize>,
    /// `file:line`
    pub(super) rule_at: Option<String>,
    pub(super) policy: String,
    /// `file:line`
    pub(super) policy_at: Option<String>,
    pub(super) realm: Option<String>,
    pub(super) credential: Option<String>,
    pub(super) conditions: Vec<Condition>,
    /// The client's address, and whether it was only assumed.
    pub(super) client: (String, bool),
    pub(super) code: &'static str,
    pub(super) reason: String,
    pub(super) advice: Option<String>,
    pub(super) reply: Reply,
    /// What other endpoints say, where it is something else.
    pub(super) others: Vec<(&'static str, String)>,
}

/// One way to read the path.
pub(super) struct Reading {
    pub(super) path: String,
    /// What takes it, where rules are asked.
    pub(super) ruled: Option<Ruled>,
}

/// The rule that takes a reading, if any does, and its policy.
#[derive(PartialEq, Eq)]
pub(super) struct Ruled {
    pub(super) rule: Option<usize>,
    pub(super) policy: String,
}

/// One condition of a requirement.
pub(super) struct Condition {
    /// "one of" or "all of".
    pub(super) part: &'static str,
    pub(super) words: String,
    /// What there is of that kind.
    pub(super) has: String,
    /// Nothing where the client's address can't be told.
    pub(super) met: Option<bool>,
}

impl Explanation {
    pub(super) fn json(&self) -> Value {
        let headers = self.reply.headers.iter();
        let headers: Vec<Value> = headers
            .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
            .collect();
        let readings = self.readings.iter().map(|reading| {
            let ruled = reading.ruled.as_ref();
            json!({
                "path": reading.path,
                "rule": ruled.and_then(|ruled| ruled.rule),
                "policy": ruled.map(|ruled| &ruled.policy),
            })
        });
        let conditions = self.conditions.iter().map(|condition| {
            json!({
                "part": condition.part,
                "condition": condition.words,
                "has": condition.has,
                "met": condition.met,
            })
        });
        json!({
            "readings": readings.collect::<Vec<_>>(),
            "passed_over": self.passed_over,
            "rule": self.rule,
            "rule_at": self.rule_at,
            "policy": self.policy,
            "policy_at": self.policy_at,
            "realm": self.realm,
            "client": { "address": self.client.0, "assumed": self.client.1 },
            "credential": self.credential,
            "conditions": conditions.collect::<Vec<_>>(),
            "status": self.reply.status,
            "code": self.code,
            "reason": self.reason,
            "advice": self.advice,
            "headers": headers,
        })
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |name: &str, value: &str| {
            let line = format!("{name:<11}{value}\n");
            text.push_str(&line);
        };
        let numbered =
            |rule: Option<usize>| rule.map_or("no rule".to_owned(), |rule| format!("rule {rule}"));
        let policy = |reading: &Reading| reading.ruled.as_ref().map(|ruled| ruled.policy.clone());
        let differ = self
            .readings
            .iter()
            .any(|one| policy(one) != policy(&self.readings[0]));
        for reading in &self.readings {
            match &reading.ruled {
                Some(ruled) if differ => {
                    let by = numbered(ruled.rule);
                    line(
                        "reading",
                        &format!("{}  ({by}, policy {})", reading.path, ruled.policy),
                    );
                }
                _ => line("reading", &reading.path),
            }
        }
        for passed in &self.passed_over {
            line("not rule", passed);
        }
        let placed = |what: String, at: &Option<String>| match at {
            Some(at) => format!("{what}  ({at})"),
            None => what,
        };
        let rule = self
            .rule
            .map_or("none".to_owned(), |rule| format!("no. {rule}"));
        line("rule", &placed(rule, &self.rule_at));
        line("policy", &placed(self.policy.clone(), &self.policy_at));
        line("realm", self.realm.as_deref().unwrap_or("-"));
        let (client, assumed) = &self.client;
        let assumed = if *assumed {
            "  (assumed; say --client)"
        } else {
            ""
        };
        line("client", &format!("{client}{assumed}"));
        if let Some(credential) = &self.credential {
            line("credential", credential);
        }
        for Condition {
            part,
            words,
            has,
            met,
        } in &self.conditions
        {
            let met = match met {
                Some(true) => "met",
                Some(false) => "not met",
                None => "unknown",
            };
            line(part, &format!("{words}: {met} ({has})"));
        }
        line("reason", &format!("{}  ({})", self.reason, self.code));
        line("status", &self.reply.status.to_string());
        for (name, value) in &self.reply.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            line("header", &format!("{name}: {value}"));
        }
        for (endpoint, said) in &self.others {
            line("elsewhere", &format!("{endpoint} says {said}"));
        }
        if let Some(advice) = &self.advice {
            line("to do", advice);
        }
        text
    }
}
