//! What is wrong with a configuration: where, what, and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// One problem, as one line: `htgate.toml:12: [realms.intranet] htpaswd: unknown key; …`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The line of the file, counted from 1; 0 where there is none.
    pub line: usize,
    /// The file, or the environment variable.
    pub place: String,
    /// Section and key, and what is wrong.
    pub message: String,
}

/// All problems, by line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl std::error::Error for Problems {}

impl Problems {
    /// A problem of the whole file.
    pub(super) fn one(path: &Path, message: String) -> Self {
        Self(vec![Problem {
            line: 0,
            place: PathBuf::from(path).display().to_string(),
            message,
        }])
    }

    pub(super) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn sorted(mut self) -> Self {
        self.0.sort();
        self.0.dedup();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.place, self.message),
            line => write!(f, "{}:{line}: {}", self.place, self.message),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

/// `; did you mean "…"?` where a known name is near, else nothing.
pub(super) fn suggestion<'n>(wrong: &str, known: impl IntoIterator<Item = &'n str>) -> String {
    let near = known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wrong, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4);
    near.map_or_else(String::new, |(_, name)| {
        format!("; did you mean \"{name}\"?")
    })
}
