-- Events are taken function by function, so that one with a long backlog does not hold up the others.
DROP INDEX events_due;

CREATE INDEX events_of_function ON events (account, region, name, due_at, id);

-- What became of an event, on its way to a destination or dead-letter queue.
CREATE TABLE deliveries (
    id BIGINT PRIMARY KEY,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    request_id TEXT NOT NULL,
    target TEXT NOT NULL,
    body BLOB NOT NULL,
    context TEXT NOT NULL,
    begun_at DOUBLE PRECISION NOT NULL,
    due_at DOUBLE PRECISION NOT NULL,
    attempts INTEGER NOT NULL
);

CREATE INDEX deliveries_due ON deliveries (due_at, id);
