//! What is asked, and what of the answers is a finding.

use std::io;

use zeroize::Zeroizing;

use super::advice::{Kind, Proxy};
use super::client::{Answer, Client, Question};

/// Something that is open.
pub(super) struct Finding {
    pub(super) kind: Kind,
    /// What came back.
    pub(super) seen: String,
    /// How to ask it again.
    pub(super) again: String,
}

/// A site that is looked at.
pub(super) struct Visit<'c> {
    client: &'c Client,
    authorization: Option<Zeroizing<String>>,
    /// The page, without credentials.
    bare: Answer,
    /// The page, with credentials, if they pass.
    signed: Option<Answer>,
    /// A page that there isn't, without credentials.
    nowhere: Answer,
}

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

/// Nobody's word for anything else.
const MARK: &str = "htgate-doctor-was-here";

type Asked = io::Result<Vec<Finding>>;

impl<'c> Visit<'c> {
    /// Looks at the page, and at one that there isn't.
    ///
    /// # Errors
    /// When the site doesn't answer.
    pub(super) fn start(
        client: &'c Client,
        authorization: Option<Zeroizing<String>>,
    ) -> io::Result<Self> {
        let bare = client.ask(&client.question())?;
        let elsewhere = Question {
            target: format!("/{MARK}"),
            ..client.question()
        };
        let mut visit = Self {
            client,
            authorization,
            bare,
            signed: None,
            nowhere: client.ask(&elsewhere)?,
        };
        if let Some(question) = visit.signed_question() {
            let signed = client.ask(&question.with("X-Htgate-Doctor", MARK))?;
            visit.signed = signed.is_open().then_some(signed);
        }
        Ok(visit)
    }

    pub(super) fn proxy(&self) -> Option<Proxy> {
        Proxy::of(self.bare.header("server"))
    }

