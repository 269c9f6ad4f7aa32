//! The keys as the running service asks for them: from memory, never older than promised.
//!
//! Records are remembered by a fingerprint of the presented key; what is remembered is who a key
//! belongs to, never whether it counts. Unknown keys are not remembered, so a flood of them
//! can't push out the known ones.
//!
//! A change reaches the service in two ways. The command that made it says so, and
//! [`ApiKeys::refresh`] takes it up before the command returns. And the store is watched all the
//! time: a file by [`ApiKeys::poll`], a database by a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use moka::sync::Cache;

use super::error::StoreError;
use super::freshness::{Freshness, hash};
use super::last_use::{LastUse, LastUses};
use super::place::Place;
use super::postgres::Link;
use super::sqlite::{self, Reader};
use super::versions::Version;
use crate::fingerprint::{AsItIs, Fingerprint, Fingerprinter, LookCounts, Looks};
use crate::identity::{ApiKey, ApiKeyRecord, Form, Pepper, Prefix};

/// What is remembered of a key.
#[derive(Debug)]
pub struct Known {
    /// Whose it is.
    pub record: Arc<ApiKeyRecord>,
    /// `None`: it changed while it was read, and is not remembered.
    version: Option<Version>,
    last_use: Arc<LastUse>,
}

impl Known {
    /// Notes that the key was used. Written by [`ApiKeys::flush_last_used`].
    pub fn note_use(&self, now: Timestamp) {
        self.last_use.note(now);
    }
}

/// All API keys, for the running service. Shared by its workers. What is remembered is found
/// without a lock and without waiting; what isn't is asked of the store.
pub struct ApiKeys {
    place: Place,
    pepper: Option<Pepper>,
    offline_ttl: Duration,
    source: Source,
    pub(super) freshness: Arc<Freshness>,
    memory: Cache<Fingerprint, Arc<Known>, AsItIs>,
    fingerprinter: Fingerprinter,
    uses: LastUses,
    looks: LookCounts,
}

/// Who is asked for what isn't remembered.
enum Source {
    File(Box<Reader>),
    Server(Link),
}

impl ApiKeys {
    /// Opens the store, or makes it, and remembers up to `capacity` keys of it.
    ///
    /// What is remembered is trusted for `offline_ttl` after the store last answered whether
    /// something has changed. A database that is away now is waited for meanwhile; [`poll`](Self::poll) tells.
    ///
    /// # Errors
    /// [`StoreError`], when the store is there and can't be used.
    pub fn open(
        place: &Place,
        pepper: Option<Pepper>,
        capacity: u64,
        offline_ttl: Duration,
    ) -> Result<Self, StoreError> {
        let freshness = Arc::new(Freshness::new());
        let fingerprint = pepper.as_ref().map(Pepper::fingerprint);
        let follower = Arc::clone(&freshness);
        let source = match place {
            Place::Sqlite(file) => {
                sqlite::create_if_missing(file)?;
                Source::File(Box::new(Reader::open(file, fingerprint, follower)?))
            }
            Place::Postgres(url) => Source::Server(Link::start(url, fingerprint, follower)?),
        };
        Ok(Self {
            place: place.clone(),
            pepper,
            offline_ttl,
            source,
            freshness,
            memory: Cache::builder()
                .max_capacity(capacity)
                .build_with_hasher(AsItIs::default()),
            fingerprinter: Fingerprinter::random()?,
            uses: LastUses::default(),
            looks: LookCounts::default(),
        })
    }

    /// How often a key was remembered, and how many are.
    #[must_use]
    pub fn looks(&self) -> Looks {
        self.looks.looks(self.memory.entry_count())
    }

    /// Where the keys are.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether it was opened with this pepper.
    #[must_use]
    pub fn has_pepper(&self, pepper: Option<&Pepper>) -> bool {
        self.pepper.as_ref().map(Pepper::fingerprint) == pepper.map(Pepper::fingerprint)
    }

