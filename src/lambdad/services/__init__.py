"""The services beside Lambda that are our own, each on the same wire as AWS's."""
