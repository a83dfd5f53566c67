"""Every limit of the service, once, with AWS's defaults.

AWS: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

_MB = 1024 * 1024


def _request_with(zipped: int) -> int:
    """Bytes of a whole request with a zip of that size: in base64, and 256 KB for what else it says."""
    return -(-zipped * 4 // 3) + 256 * 1024


@dataclass(slots=True)
class Quotas:
    """Bytes unless said otherwise. Set once, before anything reads them (`set_quotas`)."""

    synchronous_payload: int = 6 * _MB
    asynchronous_payload: int = 1 * _MB
    response_payload: int = 6 * _MB + 100
    """AWS lets a response be this little larger: its own message names 6291556 bytes."""
    streamed_payload: int = 200 * _MB
    """A response that is streamed to its caller."""
    streamed_rate: int = 0
    """Bytes a second of such a response behind its first 6 MB: 2 MB of AWS's. 0, other than there: as fast as its caller reads."""
    zipped_code: int = 50 * _MB
    """Uploaded in a request."""
    create_request: int = _request_with(50 * _MB)
    """A whole CreateFunction or UpdateFunctionCode request; unless it is set, too, it follows `zipped_code`."""
    unzipped_code: int = 250 * _MB
    environment: int = 4 * 1024
    """All variables of a function as AWS measures them: their JSON document."""
    timeout: int = 900
    """Seconds. The model allows more, for managed instances."""
    memory_size: int = 10_240
    """MB."""
    ephemeral_storage: int = 10_240
    """MB."""
    function_name: int = 64
    """Characters of the name itself; the model's limit is that of an ARN."""
    shutdown: int = 2_000
    """Milliseconds that extensions have at the end of an environment: the runtime has the first 15 % of them, and where all
    extensions are internal a quarter is all there is."""
    layers: int = 5
    """Number per function."""
    filters: int = 5
    """Number per event source mapping."""
    tags: int = 50
    """Number per resource."""
    code_storage: int = 75 * 1024 * _MB
    """Of an account in a region."""
    unreserved_concurrency: int = 100
    """Concurrent executions of an account that cannot be reserved."""
    tenant_environments: int = 2500
    """Execution environments of a function that isolates its tenants, per 1,000 concurrent executions that it may have."""
    policy: int = 20 * 1024
    """One resource's document."""
    page: int = 50
    """Items in one answer of a list."""
    mappings_page: int = 100
    """Of that of event source mappings."""


QUOTAS: Final = Quotas()


def set_quotas(changes: Mapping[str, int]) -> None:
    """Raises ValueError for a name that is none."""
    names = {field.name for field in fields(Quotas)}
    for name, value in changes.items():
        if name not in names:
            raise ValueError(f"there is no quota {name!r}; there are {', '.join(sorted(names))}")
        setattr(QUOTAS, name, value)
    if "zipped_code" in changes and "create_request" not in changes:
        QUOTAS.create_request = _request_with(QUOTAS.zipped_code)
