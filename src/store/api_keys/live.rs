//! The keys as the running service asks for them: from memory, never older than promised.
//!
//! Records are remembered by a fingerprint of the presented key; what is remembered is who a key
//! belongs to, never whether it counts. Unknown keys are not remembered, so a flood of them
//! can't push out the known ones.
//!
//! A change reaches the service in two ways. The command that made it says so, and
//! [`ApiKeys::refresh`] forgets everything before the command returns. And [`ApiKeys::poll`],
//! called all the time, looks whether any process has changed the file.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use moka::sync::Cache;

use super::error::StoreError;
use super::last_use::{LastUse, LastUses};
use super::sqlite::{Followed, SqliteStore};
use crate::fingerprint::{AsItIs, Fingerprint, Fingerprinter};
use crate::identity::{ApiKey, ApiKeyRecord, Form, Pepper, Prefix};

/// How long a look-up waits for a lock on the file. It holds up an async worker.
const READ_PATIENCE: Duration = Duration::from_millis(50);

type Memory = Cache<Fingerprint, Arc<Known>, AsItIs>;

/// What is remembered of a key.
#[derive(Debug)]
pub struct Known {
    /// Whose it is.
    pub record: Arc<ApiKeyRecord>,
    pub(super) last_use: Arc<LastUse>,
}

impl Known {
    /// Notes that the key was used. Written by [`ApiKeys::flush_last_used`].
    pub fn note_use(&self, now: Timestamp) {
        self.last_use.note(now);
    }
}

/// All API keys, for the running service. Shared by its workers; nothing here is async. What is
/// remembered is found without a lock; what isn't is asked of the file, one look-up at a time.
pub struct ApiKeys {
    path: PathBuf,
    capacity: u64,
    offline_ttl: Duration,
    reader: Mutex<Reader>,
    /// Replaced as a whole, so that a look-up under way can't bring back what it read before.
    pub(super) memory: ArcSwap<Memory>,
    pub(super) fingerprinter: Fingerprinter,
    uses: LastUses,
    started: Instant,
    /// When the store last said whether something changed, in milliseconds after `started`.
    heard_ms: AtomicU64,
}

struct Reader {
    store: SqliteStore,
    /// The store's stamp when it was last asked.
    stamp: i64,
}

impl ApiKeys {
    /// Opens the store, or makes it, and remembers up to `capacity` keys of it.
    ///
    /// What is remembered is trusted for `offline_ttl` after the last [`poll`](Self::poll) or
    /// [`refresh`](Self::refresh) that the store answered.
    ///
    /// # Errors
    /// [`StoreError`], as [`SqliteStore::open`].
    pub fn open(
        path: &Path,
        pepper: Option<Pepper>,
        capacity: u64,
        offline_ttl: Duration,
    ) -> Result<Self, StoreError> {
        let started = Instant::now();
        let mut store = SqliteStore::open(path, pepper)?;
        store.wait_at_most(READ_PATIENCE)?;
        let stamp = store.stamp()?;
        Ok(Self {
            path: path.to_owned(),
            capacity,
            offline_ttl,
            reader: Mutex::new(Reader { store, stamp }),
            memory: ArcSwap::from_pointee(memory(capacity)),
            fingerprinter: Fingerprinter::random()?,
            uses: LastUses::default(),
            started,
            heard_ms: AtomicU64::new(0),
        })
    }

    /// Whose key this is, if it is known. Says nothing on whether it counts: ask the record.
    ///
    /// A typo in a key of ours, which have this prefix, is told by its checksum: there is nothing
    /// to ask the store.
    ///
    /// # Errors
    /// [`StoreError`] when the store must be asked and doesn't answer, or when it hasn't been
    /// heard of for longer than `offline_ttl`.
    pub fn lookup(&self, key: &ApiKey, prefix: &Prefix) -> Result<Option<Arc<Known>>, StoreError> {
        self.refuse_offline()?;
        let fingerprint = self.fingerprinter.of([key.expose_secret().as_bytes()]);
        // SECURITY: the memory is taken before the store is read, and what was read goes into
        // that very memory. If a key is revoked in between, the old record ends up in a memory
        // that nobody asks any more.
        let memory = self.memory.load();
        if let Some(known) = memory.get(&fingerprint) {
            return Ok(Some(known));
        }
        if key.form(prefix) == Form::Mistyped {
            return Ok(None);
        }
        let digest = key.digest();
        let Some(record) = self.ask(|reader| reader.store.find(&digest))? else {
            return Ok(None);
        };
        let last_use = self.uses.of(record.id);
        let record = Arc::new(record);
        let known = Arc::new(Known { record, last_use });
        memory.insert(fingerprint, Arc::clone(&known));
        Ok(Some(known))
    }

    /// Forgets what is remembered. Look-ups that begin after this has returned tell what the
    /// store held when it was called, or later.
    ///
    /// # Errors
    /// [`StoreError`] when the store doesn't answer. Everything is forgotten all the same.
    pub fn refresh(&self) -> Result<(), StoreError> {
        self.forget();
        self.poll()
    }

    /// Asks the store whether any process has changed it since last time, and if so forgets
    /// what is remembered. To be called every 100 ms; takes microseconds.
    ///
    /// # Errors
    /// [`StoreError`] when the store doesn't answer.
    pub fn poll(&self) -> Result<(), StoreError> {
        let asked = self.age_ms();
        self.ask(|reader| {
            let stamp = reader.store.stamp()?;
            if stamp != reader.stamp {
                reader.stamp = stamp;
                self.forget();
            }
            Ok(())
        })?;
        self.heard_ms.fetch_max(asked, Ordering::AcqRel);
        Ok(())
    }

    /// Writes when keys were last used, each key at most once per minute. To be called every
    /// minute and at the end. Waits for the disk: not on an async worker.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be written; it is kept for the next time.
    pub fn flush_last_used(&self) -> Result<(), StoreError> {
        self.uses.flush(&self.path)
    }

    fn refuse_offline(&self) -> Result<(), StoreError> {
        let heard = self.heard_ms.load(Ordering::Acquire);
        let silence = Duration::from_millis(self.age_ms().saturating_sub(heard));
        if silence > self.offline_ttl {
            return Err(StoreError::Offline {
                path: self.path.clone(),
                seconds: silence.as_secs(),
            });
        }
        Ok(())
    }

    fn forget(&self) {
        self.memory.store(Arc::new(memory(self.capacity)));
    }

    /// Asks the store, in the file that the path leads to now.
    ///
    /// What makes the memory old is found out, and the memory replaced, under one lock: nobody
    /// may find the first done and the second not.
    fn ask<T>(
        &self,
        question: impl FnOnce(&mut Reader) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if reader.store.follow()? == Followed::ToAnotherFile {
            self.forget();
        }
        question(&mut reader)
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// An empty memory.
fn memory(capacity: u64) -> Memory {
    Cache::builder()
        .max_capacity(capacity)
        .build_with_hasher(AsItIs::default())
}
