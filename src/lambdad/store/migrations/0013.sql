-- Traces: segment documents as they came, and of each trace what it is found by. Times are seconds since the epoch.
CREATE TABLE traces (
    id BIGINT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    began DOUBLE PRECISION NOT NULL,
    ended DOUBLE PRECISION NOT NULL,
    updated DOUBLE PRECISION NOT NULL,
    size BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    limited INTEGER NOT NULL,
    UNIQUE (account, region, trace_id)
);
CREATE INDEX traces_by_id_time ON traces (account, region, made_at, id);
CREATE INDEX traces_by_event_time ON traces (account, region, began, id);
CREATE INDEX traces_by_age ON traces (updated);

CREATE TABLE trace_segments (
    trace BIGINT NOT NULL,
    segment TEXT NOT NULL,
    in_progress INTEGER NOT NULL,
    size BIGINT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (trace, segment)
);

-- Which requests are traced, and named filter expressions.
CREATE TABLE sampling_rules (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);
CREATE TABLE trace_groups (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);
