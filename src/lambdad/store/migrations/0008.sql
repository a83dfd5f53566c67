-- Metrics: which there are, their datapoints in blocks (step 60: an hour of minutes, step 3600: a day of hours), and what has come
-- in since it was last put into blocks. `folded`: up to which row of the journal a metric's blocks have it.
CREATE TABLE metric_series (
    id BIGINT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    dimensions TEXT NOT NULL,
    unit TEXT NOT NULL,
    latest BIGINT NOT NULL,
    folded BIGINT NOT NULL
);

CREATE TABLE metric_blocks (
    series BIGINT NOT NULL,
    step INTEGER NOT NULL,
    start BIGINT NOT NULL,
    points BLOB NOT NULL,
    sketches BLOB NOT NULL,
    PRIMARY KEY (series, step, start)
);

CREATE INDEX metric_blocks_by_age ON metric_blocks (step, start);

CREATE TABLE metric_journal (
    id BIGINT PRIMARY KEY,
    points BLOB NOT NULL
);
-- Metric alarms: one row each, and what has become of them.
CREATE TABLE metric_alarms (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE TABLE alarm_history (
    id BIGINT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    occurred_at DOUBLE PRECISION NOT NULL,
    summary TEXT NOT NULL,
    data TEXT NOT NULL
);

CREATE INDEX alarm_history_of_alarm ON alarm_history (account, region, name, occurred_at);
