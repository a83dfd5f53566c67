"""Event source mappings at work: what the API wishes is made so."""
