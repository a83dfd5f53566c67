"""Logs, metrics, traces, billing."""
