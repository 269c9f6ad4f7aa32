//! A database with so many keys, which its server makes by itself.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use htgate::{
    identity::ApiKey,
    store::{ApiKeys, Place},
};

use crate::{
    harness::{
        nodes::Node,
        postgres::{OWNER, Postgres},
    },
    measures::timed,
    report::with_commas,
};

/// Room in memory for 10,000,000 keys, and no checkpoint or vacuum by itself meanwhile.
const SETTINGS: [&str; 6] = [
    "shared_buffers=6GB",
    "maintenance_work_mem=512MB",
    "max_wal_size=8GB",
    "checkpoint_timeout=1h",
    "full_page_writes=off",
    "autovacuum=off",
];

/// So many at a time.
const BATCH: u32 = 500_000;

/// A realm of ten keys; all others are in another.
pub(super) const SMALL: &str = "small";

/// htgate's defaults for `[cache]`.
const CAPACITY: u64 = 100_000;
const OFFLINE_TTL: Duration = Duration::from_secs(60);

/// The statements of htgate whose plans are shown: a part of each, and values for it.
const PLANS: [(&str, &str); 2] = [
    ("%s.digest = $1", "sha256('bench-key-777')"),
    ("%k.realm = $1 ORDER BY%", "'small', NULL"),
];

pub(super) struct Database {
    pub(super) keys: u32,
    pub(super) node: Node,
    server: Postgres,
}

impl Database {
    pub(super) fn of(keys: u32) -> Self {
        let server = Postgres::start_with(&SETTINGS, &[]);
        // Its first command makes the tables.
        let node = Node::prepare(&server.url(OWNER), "");
        node.key("list");
        let database = Self { keys, node, server };
        let time = timed(|| database.fill());
        let size = "SELECT pg_size_pretty(pg_database_size(current_database()))";
        eprintln!(
            "{} keys: {} after {time:.0?}",
            with_commas(keys.into()),
            database.server.value(size)
        );
        database
    }

    /// No two ids and digests lie beside each other, as if they were random.
    fn fill(&self) {
        for first in (1..=self.keys).step_by(BATCH as usize) {
            let last = (first + BATCH - 1).min(self.keys);
            let id = "substr(md5(n::text), 1, 6) || lpad(to_hex(n), 6, '0')";
            let every = self.keys / 10;
            // Without a look for each secret whether its key is there.
            self.server.query(&format!(
                "SET session_replication_role = replica;
                 INSERT INTO htgate.keys (id, name, realm, owner, scopes, networks, created)
                    SELECT {id}, 'key ' || n,
                        CASE n % {every} WHEN 0 THEN '{SMALL}' ELSE 'intranet' END,
                        'team ' || n % 1000, 'staff', '', 1700000000000 + n
                    FROM generate_series({first}, {last}) n;
                 INSERT INTO htgate.secrets (digest, key_id)
                    SELECT sha256(('bench-key-' || n)::bytea), {id}
                    FROM generate_series({first}, {last}) n"
            ));
        }
        self.server.query(
            "CREATE EXTENSION pg_stat_statements;
             VACUUM ANALYZE;
             CHECKPOINT",
        );
    }

    pub(super) fn url(&self) -> String {
        self.server.url(OWNER)
    }

    /// The store as a service opens it, and how long that took.
    pub(super) fn open(&self) -> (ApiKeys, Duration) {
        let place = Place::parse(&self.url(), |file| file.into()).unwrap();
        let started = Instant::now();
        let opened = ApiKeys::open(&place, None, CAPACITY, OFFLINE_TTL).unwrap();
        (opened, started.elapsed())
    }

    /// A statement that htgate has sent, by a part of it.
    pub(super) fn statement(&self, like: &str) -> String {
        self.server.value(&format!(
            "SELECT query FROM pg_stat_statements WHERE query LIKE '{like}' LIMIT 1"
        ))
    }

    /// What the server does to look a key up and to list the keys of the small realm, by the
    /// statements that htgate has sent.
    pub(super) fn plans(&self) -> String {
        let mut text = String::new();
        for (like, values) in PLANS {
            let statement = self.statement(like);
            let plan = self.server.query(&format!(
                "PREPARE it AS {statement};
                 EXPLAIN (ANALYZE, BUFFERS) EXECUTE it({values})"
            ));
            let plan: Vec<String> = plan.into_iter().map(|line| line.join("")).collect();
            writeln!(text, "```text\n{statement}\n\n{}\n```\n", plan.join("\n")).unwrap();
        }
        text
    }
}

/// A key that is there.
pub(super) fn key(number: u32) -> ApiKey {
    ApiKey::parse(format!("bench-key-{number}").as_bytes()).unwrap()
}
