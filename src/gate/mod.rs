//! The gate: policy, then proof, then the decision. The one place that orders the steps.

mod policies;
mod policy;

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

pub use policies::Policies;
pub use policy::{Interaction, Policy};

use crate::authn::{Means, Reading, Realm, Unavailable, Verifier, authenticate};
use crate::decision::{Decision, Forbidden, Outcome, decide};
use crate::endpoint::{Answer, IdentityHeaders, Route, Trouble};
use crate::policy::{PolicyRef, Rules, Ruling};
use crate::request::network::Network;
use crate::request::{Defect, Description, Headers};

/// Everything that an answer depends on: never changed, only replaced whole.
pub struct World {
    /// Which requests fall under which policy.
    pub rules: Arc<Rules>,
    /// The named policies.
    pub policies: Arc<Policies>,
    /// The realms; a [`Policy`] counts them.
    pub realms: Vec<Realm>,
    /// How applications are told who is asking.
    pub identity_headers: IdentityHeaders,
    /// Whose description of a request is believed.
    pub trusted_proxies: Vec<Network>,
    /// Verifies passwords.
    pub verifier: Arc<Verifier>,
}

/// A question: which way it was asked, and with which headers.
pub struct Question<'a> {
    /// The endpoint, and the policy that its path names.
    pub route: Route<'a>,
    /// The headers of the subrequest.
    pub headers: &'a dyn Headers,
}

/// An answer, with what a log wants to know about it.
pub struct Answered<'w> {
    /// The answer.
    pub answer: Answer<'w>,
    /// The rule that decided, counted from 1, where rules did.
    pub rule: Option<usize>,
    /// The policy that applied.
    pub policy: &'w str,
    /// The realm's name, where the policy has one.
    pub realm: Option<&'w str>,
    /// How a credential was presented, where one was looked at.
    pub means: Means,
}

impl<'w> Answered<'w> {
    /// An answer before any policy was found.
    #[must_use]
    pub fn early(answer: Answer<'w>) -> Self {
        Self {
            answer,
            rule: None,
            policy: "-",
            realm: None,
            means: Means::None,
        }
    }
}

/// Answers questions about the world as it is; the world can be replaced at any time.
pub struct Gate {
    world: ArcSwap<World>,
}

impl Gate {
    /// A gate to this world.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self {
            world: ArcSwap::from_pointee(world),
        }
    }

    /// The world as it is now. It stays as it is for whoever holds it.
    #[must_use]
    pub fn world(&self) -> Guard<Arc<World>> {
        self.world.load()
    }

    /// Replaces the world: every question asked from now on is answered from the new one.
    pub fn replace(&self, world: World) {
        self.world.store(Arc::new(world));
    }
}

/// How far a question gets before anybody must prove anything.
pub enum Opening<'w> {
    /// It is answered.
    Answered(Answered<'w>),
    /// Somebody must prove who they are.
    Asks(Case<'w>),
}

/// A question whose policy is found: what is left is the proof.
pub struct Case<'w> {
    rule: Option<usize>,
    /// The policy that applies.
    pub policy: &'w Policy,
    identity_headers: &'w IdentityHeaders,
    /// The realm that the proof is for.
    pub realm: &'w Realm,
}

