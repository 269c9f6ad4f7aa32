-- API keys, version 1. Times are milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE store (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    stamp  INTEGER NOT NULL, -- another random number after every change but of last_used
    pepper TEXT              -- fingerprint of the pepper the digests are made with
) STRICT;

INSERT INTO store (one, stamp) VALUES (1, random());

CREATE TABLE keys (
    id        TEXT PRIMARY KEY NOT NULL,
    name      TEXT NOT NULL UNIQUE,
    realm     TEXT NOT NULL,
    owner     TEXT,
    scopes    TEXT NOT NULL, -- separated by spaces
    networks  TEXT NOT NULL, -- separated by spaces
    created   INTEGER NOT NULL,
    expires   INTEGER,
    revoked   INTEGER,
    last_used INTEGER
) STRICT;

-- A key has one secret, and after a rotation some older ones, each with its end.
CREATE TABLE secrets (
    digest    BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
    key_id    TEXT NOT NULL REFERENCES keys (id) ON DELETE CASCADE ON UPDATE CASCADE,
    not_after INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX secrets_of_key ON secrets (key_id);

-- As triggers, so that a change made by any other means is noticed too.
CREATE TRIGGER key_added AFTER INSERT ON keys
    BEGIN UPDATE store SET stamp = random(); END;
CREATE TRIGGER key_changed AFTER UPDATE OF
    id, name, realm, owner, scopes, networks, created, expires, revoked ON keys
    BEGIN UPDATE store SET stamp = random(); END;
CREATE TRIGGER key_deleted AFTER DELETE ON keys
    BEGIN UPDATE store SET stamp = random(); END;
CREATE TRIGGER secret_added AFTER INSERT ON secrets
    BEGIN UPDATE store SET stamp = random(); END;
CREATE TRIGGER secret_changed AFTER UPDATE ON secrets
    BEGIN UPDATE store SET stamp = random(); END;
CREATE TRIGGER secret_deleted AFTER DELETE ON secrets
    BEGIN UPDATE store SET stamp = random(); END;
