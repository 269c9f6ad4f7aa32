//! More connections than the service may have open files.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use super::world::{Throttle, World};
use crate::{
    harness::{
        eventually,
        http::{Connection, PATIENCE},
        program::PROGRAM,
    },
    observed::time_of,
    trial::Trial,
};

/// Files that the service may have open; it needs a few dozen for itself.
const FILES: u64 = 128;

#[test]
fn too_many_open_files_stop_nobody_who_is_in_and_end_with_their_cause() {
    let mut trial = Trial::begin("too many open files");
    let mut world = World::prepare(4, Throttle::Off);
    let mut command = Command::new("sh");
    let limited = format!("ulimit -n {FILES}; exec \"$@\"");
    command.args(["-c", &limited, "sh", PROGRAM]);
    world.htgate.serve_by(command);
    world.settle();
    let asked = world.known().remove(1);
    let rounds = trial.times(2, 50);
    let (mut served, mut share) = (0, 0.0_f64);
    for round in 0..rounds {
        // Some have been answered; the rest fill all there is, and wait in the backlog.
        let mut inside: Vec<Connection> = (0..FILES / 4).map(|_| world.connect()).collect();
        for connection in &mut inside {
            assert_eq!(connection.ask(&asked).unwrap().status, 200);
        }
        let waiting: Vec<Connection> = (0..FILES * 2).map(|_| world.connect()).collect();
        let full = eventually(PATIENCE, || {
            world.htgate.log().contains("Too many open files")
        });
        assert!(full, "the log says so");
        let (start, before) = (Instant::now(), time_of(world.htgate.process(), ""));
        for _ in 0..4 {
            for connection in &mut inside {
                assert_eq!(
                    connection.ask(&asked).unwrap().status,
                    200,
                    "who is in is served"
                );
                served += 1;
            }
            thread::sleep(Duration::from_millis(200));
        }
        let spent = time_of(world.htgate.process(), "").saturating_sub(before);
        share = share.max(spent.as_secs_f64() / start.elapsed().as_secs_f64());
        assert!(share < 0.5, "it spins: {share:.2} of a core");
        drop((waiting, inside));
        let start = Instant::now();
        let mut late = world.connect();
        assert_eq!(
            late.ask(&asked).unwrap().status,
            200,
            "room again, and no restart"
        );
        assert!(start.elapsed() < PATIENCE);
        trial.progress(round, rounds);
    }
    let growth = world.growth();
    world.is_sound();
    let tried = format!(
        "{rounds} times {} connections where {FILES} files may be open",
        FILES * 9 / 4
    );
    let outcome = format!(
        "{served} requests of those inside allowed, with {share:.2} of a core; others are taken \
         in when some have gone; {growth}"
    );
    trial.end(&tried, &outcome);
}
