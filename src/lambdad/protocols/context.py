"""Who asks, and what is asked: what every operation of every service is given."""

from dataclasses import dataclass
from typing import Any

Members = dict[str, Any]
"""A request or an answer by the service model's member names; blobs are bytes, timestamps are seconds."""


@dataclass(frozen=True, slots=True)
class Context:
    """One request's identity."""

    account: str
    """12 digits: the access key id if it is 12 digits, else 000000000000."""
    region: str
    """From the credential scope."""
    request_id: str
    access_key: str | None
    endpoint: str
    """Where the caller reached us, e.g. `http://127.0.0.1:4566`: what Code.Location URLs start with."""
    trace_id: str | None = None
    """The trace header that came with the request: the SDKs in functions pass theirs on. Invoke reads it by itself."""
