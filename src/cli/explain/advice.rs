//! What would change an answer.

use super::Supposed;
use super::why::Why;
use crate::decision::{Forbidden, Rejection};
use crate::endpoint::Answer;

impl Why<'_> {
    /// What would change the answer, if anything of ours would.
    pub(super) fn advice(&self) -> Option<String> {
        let realm = self.answered.realm.unwrap_or_default();
        Some(match &self.answered.answer {
            Answer::Allow { .. } => return None,
            Answer::Trouble(trouble) => match trouble.status() {
                400 => "give --host and --uri, as the proxy would; or --policy for one by name".to_owned(),
                _ => return None,
            },
            Answer::Challenge { rejection, .. } => match rejection {
                Rejection::Password => format!(
                    "`htgate user set --realm {realm} NAME` makes a user, or gives one a new password"
                ),
                Rejection::ExpiredKey(id) => {
                    format!("`htgate key update {id} --expires 90d`, or a new key")
                }
                Rejection::KeyAddress(id) => {
                    format!("`htgate key update {id} --ip NETWORK`, with all networks it may be used from")
                }
                Rejection::UnknownKey => format!(
                    "the key is of another realm; make one with `htgate key create --realm {realm}`"
                ),
                Rejection::NotAccepted => format!("give realm {realm} `api_keys = true`, or an htpasswd file"),
                _ => return None,
            },
            Answer::Forbid { forbidden, .. } => match forbidden {
                Forbidden::Closed if self.answered.rule.is_none() => {
                    "no rule matches: add one to [[rules]]".to_owned()
                }
                Forbidden::Closed => "the rule says closed".to_owned(),
                Forbidden::Ambiguous => {
                    "its readings fall under different policies; the application should not need such a path"
                        .to_owned()
                }
                Forbidden::NoPolicy => {
                    let all: Vec<&str> = self.settings.policies.keys().map(String::as_str).collect();
                    format!("there are: {}", all.join(", "))
                }
                Forbidden::Scope { scopes, key } => {
                    let id = key.map(|id| id.to_string()).unwrap_or_default();
                    format!("`htgate key update {id} --scope …` with {scopes} besides those it has")
                }
                Forbidden::Requirement { .. } => self.missing_group(),
            },
        })
    }

    /// How a requirement is met that isn't.
    fn missing_group(&self) -> String {
        let groups = self.policy().and_then(|policy| {
            let names: Vec<&str> = policy.requirement.groups().collect();
            let realm = self.settings.realms.get(self.answered.realm?)?;
            Some((names.join(" or "), realm.groups.as_ref()?.display()))
        });
        match (groups, self.supposed) {
            (Some((names, file)), Supposed::User(name)) if !names.is_empty() => {
                format!("add {name} to {names} in {file}, if that is what is missing above")
            }
            _ => "see what isn't met above".to_owned(),
        }
    }
}
