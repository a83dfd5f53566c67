"""Isolation drivers: namespaces, process; cgroups; network."""
