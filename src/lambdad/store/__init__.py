"""Wished state: durable before it is acknowledged."""
