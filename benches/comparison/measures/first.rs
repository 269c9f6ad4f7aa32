//! The first request of a user: one hash, and what is around it.

use std::hint::black_box;

use super::{ask, question, timed};
use crate::{
    harness::{http::Connection, site::basic},
    report::{Bound, Figure},
    servers::{gate::Gate, users},
    stats::{Spread, milliseconds},
};

/// As many users, each of whom can come for the first time once.
const USERS: usize = 15;

/// Asks for each user once, and computes the same hash here, in turn.
pub(crate) fn measure() -> Vec<Figure> {
    let accounts: Vec<(String, String)> = (0..USERS)
        .map(|number| (format!("first{number}"), format!("password {number}")))
        .collect();
    let accounts = accounts
        .iter()
        .map(|(user, password)| (&**user, &**password));
    let entries: Vec<(_, String)> = accounts
        .map(|account| (account, users::entry(account, users::COST)))
        .collect();
    let file: String = entries.iter().map(|(_, entry)| entry.as_str()).collect();
    let mut gate = Gate::prepare(&file);
    gate.serve_on(None);
    let mut connection = Connection::open(gate.htgate.address);

    let (mut asked, mut computed) = (Vec::new(), Vec::new());
    for (account, entry) in &entries {
        let question = question(&basic(*account));
        let time = timed(|| ask(&mut connection, &question, 200));
        asked.push(milliseconds(time));
        let (_, hash) = entry.trim().split_once(':').unwrap();
        let time = timed(|| assert!(bcrypt::verify(black_box(account.1), hash).unwrap()));
        computed.push(milliseconds(time));
    }
    eprintln!("first request: {asked:.0?} ms asked, {computed:.0?} ms computed");
    vec![Figure {
        what: "first request of a user / the bare bcrypt call, cost 12",
        spread: Spread::of_ratios(&asked, &computed),
        unit: "",
        bound: Bound::AtMost(1.05),
    }]
}
