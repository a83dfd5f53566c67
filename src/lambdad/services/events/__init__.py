"""Amazon EventBridge: buses, rules, targets, archives and replays, on the durable store."""
