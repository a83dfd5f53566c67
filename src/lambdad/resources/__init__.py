"""The nouns of AWS Lambda and their rules. No I/O."""
