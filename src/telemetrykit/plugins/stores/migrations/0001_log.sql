-- min_reader: 1

-- Tenants, types and sources by number; a number is never given twice and never taken back.
CREATE TABLE names (
    code INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (kind, name)
) STRICT;

CREATE TABLE events (
    cursor INTEGER PRIMARY KEY,
    tenant INTEGER NOT NULL,
    type INTEGER NOT NULL,
    source INTEGER NOT NULL,
    time INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    recorded INTEGER NOT NULL,
    id TEXT NOT NULL,
    subject TEXT,
    trace_id BLOB,
    span_id BLOB,
    -- The flags of the traceparent where they are not 01; the whole of it where it is not version 00.
    traceparent ANY,
    extensions TEXT,
    -- The key of a foreign event in the table seen.
    dedupe INTEGER,
    data TEXT NOT NULL
) STRICT;

CREATE INDEX events_by_time ON events (tenant, time);
CREATE INDEX events_by_type ON events (tenant, type, time);
CREATE INDEX events_by_trace ON events (trace_id) WHERE trace_id IS NOT NULL;

-- The highest cursor ever given.
CREATE TABLE log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    newest INTEGER NOT NULL
) STRICT;
INSERT INTO log (id, newest) VALUES (1, 0);

-- The cursors that a batch was given, first and last.
CREATE TABLE batches (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE
) STRICT;

-- Where a foreign event is, by the first 63 bits of a hash of its source and id.
CREATE TABLE seen (
    hash INTEGER PRIMARY KEY,
    cursor INTEGER NOT NULL
) STRICT;

CREATE TABLE type_counts (
    tenant INTEGER NOT NULL,
    type INTEGER NOT NULL,
    count INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (tenant, type)
) STRICT, WITHOUT ROWID;
