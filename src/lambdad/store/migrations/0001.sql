-- Functions: one row per function, one per version; what is only answered, never searched for, is a JSON document.
CREATE TABLE functions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE TABLE function_versions (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name, version)
);

-- Asynchronous events that are accepted and not settled.
CREATE TABLE events (
    id BIGINT PRIMARY KEY,
    request_id TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    qualifier TEXT,
    payload BLOB NOT NULL,
    client_context TEXT,
    trace_id TEXT,
    accepted_at DOUBLE PRECISION NOT NULL,
    due_at DOUBLE PRECISION NOT NULL,
    errors INTEGER NOT NULL,
    throttles INTEGER NOT NULL
);

CREATE INDEX events_due ON events (due_at);
