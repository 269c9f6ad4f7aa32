//! The file alone, held against the schema: what is where, and what doesn't belong.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use config::{Config, File, FileFormat};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Problems, suggestion};
use super::raw::Raw;
use super::schema::{self, Kind, Place};

/// A file's keys with their lines, and which of them the environment overrides.
pub(super) struct Document {
    path: PathBuf,
    lines: HashMap<String, usize>,
    /// Name and value of each variable, by key.
    variables: HashMap<String, (String, String)>,
    /// What doesn't belong, or is of the wrong type.
    wrong: Vec<Vec<String>>,
}

impl Document {
    /// Reads the file's structure and the variables' names.
    ///
    /// # Errors
    /// Text that is no TOML; everything else goes to `problems`.
    pub(super) fn parse(
        path: &Path,
        text: &str,
        env: &BTreeMap<String, String>,
        problems: &mut Problems,
    ) -> Result<Self, Problems> {
        let ends: Vec<usize> = text.match_indices('\n').map(|(place, _)| place).collect();
        let line_of = |offset: usize| 1 + ends.partition_point(|end| *end < offset);
        let root = DeTable::parse(text).map_err(|error| {
            let mut problems = Problems::default();
            problems.push(Problem {
                line: error.span().map_or(0, |span| line_of(span.start)),
                place: path.display().to_string(),
                message: format!("this is no TOML: {}", error.message()),
            });
            problems
        })?;
        let mut document = Self {
            path: path.to_owned(),
            lines: HashMap::new(),
            variables: HashMap::new(),
            wrong: Vec::new(),
        };
        document.table(&mut Vec::new(), root.get_ref(), &line_of, problems);
        for (name, value) in env {
            document.variable(name, value, problems);
        }
        Ok(document)
    }

    /// A problem at a key, wherever its value comes from. A key that isn't there is its section's.
    pub(super) fn problem(&self, key: &str, message: &str) -> Problem {
        if let Some((variable, _)) = self.variables.get(key) {
            return Problem {
                line: 0,
                place: format!("environment variable {variable}"),
                message: message.to_owned(),
            };
        }
        let mut known = key;
        while !self.lines.contains_key(known) {
            match known.rsplit_once('.') {
                Some((parent, _)) => known = parent,
                None => break,
            }
        }
        Problem {
            line: self.lines.get(known).copied().unwrap_or(0),
            place: self.path.display().to_string(),
            message: format!("{}: {message}", shown(key)),
        }
    }

    /// Whether something in a section is known to be wrong, so that what it lacks says little.
    pub(super) fn is_faulty(&self, section: &[&str]) -> bool {
        self.wrong
            .iter()
            .any(|path| path.iter().zip(section).all(|(a, b)| a == b))
    }

    /// The folder that relative paths start from.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The line of each key that the file has.
    pub(super) fn lines(&self) -> &HashMap<String, usize> {
        &self.lines
    }

    /// Whether the value of a key was written anywhere.
    pub(super) fn says(&self, key: &str) -> bool {
        self.lines.contains_key(key) || self.variables.contains_key(key)
    }

    fn table(
        &mut self,
        path: &mut Vec<String>,
        table: &DeTable<'_>,
        line_of: &dyn Fn(usize) -> usize,
        problems: &mut Problems,
    ) {
        for (name, value) in table {
            path.push(name.get_ref().to_string());
            self.lines
                .insert(path.join("."), line_of(name.span().start));
            if schema::is_named(path) && !is_name(name.get_ref()) {
                problems.push(self.problem(&path.join("."), NAME));
                self.wrong.push(path.clone());
                path.pop();
                continue;
            }
            match schema::at(path) {
                Some(place) => self.value(place, path, value, line_of, problems),
                None => {
                    let message = format!("unknown key{}", schema::hint(path));
                    problems.push(self.problem(&path.join("."), &message));
                    self.wrong.push(path.clone());
                }
            }
            path.pop();
        }
    }

