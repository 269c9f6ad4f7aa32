//! The files of `nginx/` and `deploy/`, as they are in the repository.

use std::{fs, path::Path};

/// The text of one such file. Tests may only put their own addresses in the place of the
/// documented ones.
pub(crate) struct Shipped {
    path: String,
    text: String,
}

impl Shipped {
    /// Reads a file, named from the top of the repository.
    pub(crate) fn read(path: &str) -> Self {
        let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let text = fs::read_to_string(&full).unwrap_or_else(|e| panic!("{path}: {e}"));
        Self {
            path: path.to_owned(),
            text,
        }
    }

    /// What the program printed.
    #[allow(dead_code, reason = "for tests/e2e")]
    pub(crate) fn printed(text: &str) -> Self {
        Self {
            path: "the snippet".to_owned(),
            text: text.to_owned() + "\n",
        }
    }

    /// Puts one text in the place of another, everywhere. What is documented has to be there.
    pub(crate) fn put(mut self, documented: &str, ours: &str) -> Self {
        assert!(
            self.text.contains(documented),
            "{} has no {documented:?}",
            self.path
        );
        self.text = self.text.replace(documented, ours);
        self
    }

    #[allow(dead_code, reason = "for tests/e2e")]
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn write(&self, to: &Path) {
        fs::write(to, &self.text).unwrap();
    }
}
