-- Event source mappings and code signing configurations: one row each.
CREATE TABLE event_source_mappings (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    uuid TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, uuid)
);

CREATE TABLE code_signing_configs (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, id)
);
