-- Format 2: keys may have been moved to another store, which `moved_to` names; they may not be
-- changed here any more.
ALTER TABLE store ADD COLUMN moved_to TEXT;
