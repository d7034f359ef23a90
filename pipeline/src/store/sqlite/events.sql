-- Version 3. Events for correlations of an input that has an end, in bundles. They are looked up by
-- part only then, so their index is made at that time.
CREATE TABLE events (
    number INTEGER PRIMARY KEY,
    part   INTEGER NOT NULL,
    bundle BLOB    NOT NULL
);
