//! All policies, found by name or by number.

use std::ops::Index;

use hashbrown::HashMap;

use super::Policy;
use crate::policy::PolicyRef;

/// The named policies. [`PolicyRef::Named`] counts them.
pub struct Policies {
    all: Vec<Policy>,
    /// Clients can't insert anything, so a quick hasher will do.
    by_name: HashMap<String, usize>,
}

impl Policies {
    /// Takes them; their names differ.
    #[must_use]
    pub fn new(all: Vec<Policy>) -> Self {
        let names = all.iter().map(|policy| policy.name.clone());
        let by_name = names.zip(0..).collect();
        Self { all, by_name }
    }

    /// The policy of this name: one of these, `open` or `closed`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PolicyRef> {
        match name {
            "open" => Some(PolicyRef::Open),
            "closed" => Some(PolicyRef::Closed),
            _ => self.by_name.get(name).copied().map(PolicyRef::Named),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.all.iter()
    }
}

/// # Panics
/// When the place is not one that [`Policies::find`] gave.
impl Index<usize> for Policies {
    type Output = Policy;

    fn index(&self, place: usize) -> &Policy {
        &self.all[place]
    }
}