    fn value(
        &mut self,
        place: Place,
        path: &mut Vec<String>,
        value: &Spanned<DeValue<'_>>,
        line_of: &dyn Fn(usize) -> usize,
        problems: &mut Problems,
    ) {
        let wrong = match (place, value.get_ref()) {
            (Place::Table, DeValue::Table(table)) => {
                self.table(path, table, line_of, problems);
                return;
            }
            (Place::List, DeValue::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(format!("[{index}]"));
                    self.lines
                        .insert(path.join("."), line_of(item.span().start));
                    self.value(Place::Table, path, item, line_of, problems);
                    path.pop();
                }
                return;
            }
            (Place::Key(kind), value) if fits(kind, value) => return,
            (Place::Key(kind), _) => format!("must be {}", kind.words()),
            (Place::Table, _) => "must be a section of its own, in brackets".to_owned(),
            (Place::List, _) => "must be sections of their own, in double brackets".to_owned(),
        };
        problems.push(self.problem(&path.join("."), &wrong));
        self.wrong.push(path.clone());
    }

    fn variable(&mut self, name: &str, value: &str, problems: &mut Problems) {
        let key = name.trim_start_matches("HTGATE_").to_lowercase();
        let path: Vec<String> = key.split("__").map(str::to_owned).collect();
        let Some(Place::Key(kind)) = schema::at(&path) else {
            let known: Vec<String> = schema::KEYS
                .iter()
                .filter(|(key, _)| !key.contains(['*', '[']))
                .map(|(key, _)| format!("HTGATE_{}", key.replace('.', "__").to_uppercase()))
                .collect();
            problems.push(Problem {
                line: 0,
                place: format!("environment variable {name}"),
                message: format!(
                    "no key has this name{}",
                    suggestion(name, known.iter().map(String::as_str))
                ),
            });
            return;
        };
        let key = path.join(".");
        self.variables
            .insert(key.clone(), (name.to_owned(), value.to_owned()));
        let good = match kind {
            Kind::Text | Kind::Texts => true,
            Kind::Flag => matches!(value, "true" | "false" | ""),
            Kind::Number => value.is_empty() || value.parse::<u64>().is_ok(),
        };
        if !good {
            let message = format!("must be {}", kind.words());
            problems.push(self.problem(&key, &message));
            self.variables.remove(&key);
        }
    }

    /// The file with the environment over it, less what is known to be wrong, so that the rest can
    /// still be looked at.
    pub(super) fn layered(&self, text: &str, problems: &mut Problems) -> Option<Raw> {
        let mut table: toml::Table = toml::from_str(text).ok()?;
        for path in &self.wrong {
            remove(&mut table, path);
        }
        let text = toml::to_string(&table).ok()?;
        let mut layers = Config::builder().add_source(File::from_str(&text, FileFormat::Toml));
        for (key, (_, value)) in &self.variables {
            let items = || value.split(',').map(str::trim).collect::<Vec<_>>();
            layers = match is_list(key) {
                _ if value.is_empty() => Ok(layers),
                true => layers.set_override(key, items()),
                false => layers.set_override(key, value.as_str()),
            }
            .ok()?;
        }
        let layers = layers.build();
        match layers.and_then(Config::try_deserialize) {
            Ok(raw) => Some(raw),
            Err(error) => {
                problems.push(Problem {
                    line: 0,
                    place: self.path.display().to_string(),
                    message: error.to_string(),
                });
                None
            }
        }
    }
}

/// What names of realms and policies are made of.
const NAME: &str = "a name is lower-case letters, digits, \"-\" and \"_\", and starts with one of \
                    the first two";

fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    name.bytes().next().is_some_and(plain)
        && name.bytes().all(|b| plain(b) || b == b'_' || b == b'-')
}

/// Whether the key takes a list.
fn is_list(key: &str) -> bool {
    let path: Vec<String> = key.split('.').map(str::to_owned).collect();
    schema::at(&path) == Some(Place::Key(Kind::Texts))
}

/// Takes a value out of a table.
fn remove(table: &mut toml::Table, path: &[String]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    match (table.get_mut(first), rest) {
        (_, []) => drop(table.remove(first)),
        (Some(toml::Value::Table(inner)), rest) => remove(inner, rest),
        (Some(toml::Value::Array(items)), [index, rest @ ..]) => {
            let index = index.trim_matches(['[', ']']).parse::<usize>().ok();
            match index.and_then(|index| items.get_mut(index)) {
                Some(toml::Value::Table(inner)) => remove(inner, rest),
                // Something that is no table in a list of tables.
                _ => drop(table.remove(first)),
            }
        }
        _ => {}
    }
}

fn fits(kind: Kind, value: &DeValue<'_>) -> bool {
    match (kind, value) {
        (Kind::Text, DeValue::String(_)) | (Kind::Flag, DeValue::Boolean(_)) => true,
        (Kind::Texts, DeValue::Array(items)) => items
            .iter()
            .all(|item| matches!(item.get_ref(), DeValue::String(_))),
        (Kind::Number, DeValue::Integer(number)) => {
            u64::from_str_radix(number.as_str(), number.radix()).is_ok()
        }
        _ => false,
    }
}

/// A key as it stands in the file: `[realms.intranet] title`, `[[rules]] no. 2, paths`.
fn shown(key: &str) -> String {
    let key = &key.escape_debug().to_string();
    let Some((section, name)) = key.rsplit_once('.') else {
        return format!("[{key}]");
    };
    let number = |index: &str| {
        index
            .trim_end_matches(']')
            .parse()
            .map_or(0, |n: usize| n + 1)
    };
    match (section.split_once(".["), name.strip_prefix('[')) {
        (_, Some(index)) => format!("[[{section}]] no. {}", number(index)),
        (Some((list, index)), None) => format!("[[{list}]] no. {}, {name}", number(index)),
        (None, None) => format!("[{section}] {name}"),
    }
}
