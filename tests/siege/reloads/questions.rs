//! The files that change, what is asked meanwhile, and what their versions answer to it.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    ops::RangeInclusive,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha1::{Digest as _, Sha1};

use super::history::History;
use crate::harness::{
    http::{Connection, Response, request},
    site::basic,
};

pub(super) const CONFIGURATION: &str = r#"
[realms.intranet]
title = "Example intranet"
htpasswd = "users.htpasswd"
groups = "users.groups"

[policies.members]
realm = "intranet"

[policies.staff]
realm = "intranet"
require = ["group staff"]

[throttle]
failures = 0
"#;

/// Users that stand in the way of those who matter, so that writing takes its time.
const OTHERS: usize = 25;
/// The password of everybody whose password stays, and its hash: bcrypt at its lowest cost.
const SAME: &str = "same";
const SAME_HASH: &str = "$2y$04$y7bKPziBdnqZQtVxuV7s9.UZVWpu0zFHhOoNahVUPtCS6Mu6L9yYS";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changing {
    Users,
    Groups,
}

impl Changing {
    /// A version of the file. Half of one locks out `last`, or lets in `anna`.
    pub(super) fn text(self, version: usize) -> String {
        let mut text = String::new();
        let even = version.is_multiple_of(2);
        match self {
            Self::Users => {
                let digest = BASE64_STANDARD.encode(Sha1::digest(turning(version)));
                writeln!(text, "turning:{{SHA}}{digest}").unwrap();
                let flipping = even.then(|| "flipping".to_owned());
                let others = (0..OTHERS).map(|n| format!("user{n}"));
                let last = ["anna", "last"].map(str::to_owned);
                for name in flipping.into_iter().chain(others).chain(last) {
                    writeln!(text, "{name}:{SAME_HASH}").unwrap();
                }
            }
            Self::Groups => {
                let other = |n| format!("others: user{n}\n");
                text.extend((0..OTHERS).map(other));
                text.push_str(if even { "staff: last\n" } else { "# nobody\n" });
                text.push_str("staff: annabel");
            }
        }
        text
    }
}

/// The password that `turning` has in this version.
fn turning(version: usize) -> String {
    format!("turn {version}")
}

/// The files with their pasts, and what was found.
pub(super) struct Files {
    users: History,
    groups: History,
    answers: AtomicU64,
    /// Answers that no password could be verified at the moment: no decision, and never a yes.
    unavailable: AtomicU64,
    /// Answers that followed from the newest version and no other, and from the one before it.
    told: [AtomicU64; 2],
    wrong: Mutex<Vec<Wrong>>,
}

/// An answer that fits no version it may follow from.
#[derive(Debug)]
struct Wrong {
    sent: Instant,
    answered: Instant,
    text: String,
}

pub(super) struct Told {
    pub(super) answers: u64,
    pub(super) unavailable: u64,
    pub(super) new: u64,
    pub(super) old: u64,
}

impl Files {
    pub(super) fn new() -> Self {
        Self {
            users: History::new(),
            groups: History::new(),
            answers: AtomicU64::default(),
            unavailable: AtomicU64::default(),
            told: Default::default(),
            wrong: Mutex::default(),
        }
    }

    pub(super) fn history(&self, file: Changing) -> &History {
        match file {
            Changing::Users => &self.users,
            Changing::Groups => &self.groups,
        }
    }

    /// Fails if there was a wrong answer, other than in these times.
    pub(super) fn judge(self, untested: &[RangeInclusive<Instant>]) -> Told {
        let mut wrong = self.wrong.into_inner().unwrap();
        wrong.retain(|wrong| {
            let tested = |time: &RangeInclusive<_>| {
                wrong.answered < *time.start() || wrong.sent > *time.end()
            };
            untested.iter().all(tested)
        });
        let texts: Vec<&str> = wrong.iter().map(|wrong| &*wrong.text).collect();
        assert!(wrong.is_empty(), "{} wrong: {texts:#?}", wrong.len());
        let [new, old] = self.told.map(AtomicU64::into_inner);
        Told {
            answers: self.answers.into_inner(),
            unavailable: self.unavailable.into_inner(),
            new,
            old,
        }
    }
}

/// What is asked, and what each version answers.
struct Question {
    file: Changing,
    target: &'static str,
    who: (&'static str, String),
    expected: fn(usize, &str) -> u16,
}

impl Question {
    /// One of them all; passwords are of a version about the newest one.
    fn of(number: usize, newest: usize) -> Self {
        let same = |name, expected| Self {
            file: Changing::Users,
            target: "/auth-request/members",
            who: (name, SAME.to_owned()),
            expected,
        };
        let staff = |name, expected| Self {
            file: Changing::Groups,
            target: "/auth-request/staff",
            ..same(name, expected)
        };
        match number % 7 {
            0 => same("last", |_, _| 200),
            1 => same("flipping", |version, _| {
                if version.is_multiple_of(2) { 200 } else { 401 }
            }),
            2 => staff(
                "last",
                |version, _| if version.is_multiple_of(2) { 200 } else { 403 },
            ),
            3 => staff("anna", |_, _| 403),
            number => Self {
                who: ("turning", turning((newest + number).saturating_sub(5))),
                ..same("turning", |version, password| {
                    if password == turning(version) {
                        200
                    } else {
                        401
                    }
                })
            },
        }
    }
}

/// One connection.
pub(super) struct Asker<'f> {
    files: &'f Files,
    connection: Connection,
    number: usize,
}

impl<'f> Asker<'f> {
    pub(super) fn new(files: &'f Files, htgate: SocketAddr, number: usize) -> Self {
        let connection = Connection::open(htgate);
        Self {
            files,
            connection,
            number,
        }
    }

    /// Asks the next question, and holds the answer against what it may follow from.
    pub(super) fn ask(&mut self) {
        self.number += 1;
        let question = Question::of(self.number, self.files.users.newest());
        let history = self.files.history(question.file);
        let sent = Instant::now();
        let answer = self.answer(question.target, (question.who.0, &question.who.1));
        let (status, answered) = (answer.status, Instant::now());
        if answer.all("X-Auth-Status") == ["503"] {
            self.files.unavailable.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let possible = history.possible(sent, answered);
        let fits = |version| (question.expected)(version, &question.who.1) == status;
        self.files.answers.fetch_add(1, Ordering::Relaxed);
        match (
            fits(*possible.end()),
            fits(possible.end().saturating_sub(1)),
        ) {
            (true, false) => drop(self.files.told[0].fetch_add(1, Ordering::Relaxed)),
            (false, true) if possible.start() < possible.end() => {
                self.files.told[1].fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
        if !possible.clone().any(fits) {
            let text = format!("{status} for {:?} in {possible:?}", question.who);
            let mut wrong = self
                .files
                .wrong
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            wrong.push(Wrong {
                sent,
                answered,
                text,
            });
        }
    }

    /// Whether the newest version answers.
    pub(super) fn sees_the_newest(&mut self, file: Changing) -> bool {
        let newest = self.files.history(file).newest();
        match file {
            Changing::Users => {
                let who = ("turning", &*turning(newest));
                self.answer("/auth-request/members", who).status == 200
            }
            Changing::Groups => {
                let staff = self.answer("/auth-request/staff", ("last", SAME)).status == 200;
                staff == newest.is_multiple_of(2)
            }
        }
    }

    fn answer(&mut self, target: &str, who: (&str, &str)) -> Response {
        let authorization = basic(who);
        let headers = [("Host", "htgate"), ("Authorization", &*authorization)];
        let question = request("GET", target, &headers, b"");
        self.connection.ask(&question).unwrap()
    }
}
