-- min_reader: 1

-- In the order of a list, with whatever one is narrowed by, so that a page and its total need no job itself.
DROP INDEX jobs_listed;
CREATE INDEX jobs_listed ON jobs (number, status, tenant, kind, queue, created_at, created_by);

-- Exports are few among many jobs, and asked about most.
CREATE INDEX jobs_exports ON jobs (status, created_at, tenant, revision) WHERE kind = 'export';

-- What statistics need of each export, as it was at a revision: those that have changed since are read again first.
CREATE TABLE exports (
    number INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    status TEXT NOT NULL,
    format TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- Microseconds, rounded; -1 where there was no attempt, or it is not over.
    took INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    size INTEGER NOT NULL
) STRICT;
CREATE INDEX exports_by_revision ON exports (revision);
CREATE INDEX exports_alike ON exports (status, format, took, tenant, created_at, rows, size);

-- Sums over those whose jobs are deleted, by the day on which they were asked for, counted from the epoch.
CREATE TABLE exports_daily (
    day INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    status TEXT NOT NULL,
    format TEXT NOT NULL,
    took INTEGER NOT NULL,
    count INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (day, tenant, status, format, took)
) STRICT, WITHOUT ROWID;
