"""What `lambdad cost` says of a function, beside what its log says."""

import json
import re
from decimal import Decimal
from typing import Any

from server import Server

MB_MS = Decimal(1024 * 1000)
"""Of a GB-second."""


def cost(server: Server, function: str | None = None, month: str | None = None) -> dict[str, Any]:
    """The document."""
    query = "&".join(f"{name}={value}" for name, value in (("function", function), ("month", month)) if value)
    status, body = server.get(f"/_lambdad/cost?{query}")
    assert status == 200, body
    document: dict[str, Any] = json.loads(body)
    return document


def used(server: Server, function: str) -> dict[str, Decimal]:
    """Quantity by line of the bill; nothing of a function that has used nothing."""
    functions = cost(server, function)["functions"]
    lines = functions[0]["x86_64"]["lines"] if functions else []
    return {line["line"]: Decimal(line["quantity"]) for line in lines if not line["line"].startswith("free tier")}


def reported(server: Server, function: str, request_id: str | None = None) -> list[tuple[int, int]]:
    """(billed milliseconds, MB) of each REPORT line, once there is one of that request."""
    lines = (
        server.wait_for_log(function, f"REPORT RequestId: {request_id}")
        if request_id
        else server.function_log(function)
    )
    pattern = re.compile(r"REPORT .*Billed Duration: (\d+) ms\tMemory Size: (\d+) MB")
    return [(int(match[1]), int(match[2])) for line in lines if (match := pattern.match(line))]


def gb_seconds(reports: list[tuple[int, int]]) -> Decimal:
    return sum((ms * mb for ms, mb in reports), Decimal(0)) / MB_MS
