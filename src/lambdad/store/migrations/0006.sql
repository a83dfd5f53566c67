-- What AWS would bill: one row a day (UTC) per function, architecture and memory size. Whole numbers only.
CREATE TABLE usage_by_day (
    day TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    architecture TEXT NOT NULL,
    memory_mb INTEGER NOT NULL,
    requests BIGINT NOT NULL,
    billed_ms BIGINT NOT NULL,
    provisioned_requests BIGINT NOT NULL,
    provisioned_billed_ms BIGINT NOT NULL,
    provisioned_s BIGINT NOT NULL,
    ephemeral_mb_ms BIGINT NOT NULL,
    streamed_bytes BIGINT NOT NULL,
    snapshot_s BIGINT NOT NULL,
    restores BIGINT NOT NULL,
    PRIMARY KEY (account, region, day, name, architecture, memory_mb)
);

CREATE INDEX usage_of_day ON usage_by_day (day);

-- Provisioned concurrency and snapshots that cost something now, and how much of it is in usage_by_day already.
CREATE TABLE reservations (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    qualifier TEXT NOT NULL,
    architecture TEXT NOT NULL,
    memory_mb INTEGER NOT NULL,
    count INTEGER NOT NULL,
    since DOUBLE PRECISION NOT NULL,
    charged_s BIGINT NOT NULL,
    PRIMARY KEY (account, region, name, kind, qualifier)
);
