"""Application Auto Scaling, of Lambda's provisioned concurrency."""
