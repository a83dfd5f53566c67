-- The last version that a deleted function has published: one of its name goes on from there.
CREATE TABLE published_numbers (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    number BIGINT NOT NULL,
    PRIMARY KEY (account, region, name)
);