    /// What could not be tested, and why.
    pub(super) fn not_tested(&self) -> Vec<&'static str> {
        match (&self.authorization, &self.signed) {
            (None, _) => vec![
                "identity headers, credentials that go on, cached answers: sign in with --user",
            ],
            (Some(_), None) => vec![
                "identity headers, credentials that go on, cached answers: these credentials don't pass",
            ],
            (Some(_), Some(signed)) if !signed.body.contains(MARK) => {
                vec![
                    "identity headers and credentials that go on: the page doesn't show the headers that it gets",
                ]
            }
            _ => Vec::new(),
        }
    }

    /// All findings.
    ///
    /// # Errors
    /// When the site stops answering.
    pub(super) fn findings(&self) -> Asked {
        let page = self.page();
        // Where the page is open, so is everything else.
        if page.iter().any(|found| found.kind == Kind::Unprotected) {
            return Ok(page);
        }
        let parts: [fn(&Self) -> Asked; 8] = [
            Self::twins,
            Self::methods,
            Self::hosts,
            Self::descriptions,
            Self::auth_location,
            Self::errors,
            Self::cached,
            Self::identity,
        ];
        let mut found = page;
        for part in parts {
            found.extend(part(self)?);
        }
        found.extend(self.network());
        Ok(found)
    }

    fn signed_question(&self) -> Option<Question> {
        let authorization = self.authorization.as_ref()?;
        Some(self.client.question().with("Authorization", authorization))
    }

    fn finding(&self, kind: Kind, question: &Question, answer: &Answer) -> Finding {
        Finding {
            kind,
            seen: format!(
                "{} for {} {}",
                answer.status, question.method, question.target
            ),
            again: question.curl(self.client),
        }
    }

    /// Asks each question without credentials; the first that is given the page is the finding.
    fn opened(&self, kind: Kind, questions: impl IntoIterator<Item = Question>) -> Asked {
        for question in questions {
            // What the proxy answers by hanging up is no page.
            let answer = match self.client.ask(&question) {
                Ok(answer) => answer,
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    return Err(error);
                }
                Err(_) => continue,
            };
            // Caddy has nothing, with 200, for a host that it doesn't know.
            let nothing = kind == Kind::Host && answer.body.is_empty();
            if answer.is_open() && !nothing {
                return Ok(vec![self.finding(kind, &question, &answer)]);
            }
        }
        Ok(Vec::new())
    }

    fn page(&self) -> Vec<Finding> {
        let question = self.client.question();
        let found = |kind| vec![self.finding(kind, &question, &self.bare)];
        match self.bare.status {
            401 if self.bare.header("www-authenticate").is_none() => found(Kind::ChallengeLost),
            // Somebody would get in, and is never asked.
            403 if self.signed.is_some() => found(Kind::ChallengeLost),
            401 | 403 => Vec::new(),
            404 | 405 => found(Kind::Unprotected),
            400.. => found(Kind::BareError),
            _ => found(Kind::Unprotected),
        }
    }

    fn twins(&self) -> Asked {
        let path = &self.client.path;
        let (folder, last) = path.rsplit_once('/').unwrap_or(("", path));
        let flipped: String = path
            .chars()
            .map(|c| {
                if c.is_ascii_lowercase() {
                    c.to_ascii_uppercase()
                } else {
                    c.to_ascii_lowercase()
                }
            })
            .collect();
        let encoded =
            |path: &str| match path.char_indices().find(|(_, c)| c.is_ascii_alphanumeric()) {
                Some((at, c)) => {
                    let (before, behind) = path.split_at_checked(at).unwrap_or((path, ""));
                    format!(
                        "{before}%{:02x}{}",
                        u32::from(c),
                        behind.get(1..).unwrap_or_default()
                    )
                }
                None => path.to_owned(),
            };
        let bare = path.trim_start_matches('/');
        let twins = [
            format!("/{path}"),
            format!("/.{path}"),
            format!("/{MARK}/..{path}"),
            format!("/{MARK}/%2e%2e{path}"),
            format!("/{MARK}/..%2f{bare}"),
            format!("/{MARK}/..;/{bare}"),
            format!("/public/..{path}"),
            format!("/public/..%2f{bare}"),
            format!("/public/%2e%2e%2f{bare}"),
            format!("/static/..%2f{bare}"),
            format!("/%2f{bare}"),
            format!("/\\{bare}"),
            format!("{folder}/.//{last}"),
            format!("{folder}/%2e/{last}"),
            format!("{path}/"),
            format!("{path}/."),
            format!("{path}//"),
            format!("{path};x"),
            format!("{path}."),
            format!("{path}%20"),
            format!("{path}%00"),
            format!("{path}%3f"),
            format!("{path}?x"),
            format!("{path}#x"),
            format!("{path}.php"),
            format!("{path}/index.html"),
            format!("{path}.css"),
            flipped,
            encoded(path),
            encoded(&encoded(path)).replace('%', "%25"),
            format!("{}://{}{path}", self.client.scheme, self.client.host),
        ];
        let twins = twins.into_iter().filter(|twin| twin != path);
        let questions = twins.map(|target| Question {
            target,
            ..self.client.question()
        });
        self.opened(Kind::PathTwin, questions)
    }

    fn methods(&self) -> Asked {
        let methods = [
            "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND", "get", "TRICK",
        ];
        let questions = methods.map(|method| Question {
            method: method.to_owned(),
            ..self.client.question()
        });
        let questions = questions
            .into_iter()
            .map(|question| question.with("Content-Length", "0"));
        self.opened(Kind::Method, questions)
    }

    fn hosts(&self) -> Asked {
        let name = self.client.host.split(':').next().unwrap_or_default();
        let hosts = [
            Some("localhost".to_owned()),
            Some("127.0.0.1".to_owned()),
            Some(format!("{MARK}.invalid")),
            Some(format!("{name}.")),
            Some(name.to_ascii_uppercase()),
            Some(format!("{name}:1")),
            None,
        ];
        let hosts = hosts
            .into_iter()
            .filter(|host| host.as_deref() != Some(&self.client.host));
        let questions = hosts.map(|host| Question {
            host,
            ..self.client.question()
        });
        self.opened(Kind::Host, questions)
    }

    fn descriptions(&self) -> Asked {
        let open = [
            "/",
            "/public/",
            "/health",
            "/favicon.ico",
            "/login",
            "/static/x.css",
        ];
        let names = [
            "X-Original-URI",
            "X-Forwarded-Uri",
            "X-Original-URL",
            "X-Rewrite-URL",
            "X_Forwarded_Uri",
            "X.Original.URI",
        ];
        let mut questions = Vec::new();
        for name in names {
            let paths = open.map(|path| self.client.question().with(name, path));
            questions.extend(paths);
        }
        for (name, value) in [
            ("X-Original-Method", "OPTIONS"),
            ("X-Forwarded-Method", "OPTIONS"),
            ("X-HTTP-Method-Override", "OPTIONS"),
            ("X-Forwarded-For", "127.0.0.1"),
            ("X-Real-IP", "127.0.0.1"),
            ("X-Forwarded-For", "192.168.1.1"),
            ("X-Forwarded-Host", "localhost"),
            ("X-Original-Host", "localhost"),
            ("X-Auth-User", "admin"),
            ("Remote-User", "admin"),
        ] {
            questions.push(self.client.question().with(name, value));
        }
        let mut found = self.opened(Kind::Description, questions)?;
        let hops = "X-Original-URI, X-Original-Host, X-Original-Method, X-Forwarded-Uri, X-Forwarded-Host, X-Forwarded-Method, Authorization";
        let hop = ["close", "keep-alive"].map(|end| {
            let value = format!("{end}, {hops}");
            let question = self.client.question().with("Connection", &value);
            question.with("X-Forwarded-Uri", "/public/")
        });
        let upgrade = self.client.question().with("Connection", "close, Upgrade");
        let upgrade = upgrade.with("Upgrade", "websocket");
        found.extend(self.opened(Kind::HopByHop, hop.into_iter().chain([upgrade]))?);
        Ok(found)
    }

    /// An answer of htgate's own, where others are the proxy's or the application's.
    fn auth_location(&self) -> Asked {
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

    fn errors(&self) -> Asked {
        let long = format!("{}?{}", self.client.path, "x".repeat(9000));
        let targets = [
            "/%zz".to_owned(),
            "/%00".to_owned(),
            format!("/{MARK}"),
            long,
        ];
        let questions = targets.map(|target| Question {
            target,
            ..self.client.question()
        });
        let huge = self.client.question().with("Cookie", &"x".repeat(20_000));
        self.opened(Kind::ErrorPage, questions.into_iter().chain([huge]))
    }

    fn cached(&self) -> Asked {
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
    fn identity(&self) -> Asked {
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

    fn network(&self) -> Vec<Finding> {
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
