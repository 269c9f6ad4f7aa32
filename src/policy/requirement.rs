//! What an identity must have, in the words of Apache's `Require`.

use std::fmt;
use std::net::IpAddr;

use crate::identity::{Identity, Scope};
use crate::request::Defect;
use crate::request::network::{InvalidNetwork, Network};

/// Conditions of which any one, and others of which all, must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    any: Vec<Condition>,
    all: Vec<Condition>,
}

/// One condition; where it names several things, one of them is enough, as in Apache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `valid-user`: any user or key of the realm.
    ValidUser,
    /// `user alice bob`: one of these users, or a key that one of them owns.
    User(Vec<String>),
    /// `group staff`: a member of one of these groups, or a key that a member owns.
    Group(Vec<String>),
    /// `scope api:write`: a key with one of these scopes.
    Scope(Vec<Scope>),
    /// `key backup`: one of these keys, by name or id.
    Key(Vec<String>),
    /// `ip 10.0.0.0/8`: a client in one of these networks, besides its credentials.
    Ip(Vec<Network>),
}

/// Which part of a requirement a condition belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// One of these is enough.
    Any,
    /// All of these must hold.
    All,
}

/// In the words of the configuration.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |word: &str, names: Vec<String>| format!("{word} {}", names.join(" "));
        let text = match self {
            Self::ValidUser => "valid-user".to_owned(),
            Self::User(names) => shown("user", names.clone()),
            Self::Group(names) => shown("group", names.clone()),
            Self::Key(names) => shown("key", names.clone()),
            Self::Scope(scopes) => shown("scope", scopes.iter().map(Scope::to_string).collect()),
            Self::Ip(networks) => shown("ip", networks.iter().map(Network::to_string).collect()),
        };
        f.write_str(&text)
    }
}

/// Not a condition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCondition {
    /// The first word is none of ours.
    #[error(
        "{0:?} starts with no known word; there are valid-user, user NAME, group NAME, \
         scope NAME, key NAME and ip NETWORK"
    )]
    UnknownWord(String),
    /// A word that needs names has none.
    #[error("{0:?} names nothing; write for example \"{0} NAME\"")]
    NoNames(String),
    /// `valid-user` with something after it.
    #[error("{0:?}: nothing can follow valid-user; use \"user NAME\" to name users")]
    Surplus(String),
    /// A scope that RFC 6749 §3.3 doesn't allow.
    #[error("{0:?}: {1}")]
    Scope(String, String),
    /// A network that is none.
    #[error("{0:?}: {1}")]
    Network(String, InvalidNetwork),
}

impl Condition {
    /// Takes a word and its names, separated by blanks.
    ///
    /// # Errors
    /// [`InvalidCondition`], quoting the text.
    pub fn parse(raw: &str) -> Result<Self, InvalidCondition> {
        use InvalidCondition as Invalid;
        let own = || raw.to_owned();
        let mut words = raw.split_whitespace();
        let word = words.next().unwrap_or_default();
        let names: Vec<String> = words.map(str::to_owned).collect();
        let condition = match word {
            "valid-user" if names.is_empty() => return Ok(Self::ValidUser),
            "valid-user" => return Err(Invalid::Surplus(own())),
            "user" => Self::User(names.clone()),
            "group" => Self::Group(names.clone()),
            "key" => Self::Key(names.clone()),
            "scope" => Self::Scope(
                names
                    .iter()
                    .map(|name| {
                        Scope::parse(name).map_err(|e| Invalid::Scope(own(), e.to_string()))
                    })
                    .collect::<Result<_, _>>()?,
            ),
            "ip" => Self::Ip(
                names
                    .iter()
                    .map(|name| Network::parse(name).map_err(|e| Invalid::Network(own(), e)))
                    .collect::<Result<_, _>>()?,
            ),
            _ => return Err(Invalid::UnknownWord(own())),
        };
        if names.is_empty() {
            return Err(Invalid::NoNames(own()));
        }
        Ok(condition)
    }

