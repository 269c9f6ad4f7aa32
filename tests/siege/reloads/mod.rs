//! Files that change under load: every answer follows from the old file or the new one, and from
//! the new one alone once that is acknowledged.

mod bad_files;
mod history;
mod questions;
mod ways;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use self::{
    questions::{Asker, CONFIGURATION, Changing, Files},
    ways::{Way, Written},
};
use crate::{
    harness::{eventually, program::Htgate},
    trial::Trial,
};

/// How many connections ask all the time.
const ASKERS: usize = 3;
/// How long passwords may wait behind those of users that seemed to be unknown.
const AFTERMATH: Duration = Duration::from_secs(3);
/// How long a change may take to be seen.
const PATIENCE: Duration = Duration::from_secs(10);

/// How it is known that a file is in force.
#[derive(Clone, Copy, Debug)]
enum Acknowledged {
    /// `htgate reload` has ended well.
    ByReload,
    /// It was asked for by SIGHUP, and the new file has answered.
    AfterHangup,
    /// Nothing was asked for, and the new file has answered.
    ByItself,
}

/// How long acknowledgments took at most, in the order above.
#[derive(Default)]
struct Slowest([Duration; 3]);

#[test]
fn every_answer_fits_the_old_file_or_the_new_one() {
    let mut trial = Trial::begin("reloads under load");
    let rounds = trial.times(24, 1_000);
    let files = Files::new();
    let text = [Changing::Users, Changing::Groups].map(|file| file.text(0));
    let names = ["users.htpasswd", "users.groups"];
    let mut htgate = Htgate::start(CONFIGURATION, &[(names[0], &text[0]), (names[1], &text[1])]);
    let paths = names.map(|name| htgate.path(name));
    let address = htgate.address;
    let (mut slowest, mut untested) = (Slowest::default(), Vec::new());
    under_load(&files, address, || {
        for round in 0..rounds {
            let started = Instant::now();
            let written = change(round, &files, &paths, &mut htgate, &mut slowest);
            if written == Written::HeldUp {
                untested.push(started..=Instant::now() + AFTERMATH);
            }
            trial.progress(round, rounds);
        }
    });
    let told = files.judge(&untested);
    assert!(
        untested.len() as u64 * 4 < rounds,
        "the writer came to nothing: {untested:?}"
    );
    assert!(
        told.new > 0 && told.old > 0,
        "no answer depended on the version"
    );
    let held_up = match untested.len() {
        0 => String::new(),
        n => format!("; {n} times the writer was held up itself, and answers aren't judged"),
    };
    let [reload, hangup, itself] = slowest.0.map(|took| took.as_millis());
    trial.end(
        &format!(
            "{rounds} changes of users and groups in {} ways, {} answers{held_up}",
            Way::ALL.len(),
            told.answers
        ),
        &format!(
            "0 answers fit neither file ({} fitted only the new one, {} only the old one), 0 \
             accepts of what was removed after the acknowledgment, {} refused as unavailable; in force after at most {reload} \
             ms by `htgate reload`, {hangup} ms by SIGHUP, {itself} ms by itself",
            told.new, told.old, told.unavailable
        ),
    );
}

/// Changes one of the files and waits until that is acknowledged.
fn change(
    round: u64,
    files: &Files,
    [users, groups]: &[PathBuf; 2],
    htgate: &mut Htgate,
    slowest: &mut Slowest,
) -> Written {
    let (kind, path) = match round / Way::ALL.len() as u64 % 3 {
        2 => (Changing::Groups, groups),
        _ => (Changing::Users, users),
    };
    let way = Way::ALL[usize::try_from(round).unwrap() % Way::ALL.len()];
    let history = files.history(kind);
    let text = kind.text(history.newest() + 1);
    // Somebody reloads while the file is half done.
    let hasty = matches!(way, Way::InPlaceSlowly).then(|| htgate.spawn(&["reload"]));
    let written = way.write(path, &text, || history.publish());
    let since = Instant::now();
    let how = match round % 5 {
        0 => Acknowledged::AfterHangup,
        1 => Acknowledged::ByItself,
        _ => Acknowledged::ByReload,
    };
    match how {
        Acknowledged::ByReload => drop(htgate.run(&["reload"], "")),
        Acknowledged::AfterHangup => htgate.process().signal("HUP"),
        Acknowledged::ByItself => {}
    }
    if !matches!(how, Acknowledged::ByReload) {
        let mut asker = Asker::new(files, htgate.address, 0);
        let seen = eventually(PATIENCE, || asker.sees_the_newest(kind));
        assert!(seen, "{way:?}, {how:?}: the change is not seen");
    }
    history.acknowledge();
    if let Some(hasty) = hasty {
        hasty.wait_with_output().unwrap();
    }
    if written == Written::InTime {
        let slowest = &mut slowest.0[how as usize];
        *slowest = since.elapsed().max(*slowest);
    }
    written
}

/// Does the work while questions are asked all the time.
fn under_load(files: &Files, htgate: SocketAddr, work: impl FnOnce()) {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for n in 0..ASKERS {
            let done = &done;
            scope.spawn(move || {
                let mut asker = Asker::new(files, htgate, n);
                while !done.load(Ordering::Relaxed) {
                    asker.ask();
                }
            });
        }
        // Also where the work fails: else they would ask on, and that never be told.
        let _end = EndOnDrop(&done);
        work();
    });
}

struct EndOnDrop<'a>(&'a AtomicBool);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
