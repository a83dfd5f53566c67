-- How far a mapping has come in each shard of its stream.
CREATE TABLE stream_checkpoints (
    mapping TEXT NOT NULL,
    shard TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (mapping, shard)
);
