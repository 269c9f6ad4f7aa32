//! The text of a shipped file, on its way to fit.

/// Such a text. What is to be replaced has to be there; the tests of each file see to it.
pub(super) struct Template(String);

impl Template {
    /// A file without the words at its top, which are for those who install it.
    pub(super) fn body(text: &str) -> Self {
        let lines = text.lines().skip_while(|line| line.starts_with('#'));
        let lines = lines.skip_while(|line| line.is_empty());
        Self(joined(lines))
    }

    /// The one block of a file that begins with this line, to its closing brace.
    pub(super) fn block(text: &str, first: &str) -> Self {
        let mut lines: Vec<&str> = Vec::new();
        for line in text.lines().skip_while(|line| *line != first) {
            lines.push(line);
            if line == "}" {
                break;
            }
        }
        debug_assert!(!lines.is_empty(), "the shipped file has no {first:?}");
        Self(joined(lines))
    }

    /// Puts one text in the place of another, everywhere.
    pub(super) fn put(mut self, documented: &str, here: &str) -> Self {
        debug_assert!(
            self.0.contains(documented),
            "the shipped file has no {documented:?}"
        );
        self.0 = self.0.replace(documented, here);
        self
    }

    /// Puts other lines, as far to the right, in the place of each that is this but for blanks at
    /// its ends.
    pub(super) fn put_line(mut self, documented: &str, here: &str) -> Self {
        debug_assert!(
            self.has_line(documented),
            "the shipped file has no line {documented:?}"
        );
        let lines = self.0.lines().map(|line| {
            let bare = line.trim_start();
            if bare.trim_end() == documented {
                let margin = line.get(..line.len() - bare.len()).unwrap_or_default();
                indented(here, margin)
            } else {
                line.to_owned() + "\n"
            }
        });
        self.0 = lines.collect();
        self
    }

    /// Leaves out the lines from one of these to the next of those, where both stand alone.
    pub(super) fn without_lines(mut self, first: &str, last: &str) -> Self {
        debug_assert!(self.has_line(first), "the shipped file has no {first:?}");
        let mut inside = false;
        let lines = self.0.lines().filter(|line| {
            let ends = inside && line.trim() == last;
            inside = (inside || line.trim() == first) && !ends;
            !inside && !ends
        });
        self.0 = joined(lines);
        self
    }

    /// Leaves out each line that is this but for blanks at its ends, if there are any.
    pub(super) fn without_line(mut self, line: &str) -> Self {
        let lines = self.0.lines().filter(|found| found.trim() != line);
        self.0 = joined(lines);
        self
    }

    /// Whether one of its lines is this, but for blanks at its ends.
    pub(super) fn has_line(&self, line: &str) -> bool {
        self.0.lines().any(|found| found.trim() == line)
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

fn joined<'l>(lines: impl IntoIterator<Item = &'l str>) -> String {
    lines.into_iter().flat_map(|line| [line, "\n"]).collect()
}

/// Each line of a text that isn't empty, moved to the right.
fn indented(text: &str, margin: &str) -> String {
    let lines = text.lines().map(|line| match line {
        "" => "\n".to_owned(),
        line => format!("{margin}{line}\n"),
    });
    lines.collect()
}
