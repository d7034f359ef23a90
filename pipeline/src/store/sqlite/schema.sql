-- Version 1. Times are microseconds since 1970, levels 0 (informational) to 4 (critical).

-- Objects that were read. The key is long and only asked for by equality, so its hash is the index.
CREATE TABLE ledger (
    number  INTEGER PRIMARY KEY,
    hash    BLOB    NOT NULL UNIQUE,
    key     TEXT    NOT NULL,
    source  TEXT    NOT NULL,
    records INTEGER NOT NULL,
    alerts  INTEGER NOT NULL,
    done    INTEGER NOT NULL
);
CREATE INDEX ledger_by_time ON ledger (done);

-- What is long stands last, so that looking for alerts does not read it.
CREATE TABLE alerts (
    number        INTEGER PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE,
    time          INTEGER NOT NULL, -- of the event; when it was raised if the event has none
    raised        INTEGER NOT NULL,
    level         INTEGER NOT NULL,
    rule          TEXT    NOT NULL,
    account       TEXT,
    fate          TEXT    NOT NULL,
    leader        TEXT    NOT NULL,
    suppressed_by TEXT,
    ack_by        TEXT,
    ack_at        TEXT,
    ack_note      TEXT,
    title         TEXT    NOT NULL,
    json          TEXT    NOT NULL
);
CREATE INDEX alerts_by_time ON alerts (time);
CREATE INDEX alerts_by_age ON alerts (raised);

-- Alerts that are one thing, and the keys under which a further one finds them.
CREATE TABLE groups (
    number INTEGER PRIMARY KEY,
    leader TEXT    NOT NULL UNIQUE REFERENCES alerts (id) ON DELETE CASCADE,
    json   TEXT    NOT NULL
);
CREATE TABLE group_keys (
    key    TEXT    NOT NULL,
    member INTEGER NOT NULL REFERENCES groups (number) ON DELETE CASCADE,
    PRIMARY KEY (key, member)
) WITHOUT ROWID;
CREATE INDEX group_keys_by_group ON group_keys (member);

CREATE TABLE rates (
    rule       TEXT    PRIMARY KEY,
    since      INTEGER NOT NULL,
    told       INTEGER NOT NULL,
    held_under TEXT
) WITHOUT ROWID;

CREATE TABLE words (
    rule TEXT PRIMARY KEY,
    json TEXT NOT NULL
);

CREATE TABLE rejects (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    hash     BLOB    NOT NULL UNIQUE, -- of everything but the times: an object read twice is one
    found    INTEGER NOT NULL,
    at       TEXT    NOT NULL,
    source   TEXT    NOT NULL,
    origin   TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    offset   INTEGER NOT NULL,
    detail   TEXT    NOT NULL,
    evidence TEXT    NOT NULL
);
CREATE INDEX rejects_by_time ON rejects (found);

-- What waits to be sent; what was sent is gone. Numbers are never used again: they are part of
-- what receivers drop repeats by.
CREATE TABLE outbox (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    sink     TEXT    NOT NULL,
    alert    TEXT    NOT NULL REFERENCES alerts (id),
    kind     TEXT    NOT NULL,
    is_dead  INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    due      INTEGER NOT NULL,
    queued   INTEGER NOT NULL,
    error    TEXT
);
CREATE INDEX outbox_in_order ON outbox (sink, is_dead, number, due, queued);
CREATE INDEX outbox_by_time ON outbox (sink, is_dead, due);
CREATE INDEX outbox_by_alert ON outbox (alert, sink, is_dead, number);

-- What sinks answered when an alert was told.
CREATE TABLE told (
    alert     TEXT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    sink      TEXT NOT NULL,
    reference TEXT NOT NULL,
    PRIMARY KEY (alert, sink)
) WITHOUT ROWID;

CREATE TABLE positions (
    sink     TEXT PRIMARY KEY,
    position TEXT NOT NULL
) WITHOUT ROWID;

-- How many rows there are, kept with them: counting millions every few seconds would be felt.
CREATE TABLE counts (
    what  TEXT    NOT NULL,
    name  TEXT    NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (what, name)
) WITHOUT ROWID;
