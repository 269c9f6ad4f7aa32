//! A policy at work: whom it lets in unasked, and what its refusals ask for.

use std::net::IpAddr;

use http::HeaderName;

use crate::authn::Realm;
use crate::decision::{Decision, Grant, Rejection};
use crate::endpoint::Answer;
use crate::http_auth::{BearerError, Challenge, Scheme};
use crate::policy::Requirement;
use crate::request::network::Network;
use crate::request::{Defect, Field, Headers};

/// A realm and what an identity must have in it.
pub struct Policy {
    /// Its name in the configuration.
    pub name: String,
    /// The realm's place in the list of realms.
    pub realm: usize,
    /// What must hold.
    pub requirement: Requirement,
    /// Challenges, in order; never empty.
    pub offers: Vec<Scheme>,
    /// Addresses that need no credentials.
    pub allow_from: Vec<Network>,
}

static REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Whether somebody sits before a browser's prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// Perhaps.
    Possible,
    /// A script asked; a Basic challenge would open a prompt over its page.
    Script,
}

impl Interaction {
    /// By the header that scripts mark their requests with.
    pub(super) fn of(headers: &dyn Headers) -> Self {
        match headers.field(&REQUESTED_WITH) {
            Field::Once(value) if value.eq_ignore_ascii_case(b"XMLHttpRequest") => Self::Script,
            _ => Self::Possible,
        }
    }
}

impl Policy {
    /// A grant, where the client's address needs no credentials.
    ///
    /// # Errors
    /// The [`Defect`] in the client's address, if the policy asks for it.
    pub(super) fn admits_unasked<C>(&self, client: &C) -> Result<Option<Grant>, Defect>
    where
        C: Fn() -> Result<IpAddr, Defect>,
    {
        if self.allow_from.is_empty() {
            return Ok(None);
        }
        let client = client()?;
        let admitted = self
            .allow_from
            .iter()
            .any(|network| network.contains(client));
        Ok(admitted.then(Grant::by_address))
    }

    /// The answer that a decision becomes in this policy's realm.
    pub(super) fn answer<'w>(
        &self,
        decision: Decision,
        realm: &'w Realm,
        interaction: impl FnOnce() -> Interaction,
    ) -> Answer<'w> {
        match decision {
            Decision::Allow(grant) => Answer::Allow {
                grant,
                realm: Some(&realm.name),
            },
            Decision::Challenge(rejection) => Answer::Challenge {
                challenges: self.challenges(&rejection, &realm.title, interaction()),
                rejection,
            },
            Decision::Forbid(forbidden) => Answer::Forbid {
                forbidden,
                realm: Some(&realm.title),
            },
        }
    }

    fn challenges<'w>(
        &self,
        rejection: &Rejection,
        realm: &'w crate::http_auth::Realm,
        interaction: Interaction,
    ) -> Vec<Challenge<'w>> {
        let error = match rejection {
            Rejection::Absent | Rejection::Password => None,
            Rejection::Several | Rejection::Malformed(_) | Rejection::NotAccepted => {
                Some(BearerError::InvalidRequest)
            }
            Rejection::UnknownKey | Rejection::KeyAddress(_) => {
                Some(BearerError::InvalidToken(None))
            }
            Rejection::ExpiredKey(_) | Rejection::RotatedKey(_) => {
                Some(BearerError::InvalidToken(Some("expired")))
            }
            Rejection::RevokedKey(_) => Some(BearerError::InvalidToken(Some("revoked"))),
        };
        let others = self.offers.iter().any(|scheme| *scheme != Scheme::Basic);
        let quiet = others && interaction == Interaction::Script;
        self.offers
            .iter()
            .filter(|scheme| !(quiet && **scheme == Scheme::Basic))
            .map(|scheme| Challenge {
                scheme: *scheme,
                realm,
                error: error.clone(),
            })
            .collect()
    }
}
