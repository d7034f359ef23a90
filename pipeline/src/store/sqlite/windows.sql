-- Version 2. Groups of correlations: what is kept of each from step to step.
CREATE TABLE windows (
    number      INTEGER PRIMARY KEY,
    key         TEXT    NOT NULL UNIQUE,
    correlation TEXT    NOT NULL,
    due         INTEGER NOT NULL, -- microseconds since 1970
    state       BLOB    NOT NULL
);
CREATE INDEX windows_by_due ON windows (due);
