-- Amazon SQS: queues by name, their messages, what FIFO queues know of groups and of messages sent before.
CREATE TABLE sqs_queues (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);

CREATE TABLE sqs_messages (
    id BIGINT PRIMARY KEY,
    queue BIGINT NOT NULL,
    group_id TEXT NOT NULL,
    visible_at DOUBLE PRECISION NOT NULL,
    receives INTEGER NOT NULL,
    receipt BIGINT NOT NULL,
    sent_at DOUBLE PRECISION NOT NULL,
    first_received_at DOUBLE PRECISION NOT NULL,
    message_id TEXT NOT NULL,
    body TEXT NOT NULL,
    attributes TEXT NOT NULL,
    system TEXT NOT NULL
);

CREATE INDEX sqs_messages_visible ON sqs_messages (queue, visible_at, id);

CREATE INDEX sqs_messages_of_group ON sqs_messages (queue, group_id, id);

CREATE TABLE sqs_groups (
    queue BIGINT NOT NULL,
    group_id TEXT NOT NULL,
    available_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (queue, group_id)
);

CREATE INDEX sqs_groups_available ON sqs_groups (queue, available_at);

CREATE TABLE sqs_deduplications (
    queue BIGINT NOT NULL,
    scope TEXT NOT NULL,
    deduplication_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    sequence_number BIGINT NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (queue, scope, deduplication_id)
);

CREATE INDEX sqs_deduplications_expiry ON sqs_deduplications (expires_at);

CREATE TABLE sqs_move_tasks (
    account TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);
