-- EventBridge: buses, rules (named bus/rule) with their targets, archives, replays.
CREATE TABLE event_buses (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);
CREATE TABLE event_rules (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);
CREATE TABLE event_archives (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);
CREATE TABLE event_replays (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);

-- When a scheduled rule has last fired: written with what that firing sends.
CREATE TABLE event_rule_firings (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    fired_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (account, region, name)
);

-- Events of archives, by the archive's number.
CREATE TABLE archived_events (
    id INTEGER PRIMARY KEY,
    archive INTEGER NOT NULL,
    time DOUBLE PRECISION NOT NULL,
    archived_at DOUBLE PRECISION NOT NULL,
    size INTEGER NOT NULL,
    event BLOB NOT NULL
);
CREATE INDEX archived_events_in_order ON archived_events (archive, time, id, size);
