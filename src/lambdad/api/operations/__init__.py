"""One file per noun of the Lambda API."""
