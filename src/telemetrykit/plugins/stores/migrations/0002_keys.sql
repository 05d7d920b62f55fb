-- min_reader: 1

CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    principal TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_by_digest ON tokens (sha256);

CREATE TABLE workers (
    name TEXT PRIMARY KEY,
    details TEXT NOT NULL,
    seen_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A new holder means a new row, and AUTOINCREMENT gives no number twice: that makes it a fence.
CREATE TABLE leases (
    fence INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    holder TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
