//! A visit to a site: the page itself, and the order of everything else.

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
    pub(super) client: &'c Client,
    pub(super) authorization: Option<Zeroizing<String>>,
    /// The page, without credentials.
    pub(super) bare: Answer,
    /// The page, with credentials, if they pass.
    pub(super) signed: Option<Answer>,
    /// A page that there isn't, without credentials.
    pub(super) nowhere: Answer,
}

/// Nobody's word for anything else.
pub(super) const MARK: &str = "htgate-doctor-was-here";

/// What was found.
pub(super) type Asked = io::Result<Vec<Finding>>;

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

    pub(super) fn signed_question(&self) -> Option<Question> {
        let authorization = self.authorization.as_ref()?;
        Some(self.client.question().with("Authorization", authorization))
    }

    pub(super) fn finding(&self, kind: Kind, question: &Question, answer: &Answer) -> Finding {
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
    pub(super) fn opened(
        &self,
        kind: Kind,
        questions: impl IntoIterator<Item = Question>,
    ) -> Asked {
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
}
