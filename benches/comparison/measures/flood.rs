//! Known users while somebody guesses.
//!
//! The service has one core, which the guesses fill; the clients, guessers among them, have
//! another. So what is timed is how soon the service gets to a known user, and not how soon a
//! client gets a core that hashes keep busy.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
    time::Duration,
};

use super::{ask, paced, question};
use crate::{
    cores::{self, Cores},
    harness::{
        http::Connection,
        site::{ALICE, basic},
    },
    report::{Bound, Figure},
    servers::gate::Gate,
    stats::{Spread, p99},
};

/// Connections that guess, each as fast as it is answered: more than there are cores to hash on.
const GUESSERS: u32 = 4;

/// Times answers for a known user, idle and in a flood, in turn.
pub(crate) fn measure(rounds: u32, seconds: u32) -> Vec<Figure> {
    let cores = Cores::two();
    let gate = Gate::start(cores);
    let address = gate.htgate.address;
    let warm = question(&basic(ALICE));
    ask(&mut Connection::open(address), &warm, 200);
    let time = Duration::from_secs(seconds.into());
    let guesses = AtomicU32::new(0);
    let round = || {
        let answers = || p99(paced::answers_for(address, &warm, time));
        (answers(), in_a_flood(address, &guesses, answers))
    };
    let (idle, flooded): (Vec<f64>, Vec<f64>) = cores::on(cores.map(|cores| cores.client), || {
        (0..rounds).map(|_| round()).unzip()
    });
    eprintln!(
        "flood: p99 {idle:.3?} ms idle, {flooded:.3?} ms during {} guesses",
        guesses.into_inner()
    );
    vec![Figure {
        what: "warm p99 in a flood of wrong passwords / idle",
        spread: Spread::of_ratios(&flooded, &idle),
        unit: "",
        bound: Bound::AtMost(3.0),
    }]
}

/// Does `work` while wrong passwords of a real user arrive, no two of them the same.
fn in_a_flood<T>(to: SocketAddr, guesses: &AtomicU32, work: impl FnOnce() -> T) -> T {
    let over = &AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..GUESSERS {
            scope.spawn(move || {
                let mut connection = Connection::open(to);
                while !over.load(Ordering::Relaxed) {
                    let number = guesses.fetch_add(1, Ordering::Relaxed);
                    let guess = format!("guess {number}");
                    ask(&mut connection, &question(&basic((ALICE.0, &guess))), 401);
                }
            });
        }
        // All of them are on their way.
        thread::sleep(Duration::from_millis(300));
        let done = work();
        over.store(true, Ordering::Relaxed);
        done
    })
}
