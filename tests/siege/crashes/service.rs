//! The service, killed while commands change keys.

use std::{io::Write as _, thread, time::Duration};

use super::{Change, Ended, deeds::Deed, keys::Store};
use crate::trial::Trial;

/// How long the service lives after a command was started, at most.
const LONGEST: Duration = Duration::from_millis(40);

#[test]
fn a_service_that_is_killed_takes_no_change_with_it() {
    let mut trial = Trial::begin("kill -9 of the service");
    let rounds = trial.times(4, 500);
    let mut store = Store::new();
    let (mut refreshed, mut alone, mut asked) = (0, 0, 0);
    for round in 0..rounds {
        store.htgate.serve();
        asked += store.ask();
        let deed = Deed::choose(&store.state, round);
        let mut command = store.htgate.spawn(&deed.arguments());
        let input = deed.input();
        let _ = command.stdin.take().unwrap().write_all(input.as_bytes());
        thread::sleep(LONGEST.mul_f64(fastrand::f64()));
        store.htgate.stop();
        let output = command.wait_with_output().unwrap();
        let ended = Ended {
            status: output.status.code(),
            printed: String::from_utf8(output.stdout).unwrap(),
        };
        // 69: the change is made, but the service did not say so.
        match ended.status {
            Some(0) => refreshed += 1,
            Some(69) => alone += 1,
            _ => panic!("{deed:?}: {}", String::from_utf8_lossy(&output.stderr)),
        }
        assert_eq!(store.found(&deed, &ended), Change::Whole, "{deed:?}");
        trial.progress(round, rounds);
    }
    trial.end(
        &format!(
            "{rounds} kills while a key changed: {refreshed} commands ended well, {alone} said \
             that the service didn't answer; {asked} questions after restarts"
        ),
        "every change there, every answer by it",
    );
}
