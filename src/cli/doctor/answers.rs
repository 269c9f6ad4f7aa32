//! What comes back, and what reaches the application.

use super::advice::Kind;
use super::client::Question;
use super::visit::{Asked, Finding, MARK, Visit};

/// What applications believe about who somebody is.
const IDENTITY: [&str; 9] = [
    "X-Auth-User",
    "X-Auth-Groups",
    "X-Auth-Method",
    "X-Auth-Key",
    "Remote-User",
    "Remote-Groups",
    "X-Remote-User",
    "X-Forwarded-User",
    "X-Webauth-User",
];

/// The same to many of them.
const ALIKE: [&str; 6] = [
    "X_Auth_User",
    "X.Auth.User",
    "X-Auth_User",
    "Remote_User",
    "X_Remote_User",
    "X_Forwarded_User",
];

impl Visit<'_> {
    /// An answer of htgate's own, where others are the proxy's or the application's.
    pub(super) fn auth_location(&self) -> Asked {
        let paths = [
            "/_htgate",
            "/auth-request",
            "/auth-request/open",
            "/forward-auth",
            "/forward-auth/open",
            "/ext-authz/open/",
            "/_auth",
            "/auth",
            "/_external-auth",
            "/validate",
        ];
        for path in paths {
            let question = Question {
                target: path.to_owned(),
                ..self
                    .signed_question()
                    .unwrap_or_else(|| self.client.question())
            };
            let answer = self.client.ask(&question)?;
            let told = answer
                .headers
                .iter()
                .any(|(name, _)| name.starts_with("x-auth-"));
            let htgates = answer.status == 401
                && self.nowhere.status == 401
                && answer.header("content-length") == Some("0")
                && self.nowhere.header("content-length") != Some("0");
            if told || htgates {
                return Ok(vec![self.finding(Kind::AuthLocation, &question, &answer)]);
            }
        }
        Ok(Vec::new())
    }

    /// The page after somebody was let in.
    pub(super) fn cached(&self) -> Asked {
        let (Some(question), Some(_)) = (self.signed_question(), &self.signed) else {
            return Ok(Vec::new());
        };
        // Twice, so that a cache has it.
        for _ in 0..2 {
            self.client.ask(&question)?;
        }
        let wrong = self
            .client
            .question()
            .with("Authorization", "Basic aHRnYXRlOmRvY3Rvcg==");
        self.opened(Kind::Cached, [self.client.question(), wrong])
    }

    /// What reaches an application that shows the headers it gets.
    pub(super) fn identity(&self) -> Asked {
        let mut found = Vec::new();
        let (Some(signed), Some(question)) = (&self.signed, self.signed_question()) else {
            return Ok(found);
        };
        if signed
            .headers
            .iter()
            .any(|(name, _)| name.starts_with("x-auth-"))
        {
            found.push(self.finding(Kind::Leak, &question, signed));
        }
        if !signed.body.contains(MARK) {
            return Ok(found);
        }
        let shown = signed.body.to_ascii_lowercase();
        let secret = self
            .authorization
            .as_ref()
            .and_then(|value| value.split(' ').nth(1));
        if secret.is_some_and(|secret| signed.body.contains(secret)) {
            found.push(self.finding(Kind::Credentials, &question, signed));
        }
        for (kind, names) in [
            (Kind::Identity, &IDENTITY[..]),
            (Kind::IdentityAlike, &ALIKE),
        ] {
            for name in names {
                let question = question.clone().with(name, MARK);
                let answer = self.client.ask(&question)?;
                if answer.is_open() && answer.body.contains(MARK) {
                    found.push(self.finding(kind, &question, &answer));
                    break;
                }
            }
        }
        let named = "x-auth-user, x-auth-groups, remote-user";
        let question = question.with("Connection", &format!("close, {named}"));
        let answer = self.client.ask(&question)?;
        let still = answer.body.to_ascii_lowercase();
        let lost = |name: &str| shown.contains(name) && !still.contains(name);
        if answer.is_open() && ["x-auth-user", "remote-user"].into_iter().any(lost) {
            found.push(self.finding(Kind::IdentityLost, &question, &answer));
        }
        Ok(found)
    }

    /// What only matters from another machine.
    pub(super) fn network(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        if self.client.is_local() {
            return found;
        }
        let question = self.client.question();
        let challenge = self.bare.header("www-authenticate").unwrap_or_default();
        if self.client.scheme == "http" && challenge.to_ascii_lowercase().contains("basic") {
            found.push(self.finding(Kind::PlainHttp, &question, &self.bare));
        }
        for port in [9180, 9181] {
            if self.client.listens_on(port) {
                let mut finding = self.finding(Kind::Ports, &question, &self.bare);
                finding.seen = format!("somebody listens on port {port}");
                found.push(finding);
            }
        }
        found
    }
}
