"""The AWS wire: requests to operations, answers and errors to bytes, as AWS's service model says."""
