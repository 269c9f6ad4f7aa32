//! All policies, found by name or by number.

use std::ops::Index;

use super::Policy;
use crate::policy::PolicyRef;

/// The named policies. [`PolicyRef::Named`] counts them in the order of their names.
pub struct Policies(Vec<Policy>);

impl Policies {
    /// Takes them in any order. Of several with one name, any may be found.
    #[must_use]
    pub fn new(mut policies: Vec<Policy>) -> Self {
        policies.sort_by(|a, b| a.name.cmp(&b.name));
        Self(policies)
    }

    /// The policy of this name: one of these, `open` or `closed`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PolicyRef> {
        match name {
            "open" => Some(PolicyRef::Open),
            "closed" => Some(PolicyRef::Closed),
            _ => {
                let place = self
                    .0
                    .binary_search_by(|policy| policy.name.as_str().cmp(name));
                place.ok().map(PolicyRef::Named)
            }
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.0.iter()
    }
}

/// # Panics
/// When the place is not one that [`Policies::find`] gave.
impl Index<usize> for Policies {
    type Output = Policy;

    fn index(&self, place: usize) -> &Policy {
        &self.0[place]
    }
}
