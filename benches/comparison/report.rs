//! The tables, on the terminal and in the document.

use std::{fmt::Write as _, fs, path::Path};

use crate::{contest::Standings, machine, stats::Spread};

/// What is below this line in the document is written here, what is above by hand.
const MARK: &str = "<!-- Below this line: written by benches/compare. -->\n";

/// What a figure has to be.
#[derive(Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// A figure that has a target.
pub(crate) struct Figure {
    pub(crate) what: &'static str,
    pub(crate) spread: Spread,
    /// Empty for a ratio.
    pub(crate) unit: &'static str,
    pub(crate) bound: Bound,
}

impl Figure {
    fn is_reached(&self) -> bool {
        match self.bound {
            Bound::AtLeast(least) => self.spread.median >= least,
            Bound::AtMost(most) => self.spread.median <= most,
        }
    }

    fn row(&self) -> String {
        let unit = self.unit;
        let bound = match self.bound {
            Bound::AtLeast(least) => format!("≥ {least}{unit}"),
            Bound::AtMost(most) => format!("≤ {most}{unit}"),
        };
        let Spread { median, min, max } = self.spread;
        format!(
            "| {} | {}{unit} | {} | {} | {bound} | {} |\n",
            self.what,
            shown(median),
            shown(min),
            shown(max),
            if self.is_reached() { "yes" } else { "**no**" },
        )
    }
}

/// Both tables, as far as there is something to put in them.
pub(crate) fn tables(standings: &Standings, figures: &[Figure]) -> String {
    let mut text = String::new();
    if !standings.0.is_empty() {
        text += "### Answers per second\n\n\
            | contestant | median | least | most | of its limit |\n|---|--:|--:|--:|--:|\n";
        for standing in &standings.0 {
            let rate = Spread::of(standing.rates.iter().copied());
            let ratio = standing
                .limit
                .and_then(|limit| standings.ratio(standing.name, limit));
            let ratio = ratio.map_or_else(String::new, |ratio| shown(ratio.median));
            let [median, min, max] = [rate.median, rate.min, rate.max].map(shown);
            let name = standing.name;
            writeln!(text, "| {name} | {median} | {min} | {max} | {ratio} |").unwrap();
        }
        text += "\n";
    }
    if !figures.is_empty() {
        text += "### Targets\n\n\
            | figure | median | least | most | target | reached |\n|---|--:|--:|--:|--:|---|\n";
        text.extend(figures.iter().map(Figure::row));
    }
    text
}

/// Puts tables in the place of those that the document has.
pub(crate) fn write_document(tables: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/performance.md");
    let old = fs::read_to_string(&path).unwrap();
    let (by_hand, _) = old.split_once(MARK).expect("the document has the mark");
    let text = format!("{by_hand}{MARK}\n{}\n{tables}", machine::description());
    fs::write(&path, text).unwrap();
    eprintln!("written: {}", path.display());
}

/// As many digits as tell something.
pub(crate) fn shown(figure: f64) -> String {
    match figure {
        f if f >= 1000.0 => with_commas(f),
        f if f >= 100.0 => format!("{f:.0}"),
        f if f >= 10.0 => format!("{f:.1}"),
        f => format!("{f:.3}"),
    }
}

pub(crate) fn with_commas(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
