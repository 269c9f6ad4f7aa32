//! Contests for requests per second: who takes part, and how they are run in turn.

use std::{net::SocketAddr, time::Duration};

use crate::{
    cores::Cores,
    harness::http::{Connection, request},
    load::answers_per_second,
    stats::Spread,
};

/// Whom a contestant lets in.
pub(crate) enum Admits {
    /// Whoever shows the right credentials, and nobody with these.
    Only(String),
    /// Anybody: the limits, which decide nothing.
    Anybody,
}

/// Something that answers a request that carries credentials.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    /// What does the same without deciding anything.
    pub(crate) limit: Option<&'static str>,
    pub(crate) address: SocketAddr,
    pub(crate) target: &'static str,
    /// All but the credentials.
    pub(crate) described: Vec<(&'static str, &'static str)>,
    /// The value of `Authorization`.
    pub(crate) right: String,
    pub(crate) admits: Admits,
    pub(crate) cores: Option<Cores>,
}

impl Contestant {
    /// The headers of a request with these credentials.
    pub(crate) fn headers<'a>(&'a self, credentials: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut headers: Vec<(&str, &str)> = self.described.clone();
        headers.push(("Authorization", credentials));
        headers
    }

    fn status(&self, headers: &[(&str, &str)]) -> u16 {
        let mut connection = Connection::open(self.address);
        connection.patience(Duration::from_secs(30));
        let answer = connection.ask(&request("GET", self.target, headers, b""));
        answer
            .unwrap_or_else(|e| panic!("{}: {e}", self.name))
            .status
    }

    /// Panics unless it lets in whom it should, and nobody else.
    fn check(&self) {
        let right = self.status(&self.headers(&self.right));
        assert!(
            matches!(right, 200 | 204),
            "{} says {right} to the right credentials",
            self.name
        );
        let Admits::Only(wrong) = &self.admits else {
            return;
        };
        for (what, headers) in [
            ("wrong", self.headers(wrong)),
            ("no", self.described.clone()),
        ] {
            let status = self.status(&headers);
            assert_eq!(status, 401, "{} to {what} credentials", self.name);
        }
    }
}

/// Answers per second in each round.
pub(crate) struct Standing {
    pub(crate) name: &'static str,
    pub(crate) limit: Option<&'static str>,
    pub(crate) rates: Vec<f64>,
}

/// What all contestants did.
#[derive(Default)]
pub(crate) struct Standings(pub(crate) Vec<Standing>);

impl Standings {
    /// The ratio of two contestants, if both took part.
    pub(crate) fn ratio(&self, upper: &str, lower: &str) -> Option<Spread> {
        let rates = |name| {
            let standing = self.0.iter().find(|standing| standing.name == name)?;
            Some(&standing.rates)
        };
        Some(Spread::of_ratios(rates(upper)?, rates(lower)?))
    }
}

/// Checks all, then runs them in turn, round after round.
pub(crate) fn run(contestants: &[Contestant], rounds: u32, seconds: u32) -> Standings {
    contestants.iter().for_each(Contestant::check);
    let mut standings: Vec<Standing> = contestants
        .iter()
        .map(|contestant| Standing {
            name: contestant.name,
            limit: contestant.limit,
            rates: Vec::new(),
        })
        .collect();
    for round in 1..=rounds {
        for (contestant, standing) in contestants.iter().zip(&mut standings) {
            // Its caches are filled, and what the last load left behind is done.
            contestant.status(&contestant.headers(&contestant.right));
            let rate = answers_per_second(contestant, seconds);
            eprintln!(
                "round {round} of {rounds}: {rate:>9.0}/s  {}",
                standing.name
            );
            standing.rates.push(rate);
            contestant.status(&contestant.headers(&contestant.right));
        }
    }
    contestants.iter().for_each(Contestant::check);
    Standings(standings)
}
