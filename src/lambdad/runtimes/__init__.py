"""Managed runtimes: what AWS calls them, where this host has them, how each starts."""
