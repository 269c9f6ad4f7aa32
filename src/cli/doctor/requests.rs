//! Other ways to make the request: none may be given the page without credentials.

use super::advice::Kind;
use super::client::Question;
use super::visit::{Asked, MARK, Visit};

impl Visit<'_> {
    /// Other spellings of the path.
    pub(super) fn twins(&self) -> Asked {
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

    /// Other methods.
    pub(super) fn methods(&self) -> Asked {
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

    /// Other hosts, and none.
    pub(super) fn hosts(&self) -> Asked {
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

    /// Headers that describe another request, or take the description away.
    pub(super) fn descriptions(&self) -> Asked {
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

    /// What can't be read, isn't there, or is too long.
    pub(super) fn errors(&self) -> Asked {
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
}
