"""Amazon SQS, on the durable store."""
