//! What commands did to keys, and what may be answered therefore.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use super::breaks::BOUND;
use crate::harness::nodes::Node;

/// So many keys are watched at once.
const WATCHED: usize = 60;

/// A secret that was printed, which means that it is stored.
pub(super) struct Entry {
    name: String,
    pub(super) key: String,
    /// A command was started that ends it.
    doubtful: AtomicBool,
    /// When that command has said that it is done, in nanoseconds of the ledger; 0 if not.
    ended: AtomicU64,
    /// On which node.
    by: AtomicUsize,
}

/// All of them.
pub(super) struct Ledger {
    begun: Instant,
    entries: Mutex<Vec<Arc<Entry>>>,
    /// Commands that said that they were done, and others.
    pub(super) acknowledged: AtomicU64,
    pub(super) uncertain: AtomicU64,
    made: AtomicU64,
}

impl Entry {
    fn is_active(&self) -> bool {
        !self.doubtful.load(SeqCst)
    }

    fn has_ended(&self) -> bool {
        self.ended.load(SeqCst) != 0
    }

    /// The only right answer, as long as no command is at work.
    pub(super) fn settled(&self) -> Option<u16> {
        match (self.is_active(), self.has_ended()) {
            (true, _) => Some(200),
            (false, true) => Some(401),
            (false, false) => None,
        }
    }

    /// What is wrong with an answer of this node to a request that was sent then.
    pub(super) fn fault(&self, node: usize, sent: u64, status: u16) -> Option<String> {
        let ended = self.ended.load(SeqCst);
        // Where the command ran, it counts when it has returned.
        let bound = if self.by.load(SeqCst) == node {
            Duration::ZERO
        } else {
            BOUND
        };
        let bound = ended + u64::try_from(bound.as_nanos()).unwrap();
        match status {
            200 if ended != 0 && sent > bound => Some(format!(
                "{} accepted by node {node} {:?} after its end",
                self.name,
                Duration::from_nanos(sent - ended)
            )),
            401 if self.is_active() => Some(format!("{} is lost on node {node}", self.name)),
            200 | 401 | 503 => None,
            _ => Some(format!("{}: {status} from node {node}", self.name)),
        }
    }
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            begun: Instant::now(),
            entries: Mutex::default(),
            acknowledged: AtomicU64::new(0),
            uncertain: AtomicU64::new(0),
            made: AtomicU64::new(0),
        }
    }

    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap()
    }

    pub(super) fn all(&self) -> Vec<Arc<Entry>> {
        self.entries.lock().unwrap().clone()
    }

    pub(super) fn any(&self) -> Option<Arc<Entry>> {
        let entries = self.entries.lock().unwrap();
        fastrand::choice(entries.iter()).cloned()
    }

    /// Runs one command on this node; whether it says that it is done.
    pub(super) fn command(&self, number: usize, node: &Node) -> bool {
        let entries = self.all();
        let active: Vec<_> = entries.iter().filter(|entry| entry.is_active()).collect();
        let chosen = fastrand::choice(&active).filter(|_| active.len() >= 10);
        let made = self.made.fetch_add(1, SeqCst);
        let (entry, words) = match (chosen, fastrand::u8(..5)) {
            (None, _) | (_, 0 | 1) => return self.create(&format!("k{made}"), node),
            (Some(entry), 2) => (entry, format!("rotate {} --grace 0s", entry.name)),
            (Some(entry), 3) => (entry, format!("delete {}", entry.name)),
            (Some(entry), _) => (entry, format!("revoke {}", entry.name)),
        };
        if entry.doubtful.swap(true, SeqCst) {
            return false; // the other node's command was quicker
        }
        entry.by.store(number, SeqCst);
        let printed = self.run(node, &words);
        if let Some(printed) = &printed {
            entry.ended.store(self.now(), SeqCst);
            if !printed.is_empty() {
                self.keep(&entry.name, printed);
            }
        }
        printed.is_some()
    }

    /// Makes a key; whether that is done.
    pub(super) fn create(&self, name: &str, node: &Node) -> bool {
        let create = format!("create --realm intranet --name {name}");
        let printed = self.run(node, &create);
        if let Some(key) = &printed {
            self.keep(name, key);
        }
        printed.is_some()
    }

    /// What a command printed, if it says that it is done.
    fn run(&self, node: &Node, words: &str) -> Option<String> {
        let words: Vec<_> = ["key"].into_iter().chain(words.split(' ')).collect();
        let ended = node.htgate.output(&words, "");
        let done = ended.status.success();
        let count = if done {
            &self.acknowledged
        } else {
            &self.uncertain
        };
        count.fetch_add(1, SeqCst);
        let printed = String::from_utf8(ended.stdout).unwrap();
        done.then(|| printed.trim_end().to_owned())
    }

    fn keep(&self, name: &str, key: &str) {
        let mut entries = self.entries.lock().unwrap();
        if entries.len() >= WATCHED {
            let oldest = entries.iter().position(|entry| !entry.is_active());
            entries.remove(oldest.unwrap_or(0));
        }
        entries.push(Arc::new(Entry {
            name: name.to_owned(),
            key: key.to_owned(),
            doubtful: AtomicBool::new(false),
            ended: AtomicU64::new(0),
            by: AtomicUsize::new(usize::MAX),
        }));
    }
}
