"""Amazon CloudWatch: metrics and alarms, on the stores of `observability` and `store`."""
