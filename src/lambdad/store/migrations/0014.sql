-- Application Auto Scaling: scalable targets with their policies and scheduled actions, and what has been done about them.
CREATE TABLE scalable_targets (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE TABLE scaling_activities (
    id BIGINT PRIMARY KEY,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    resource TEXT NOT NULL,
    started_at DOUBLE PRECISION NOT NULL,
    document TEXT NOT NULL
);

CREATE INDEX scaling_activities_of_target ON scaling_activities (account, region, resource, id);