    fn met<C>(&self, identity: &Identity, client: &C) -> Result<bool, Defect>
    where
        C: Fn() -> Result<IpAddr, Defect>,
    {
        Ok(match self {
            Self::ValidUser => true,
            Self::User(names) => identity
                .user()
                .is_some_and(|user| names.iter().any(|name| name.as_bytes() == user)),
            Self::Group(names) => identity
                .groups()
                .any(|group| names.iter().any(|name| name == group)),
            Self::Scope(names) => identity
                .key()
                .is_some_and(|key| names.iter().any(|name| key.scopes.contains(name))),
            Self::Key(names) => identity.key().is_some_and(|key| {
                names
                    .iter()
                    .any(|name| name == key.name.as_str() || name == key.id.as_str())
            }),
            Self::Ip(networks) => {
                let client = client()?;
                networks.iter().any(|network| network.contains(client))
            }
        })
    }
}

impl Requirement {
    /// Takes conditions of which any one must hold, and others that must all hold. With neither,
    /// `valid-user`.
    ///
    /// # Errors
    /// Every [`InvalidCondition`] of both lists.
    pub fn parse(any: &[String], all: &[String]) -> Result<Self, Vec<InvalidCondition>> {
        let mut faults = Vec::new();
        let mut conditions = |raw: &[String]| -> Vec<Condition> {
            let parsed = raw.iter().map(|text| Condition::parse(text));
            parsed
                .filter_map(|result| result.map_err(|e| faults.push(e)).ok())
                .collect()
        };
        let requirement = Self {
            any: conditions(any),
            all: conditions(all),
        };
        if faults.is_empty() {
            Ok(requirement)
        } else {
            Err(faults)
        }
    }

    /// Each condition in words, and whether it is met, for whoever wants to know why; first those
    /// of which one is enough, then those that must all hold.
    pub fn judged<'a, C>(
        &'a self,
        identity: &'a Identity,
        client: &'a C,
    ) -> impl Iterator<Item = (Part, String, Result<bool, Defect>)> + 'a
    where
        C: Fn() -> Result<IpAddr, Defect>,
    {
        let any = self.any.iter().map(|condition| (Part::Any, condition));
        let all = self.all.iter().map(|condition| (Part::All, condition));
        any.chain(all)
            .map(|(part, condition)| (part, condition.to_string(), condition.met(identity, client)))
    }

    /// The groups that are named anywhere.
    pub fn groups(&self) -> impl Iterator<Item = &str> {
        let conditions = self.any.iter().chain(&self.all);
        let names = conditions.filter_map(|condition| match condition {
            Condition::Group(names) => Some(names),
            _ => None,
        });
        names.flatten().map(String::as_str)
    }

    /// Whether the identity has what it must. The client's address is asked for where a condition
    /// needs it.
    ///
    /// # Errors
    /// The [`Defect`] in the client's address.
    pub fn met<C>(&self, identity: &Identity, client: &C) -> Result<bool, Defect>
    where
        C: Fn() -> Result<IpAddr, Defect>,
    {
        for condition in &self.all {
            if !condition.met(identity, client)? {
                return Ok(false);
            }
        }
        for condition in &self.any {
            if condition.met(identity, client)? {
                return Ok(true);
            }
        }
        Ok(self.any.is_empty())
    }

    /// The scopes that a key lacks, in the form of RFC 6750 §3; nothing for users, and where more
    /// than scopes is lacking.
    ///
    /// # Errors
    /// The [`Defect`] in the client's address.
    pub fn missing_scopes<C>(
        &self,
        identity: &Identity,
        client: &C,
    ) -> Result<Option<String>, Defect>
    where
        C: Fn() -> Result<IpAddr, Defect>,
    {
        if identity.key().is_none() {
            return Ok(None);
        }
        let mut missing: Vec<&str> = Vec::new();
        for condition in &self.all {
            match (condition.met(identity, client)?, condition) {
                (true, _) => {}
                (false, Condition::Scope(names)) => missing.extend(names.iter().map(Scope::as_str)),
                (false, _) => return Ok(None),
            }
        }
        let mut any_met = self.any.is_empty();
        let mut wanted: Vec<&str> = Vec::new();
        for condition in &self.any {
            any_met |= condition.met(identity, client)?;
            if let Condition::Scope(names) = condition {
                wanted.extend(names.iter().map(Scope::as_str));
            }
        }
        if !any_met && wanted.is_empty() {
            return Ok(None);
        }
        if !any_met {
            missing.append(&mut wanted);
        }
        Ok((!missing.is_empty()).then(|| missing.join(" ")))
    }
}
