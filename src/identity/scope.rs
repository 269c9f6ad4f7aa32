//! What an API key may be used for.
//!
//! A scope is a `scope-token` of RFC 6749 §3.3, a little narrower: scopes are also told to the
//! application in a comma-separated header, where `-` alone means "none", so neither a comma
//! nor that word can be a scope. What a scope stands for is the policy's matter.

use std::fmt;
use std::str::FromStr;

/// One scope: 1 to 255 visible ASCII characters other than `"`, `\` and `,`; not `-` alone.
/// Compared with case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope(Box<str>);

impl Scope {
    /// Takes a scope as an operator wrote it.
    ///
    /// # Errors
    /// [`InvalidScope`], saying which rule is broken.
    pub fn parse(raw: &str) -> Result<Self, InvalidScope> {
        if raw.is_empty() {
            return Err(InvalidScope::Empty);
        }
        if raw.len() > 255 {
            return Err(InvalidScope::TooLong(raw.len()));
        }
        if raw == "-" {
            return Err(InvalidScope::Dash);
        }
        match raw.chars().find(|&c| !is_scope_char(c)) {
            Some(found) => Err(InvalidScope::Character(found)),
            None => Ok(Self(raw.into())),
        }
    }

    /// The scope as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Any number of scopes, sorted and each once. Empty means none, never all.
///
/// `Display` writes the form of RFC 6749 §3.3, with a space between scopes, and parsing takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeSet(Vec<Scope>);

impl ScopeSet {
    /// Whether this very scope is in the set.
    #[must_use]
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.binary_search(scope).is_ok()
    }

    /// Whether there is no scope at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The scopes in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Scope> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a ScopeSet {
    type Item = &'a Scope;
    type IntoIter = std::slice::Iter<'a, Scope>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        let mut scopes: Vec<_> = scopes.into_iter().collect();
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }
}

impl FromStr for ScopeSet {
    type Err = InvalidScope;

    fn from_str(raw: &str) -> Result<Self, InvalidScope> {
        raw.split(' ')
            .filter(|word| !word.is_empty())
            .map(Scope::parse)
            .collect()
    }
}

impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

/// Why a text is no scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// Nothing was written.
    #[error("a scope can't be empty")]
    Empty,
    /// More than 255 bytes.
    #[error("a scope has at most 255 bytes, this one {0}")]
    TooLong(usize),
    /// The word that means "no scopes" in the identity header.
    #[error("`-` can't be a scope: it means \"none\" in the identity header")]
    Dash,
    /// A character outside the grammar.
    #[error("a scope can't hold {0:?}: visible ASCII only, without comma, quote or backslash")]
    Character(char),
}

fn is_scope_char(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '\\' | ',')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scope_tokens_without_list_characters_are_scopes() {
        for raw in [
            "api:write",
            "read",
            "!",
            "--",
            "https://x.example/a?b=c",
            "*",
        ] {
            assert_eq!(Scope::parse(raw).unwrap().as_str(), raw);
        }
        for (raw, fault) in [
            ("", InvalidScope::Empty),
            ("-", InvalidScope::Dash),
            ("a b", InvalidScope::Character(' ')),
            ("a,b", InvalidScope::Character(',')),
            ("a\"", InvalidScope::Character('"')),
            ("a\\b", InvalidScope::Character('\\')),
            ("a\n", InvalidScope::Character('\n')),
            ("é", InvalidScope::Character('é')),
            ("\u{7f}", InvalidScope::Character('\u{7f}')),
        ] {
            assert_eq!(Scope::parse(raw), Err(fault), "{raw:?}");
        }
        assert!(Scope::parse(&"a".repeat(255)).is_ok());
        assert_eq!(
            Scope::parse(&"a".repeat(256)),
            Err(InvalidScope::TooLong(256))
        );
    }

    #[test]
    fn a_set_is_sorted_and_holds_each_scope_once() {
        let set: ScopeSet = "write read  write admin ".parse().unwrap();
        assert_eq!(set.to_string(), "admin read write");
        assert_eq!(set.iter().count(), 3);
        assert_eq!(set.to_string().parse::<ScopeSet>().unwrap(), set);
        assert_eq!("".parse::<ScopeSet>().unwrap(), ScopeSet::default());
        assert!("read a,b".parse::<ScopeSet>().is_err());
    }

    #[test]
    fn only_the_very_scope_is_contained() {
        let set: ScopeSet = "api:read api:write".parse().unwrap();
        for (scope, held) in [
            ("api:read", true),
            ("api", false),
            ("api:READ", false),
            ("*", false),
        ] {
            assert_eq!(set.contains(&Scope::parse(scope).unwrap()), held, "{scope}");
        }
        assert!(ScopeSet::default().is_empty());
    }
}
