"""One invocation from arrival to answer."""
