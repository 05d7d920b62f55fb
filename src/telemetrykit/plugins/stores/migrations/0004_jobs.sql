-- min_reader: 1

-- A number is never given twice: the order of insertion, which is also that of jobs equal in rank.
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    queue TEXT NOT NULL,
    kind TEXT NOT NULL,
    tenant TEXT NOT NULL,
    status TEXT NOT NULL,
    priority INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL,
    stalled INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    cancelling INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    lease_until INTEGER,
    -- How long the lease was made for, so that one made before the clock went back is not believed for years.
    lease INTEGER,
    worker TEXT,
    timeout REAL,
    key TEXT,
    created_by TEXT,
    traceparent TEXT,
    -- That of the failure.
    fingerprint TEXT,
    params TEXT NOT NULL,
    progress TEXT,
    result TEXT,
    failure TEXT
) STRICT;

CREATE INDEX jobs_waiting ON jobs (queue, priority, run_at) WHERE status IN ('queued', 'retrying');
CREATE INDEX jobs_at_work ON jobs (queue, lease_until) WHERE status = 'processing';
CREATE INDEX jobs_over ON jobs (queue, status, finished_at, started_at) WHERE finished_at IS NOT NULL;
CREATE UNIQUE INDEX jobs_by_key ON jobs (tenant, queue, key)
    WHERE key IS NOT NULL AND status IN ('queued', 'processing', 'retrying');
CREATE UNIQUE INDEX jobs_by_revision ON jobs (revision);
CREATE INDEX jobs_by_failure ON jobs (fingerprint, tenant, status, finished_at) WHERE fingerprint IS NOT NULL;
-- Whatever a list is narrowed by, so that it need not read the jobs themselves.
CREATE INDEX jobs_listed ON jobs (tenant, queue, status, kind, created_at, created_by);

-- The highest revision ever given.
CREATE TABLE job_log (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    newest INTEGER NOT NULL
) STRICT;
INSERT INTO job_log (id, newest) VALUES (1, 0);

-- Queues that are paused or have a token bucket in use.
CREATE TABLE queues (
    name TEXT PRIMARY KEY,
    paused INTEGER NOT NULL,
    tokens REAL,
    tokens_at INTEGER
) STRICT, WITHOUT ROWID;
