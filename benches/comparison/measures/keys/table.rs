//! What was measured with few keys, with many, and how they compare.

use std::fmt::Write as _;

use super::{Rounds, cold::Cold, database::Database};
use crate::{
    report::{shown, with_commas},
    stats::Spread,
};

pub(super) struct Table {
    pub(super) text: String,
}

impl Table {
    pub(super) fn of(databases: &[Database; 2]) -> Self {
        let [few, many] = databases.each_ref().map(|one| with_commas(one.keys.into()));
        let text = format!(
            "| median (least to most) | {few} keys | {many} keys | many / few |\n|---|--:|--:|--:|\n"
        );
        Self { text }
    }

    pub(super) fn add(&mut self, what: &str, [few, many]: [&Rounds; 2]) {
        let [of_few, of_many] = [few, many].map(|rounds| cell(Spread::of(rounds.iter().copied())));
        let ratio = cell(Spread::of_ratios(many, few));
        writeln!(self.text, "| {what} | {of_few} | {of_many} | {ratio} |").unwrap();
    }

    /// The times of both, and how many times the bare statement's a look-up takes.
    pub(super) fn add_cold(&mut self, cold: &[Cold; 2]) {
        let cold = cold.each_ref();
        self.add_times("p50", cold.map(|one| [&one.lookup.p50, &one.select.p50]));
        self.add_times("p99", cold.map(|one| [&one.lookup.p99, &one.select.p99]));
    }

    fn add_times(&mut self, which: &str, [few, many]: [[&Rounds; 2]; 2]) {
        self.add(&format!("cold look-up, {which}, µs"), [few[0], many[0]]);
        self.add(&format!("bare SELECT, {which}, µs"), [few[1], many[1]]);
        let ratio = |[upper, lower]: [&Rounds; 2]| cell(Spread::of_ratios(upper, lower));
        let (few, many) = (ratio(few), ratio(many));
        writeln!(
            self.text,
            "| look-up / SELECT, {which} | {few} | {many} | |"
        )
        .unwrap();
    }
}

fn cell(Spread { median, min, max }: Spread) -> String {
    let [median, least, most] = [median, min, max].map(shown);
    if least == most {
        return median;
    }
    format!("{median} ({least} to {most})")
}
