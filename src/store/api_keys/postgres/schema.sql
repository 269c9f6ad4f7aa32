-- API keys, format 1. Times are milliseconds since 1970-01-01T00:00:00Z. PostgreSQL 13 or later.

CREATE TABLE htgate.store (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    format   integer NOT NULL,
    changes  bigint NOT NULL DEFAULT 0, -- how often any key was changed or forgotten
    stamp    uuid NOT NULL DEFAULT gen_random_uuid(), -- another one after each of them
    pepper   text, -- fingerprint of the pepper the digests are made with
    moved_to text  -- where the keys are kept now, if not here
);

INSERT INTO htgate.store (format) VALUES (1);

CREATE TABLE htgate.keys (
    id        text COLLATE "C" PRIMARY KEY,
    name      text COLLATE "C" NOT NULL UNIQUE,
    realm     text COLLATE "C" NOT NULL,
    owner     text,
    scopes    text NOT NULL, -- separated by spaces
    networks  text NOT NULL, -- separated by spaces
    created   bigint NOT NULL,
    expires   bigint,
    revoked   bigint,
    last_used bigint
) WITH (fillfactor = 90); -- room to write last_used beside the row

-- For lists, of all keys and of a realm's, oldest first.
CREATE INDEX keys_by_age ON htgate.keys (created, id);
CREATE INDEX keys_of_realm ON htgate.keys (realm, created, id);

-- A key has one secret, and after a rotation some older ones, each with its end.
CREATE TABLE htgate.secrets (
    digest    bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    key_id    text COLLATE "C" NOT NULL REFERENCES htgate.keys (id) ON DELETE CASCADE ON UPDATE CASCADE,
    not_after bigint
);

CREATE INDEX secrets_of_key ON htgate.secrets (key_id);

-- Tells the nodes which key to forget. As triggers, so that a change made by any other means is
-- noticed too. What is new is remembered nowhere, and isn't told. Changes come one after the other,
-- for each holds the row of htgate.store until it is committed: so their numbers have no gaps.
CREATE FUNCTION htgate.tell() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told text;
BEGIN
    UPDATE htgate.store SET changes = changes + 1, stamp = gen_random_uuid()
        RETURNING changes || ' ' || stamp INTO told;
    IF TG_LEVEL = 'ROW' THEN
        told := told || ' ' || (to_jsonb(OLD) ->> TG_ARGV[0]);
    END IF;
    PERFORM pg_notify('htgate', told);
    RETURN NULL;
END
$$;

CREATE TRIGGER key_changed AFTER UPDATE OF
    id, name, realm, owner, scopes, networks, created, expires, revoked ON htgate.keys
    FOR EACH ROW EXECUTE FUNCTION htgate.tell('id');
CREATE TRIGGER key_deleted AFTER DELETE ON htgate.keys
    FOR EACH ROW EXECUTE FUNCTION htgate.tell('id');
CREATE TRIGGER keys_cleared AFTER TRUNCATE ON htgate.keys
    FOR EACH STATEMENT EXECUTE FUNCTION htgate.tell();
CREATE TRIGGER secret_changed AFTER UPDATE OR DELETE ON htgate.secrets
    FOR EACH ROW EXECUTE FUNCTION htgate.tell('key_id');
CREATE TRIGGER secrets_cleared AFTER TRUNCATE ON htgate.secrets
    FOR EACH STATEMENT EXECUTE FUNCTION htgate.tell();
