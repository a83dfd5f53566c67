"""Amazon CloudWatch Logs, for what functions and clients write."""
