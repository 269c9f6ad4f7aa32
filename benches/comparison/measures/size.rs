//! A million users: loading, memory, and reading them again while others are served.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use super::{ask, paced, question, start::memory, timed};
use crate::{
    harness::{
        http::Connection,
        site::{ALICE, basic},
    },
    report::{Bound, Figure},
    servers::{direct::CROWD, gate::Gate, users},
    stats::{Spread, milliseconds, p99},
};

pub(crate) fn measure(rounds: u32, seconds: u32) -> Vec<Figure> {
    let mut few = Gate::prepare(&users::few());
    let mut crowd = Gate::prepare(&users::crowd(CROWD));
    let text = fs::metadata(crowd.htgate.path("users.htpasswd"));
    let text = text.unwrap().len();

    let (mut loads, mut bytes) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let [without, with] = [&mut few, &mut crowd].map(|gate| {
            gate.htgate.stop();
            let time = timed(|| gate.serve_on(None));
            let resident = memory(gate.htgate.process().id());
            (time.as_secs_f64(), resident)
        });
        loads.push(with.0 - without.0);
        let beyond = as_f64(with.1) - as_f64(without.1) - as_f64(text);
        bytes.push(beyond / as_f64(CROWD as u64));
    }
    few.htgate.stop();

    let (before, during) = reloads(&crowd, rounds, seconds);
    eprintln!("size: p99 {before:.3?} ms before, {during:.3?} ms during reloads");
    vec![
        Figure {
            what: "1,000,000 users: load time",
            spread: Spread::of(loads),
            unit: " s",
            bound: Bound::AtMost(1.0),
        },
        Figure {
            what: "1,000,000 users: memory beyond the text, each",
            spread: Spread::of(bytes),
            unit: " B",
            bound: Bound::AtMost(100.0),
        },
        Figure {
            what: "1,000,000 users: warm p99 during a reload / before",
            spread: Spread::of_ratios(&during, &before),
            unit: "",
            bound: Bound::AtMost(2.0),
        },
    ]
}

/// The 99th percentile of warm answers, in turn without and with reloads one after another.
fn reloads(crowd: &Gate, rounds: u32, seconds: u32) -> (Vec<f64>, Vec<f64>) {
    let address = crowd.htgate.address;
    let warm = question(&basic(ALICE));
    ask(&mut Connection::open(address), &warm, 200);
    let time = Duration::from_secs(seconds.into());
    let (mut before, mut during) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        before.push(p99(paced::answers_for(address, &warm, time)));
        let reading = AtomicBool::new(true);
        let times = thread::scope(|scope| {
            scope.spawn(|| {
                let mut spent = Duration::ZERO;
                while spent < time {
                    let reload = timed(|| {
                        crowd.htgate.run(&["reload"], "");
                    });
                    eprintln!("reload: {:.0} ms", milliseconds(reload));
                    spent += reload;
                }
                reading.store(false, Ordering::Relaxed);
            });
            paced::answers(address, &warm, || reading.load(Ordering::Relaxed))
        });
        during.push(p99(times));
    }
    (before, during)
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}
