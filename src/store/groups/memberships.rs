//! Who is in which groups: gathered pair by pair, kept set by set.
//!
//! Many members are in the same groups, so each set of groups is kept once, and of a member only
//! the number of the set.

use std::{collections::HashMap, sync::Arc};

use crate::{
    identity::GroupNames,
    store::names::{Names, Place, narrow},
};

/// What has been read so far. Groups and members go by number.
#[derive(Default)]
pub(super) struct Memberships {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
    /// Each with the group that named them last.
    members: Names<u32>,
    /// A member, a group.
    pairs: Vec<(u32, u32)>,
}

impl Memberships {
    /// The group of that name, and its text: one for all members.
    pub(super) fn group(&mut self, name: &str) -> (u32, Arc<str>) {
        if let Some((name, number)) = self.numbers.get_key_value(name) {
            return (*number, Arc::clone(name));
        }
        let name: Arc<str> = name.into();
        let number = narrow(self.names.len());
        self.names.push(Arc::clone(&name));
        self.numbers.insert(Arc::clone(&name), number);
        (number, name)
    }

    /// Takes in that a line names somebody as a member.
    pub(super) fn add(&mut self, group: u32, name: &[u8], line: u32) {
        let member = match self.members.add(name, b"", line, group) {
            Place::New(member) => member,
            Place::Taken(member) => {
                let Some(last) = self.members.value_mut(member) else {
                    return;
                };
                // However often a line repeats a name, it is one pair.
                if *last == group {
                    return;
                }
                *last = group;
                member
            }
        };
        self.pairs.push((member, group));
    }

    /// Every member with the number of their set, and the sets.
    pub(super) fn finish(mut self) -> (Names<u32>, Vec<GroupNames>) {
        self.pairs.sort_unstable();
        self.pairs.dedup();
        let mut sets = Vec::new();
        let mut known = HashMap::<Vec<u32>, u32>::new();
        let mut groups = Vec::new();
        for pairs in self.pairs.chunk_by(|(one, _), (next, _)| one == next) {
            groups.clear();
            groups.extend(pairs.iter().map(|(_, group)| *group));
            let set = known.get(groups.as_slice()).copied().unwrap_or_else(|| {
                let number = narrow(sets.len());
                sets.push(named(&groups, &self.names));
                known.insert(groups.clone(), number);
                number
            });
            let member = pairs.first().map(|(member, _)| *member);
            if let Some(value) = member.and_then(|member| self.members.value_mut(member)) {
                *value = set;
            }
        }
        self.members.shrink_to_fit();
        (self.members, sets)
    }
}

fn named(groups: &[u32], names: &[Arc<str>]) -> GroupNames {
    let names = groups.iter().filter_map(|group| names.get(*group as usize));
    let mut names: Vec<_> = names.cloned().collect();
    names.sort_unstable();
    names.into()
}