    /// Where the keys were moved to, if they are kept here no more. Not on an async worker.
    ///
    /// # Errors
    /// [`StoreError`] when the store doesn't answer.
    pub fn moved_to(&self) -> Result<Option<String>, StoreError> {
        self.poll()?;
        self.place.connect()?.rows().moved_to()
    }

    /// Whose key this is, if it is known. Says nothing on whether it counts: ask the record.
    ///
    /// A typo in a key of ours, which have this prefix, is told by its checksum: there is nothing
    /// to ask the store.
    ///
    /// # Errors
    /// [`StoreError`] when the store must be asked and doesn't answer, or when it hasn't been
    /// heard of for longer than `offline_ttl`.
    pub async fn lookup(
        &self,
        key: &ApiKey,
        prefix: &Prefix,
    ) -> Result<Option<Arc<Known>>, StoreError> {
        self.refuse_offline()?;
        let fingerprint = self.fingerprinter.of([key.expose_secret().as_bytes()]);
        if let Some(known) = self.memory.get(&fingerprint)
            && known
                .version
                .is_some_and(|version| self.freshness.versions.is_current(version))
        {
            self.looks.hit();
            return Ok(Some(known));
        }
        self.looks.miss();
        if key.form(prefix) == Form::Mistyped {
            return Ok(None);
        }
        // SECURITY: before the store is asked.
        let ticket = self.freshness.versions.ticket();
        let index = key.digest().index(self.pepper.as_ref());
        let found = match &self.source {
            Source::File(reader) => reader.find(&index)?,
            Source::Server(link) => link.find(index).await?,
        };
        let Some(record) = found else {
            return Ok(None);
        };
        let known = Arc::new(Known {
            version: self.freshness.versions.of(hash(&record.id), ticket),
            last_use: self.uses.of(record.id),
            record: Arc::new(record),
        });
        if known.version.is_some() {
            self.memory.insert(fingerprint, Arc::clone(&known));
        }
        Ok(Some(known))
    }

    /// Takes up every change that is in the store by now. Look-ups that begin after this has
    /// returned tell what the store held when it was called, or later.
    ///
    /// # Errors
    /// [`StoreError`] when the store doesn't answer. Then everything is forgotten.
    pub fn refresh(&self) -> Result<(), StoreError> {
        let caught_up = match &self.source {
            Source::File(reader) => reader.poll(),
            Source::Server(link) => link.catch_up(),
        };
        if caught_up.is_err() {
            self.freshness.versions.forget_all();
        }
        caught_up
    }

    /// Asks a file whether any process has changed it since last time, and if so forgets what is
    /// remembered. Tells whether a database, which is watched anyway, answers. To be called every
    /// 100 ms; takes microseconds.
    ///
    /// # Errors
    /// [`StoreError`] when the store doesn't answer.
    pub fn poll(&self) -> Result<(), StoreError> {
        match &self.source {
            Source::File(reader) => reader.poll(),
            Source::Server(link) => link.state(),
        }
    }

    /// Writes when keys were last used, each key at most once per minute. To be called every
    /// minute and at the end. Waits for the store: not on an async worker.
    ///
    /// # Errors
    /// [`StoreError`] when it can't be written; it is kept for the next time.
    pub fn flush_last_used(&self) -> Result<(), StoreError> {
        self.uses.flush(|uses| {
            if let Source::Server(link) = &self.source {
                link.state()?; // else it would be waited for again
            }
            // A connection of its own: look-ups don't wait for this.
            self.place.connect()?.write_last_used(uses)
        })
    }

    fn refuse_offline(&self) -> Result<(), StoreError> {
        let silence = self.freshness.silence();
        if silence > self.offline_ttl {
            return Err(StoreError::Offline {
                place: self.place.clone(),
                seconds: silence.as_secs(),
            });
        }
        Ok(())
    }
}