impl World {
    /// Answers a question.
    pub async fn answer(&self, question: &Question<'_>) -> Answered<'_> {
        let description = question.route.describe(question.headers);
        let case = match self.open(question.route.policy, &description) {
            Opening::Answered(answered) => return answered,
            Opening::Asks(case) => case,
        };
        let (means, outcome) = self.prove(case.realm, question.headers, &description).await;
        let interaction = || Interaction::of(question.headers);
        let answered = case.conclude(outcome, &self.client(&description), interaction);
        Answered { means, ..answered }
    }

    /// Finds the policy, and answers where that is enough: `open` and `closed`, trouble with the
    /// description, and addresses that need no credentials.
    #[must_use]
    pub fn open<'w>(&'w self, named: Option<&str>, description: &Description<'_>) -> Opening<'w> {
        let ruling = match self.ruling(named, description) {
            Ok(ruling) => ruling,
            Err(refused) => return Opening::Answered(Answered::early(refused)),
        };
        let unasked = |policy, answer| {
            Opening::Answered(Answered {
                answer,
                rule: ruling.rule,
                policy,
                realm: None,
                means: Means::None,
            })
        };
        let policy = match ruling.policy {
            PolicyRef::Open => return unasked("open", Answer::open()),
            PolicyRef::Closed => return unasked("closed", Answer::forbid(Forbidden::Closed)),
            PolicyRef::Named(index) => &self.policies[index],
        };
        let case = Case {
            rule: ruling.rule,
            policy,
            identity_headers: &self.identity_headers,
            realm: &self.realms[policy.realm],
        };
        match policy.admits_unasked(&self.client(description)) {
            Ok(None) => Opening::Asks(case),
            Ok(Some(grant)) => Opening::Answered(case.answered(Answer::Allow {
                grant,
                realm: Some(&case.realm.name),
            })),
            Err(defect) => Opening::Answered(case.answered(Answer::Trouble(defect.into()))),
        }
    }

    /// The client's address, looked for when it is asked for.
    pub fn client<'d>(
        &'d self,
        description: &'d Description<'_>,
    ) -> impl Fn() -> Result<IpAddr, Defect> + 'd {
        || description.client(&self.trusted_proxies)
    }

    /// Which policy applies: the one that the endpoint's path names, else what the rules say.
    fn ruling(
        &self,
        named: Option<&str>,
        description: &Description<'_>,
    ) -> Result<Ruling, Answer<'static>> {
        if let Some(name) = named {
            let policy = self
                .policies
                .find(name)
                .ok_or(Answer::forbid(Forbidden::NoPolicy))?;
            return Ok(Ruling { rule: None, policy });
        }
        let target = description.target();
        let target = target.map_err(|defect| Answer::Trouble(defect.into()))?;
        let ruling = self.rules.ruling(&target);
        ruling.ok_or(Answer::forbid(Forbidden::Ambiguous))
    }

    /// Holds what is presented against a realm; says how it was presented, too.
    async fn prove(
        &self,
        realm: &Realm,
        headers: &dyn Headers,
        description: &Description<'_>,
    ) -> (Means, Result<Outcome, Trouble>) {
        let reading = Reading {
            headers,
            description,
        };
        let (means, presented) = match reading.presented(realm) {
            Ok(presented) => presented,
            Err(defect) => return (Means::None, Err(defect.into())),
        };
        let client = self.client(description);
        let outcome = authenticate(presented, realm, &self.verifier, &client).await;
        (means, outcome.map_err(Trouble::from))
    }
}

impl<'w> Case<'w> {
    /// Answers, now that it is known what the credentials prove.
    pub fn conclude<C>(
        &self,
        outcome: Result<Outcome, Trouble>,
        client: &C,
        interaction: impl FnOnce() -> Interaction,
    ) -> Answered<'w>
    where
        C: Fn() -> Result<IpAddr, Defect>,
    {
        let need = &self.policy.requirement;
        let decided = outcome.and_then(|outcome| Ok(decide(need, outcome, client)?));
        self.answered(match decided {
            Ok(Decision::Allow(grant)) if !self.identity_headers.fit(&grant) => {
                Answer::Trouble(Trouble::TooLong)
            }
            Ok(decision) => self.policy.answer(decision, self.realm, interaction),
            Err(trouble) => Answer::Trouble(trouble),
        })
    }

    fn answered(&self, answer: Answer<'w>) -> Answered<'w> {
        Answered {
            answer,
            rule: self.rule,
            policy: &self.policy.name,
            realm: Some(&self.realm.name),
            means: Means::None,
        }
    }
}

impl From<Unavailable> for Trouble {
    fn from(unavailable: Unavailable) -> Self {
        match unavailable {
            Unavailable::Client(defect) => Self::Description(defect),
            Unavailable::Store(error) => Self::Store(error.to_string()),
            Unavailable::Throttled(wait) => Self::Throttled(wait),
            Unavailable::Busy => Self::Busy,
        }
    }
}

#[cfg(test)]
pub(crate) mod faulty;
#[cfg(test)]
mod tests;
