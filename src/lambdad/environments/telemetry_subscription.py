"""What an extension subscribes to: the body of PUT /telemetry (and of the older /logs), read and held to AWS's limits.

AWS: docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html, …/runtimes-logs-api.html#runtimes-logs-api-buffering
"""

import re
from dataclasses import dataclass

import orjson

SCHEMAS = {
    "telemetry": ("2022-07-01", "2022-12-13", "2025-01-29"),
    "logs": ("2020-08-15", "2021-03-18"),
}
OBJECTS_SINCE = "2022-12-13"
"""From this schema on, lines of a function that logs in JSON are objects."""
_TYPES = ("platform", "function", "extension")
_BUFFERING = {"maxItems": (1000, 10000, 10000), "maxBytes": (262144, 1048576, 262144), "timeoutMs": (25, 30000, 1000)}
"""The least, the most, and what it is unless told."""
_URI = re.compile(r"http://(sandbox(?:\.localdomain)?)(?::(\d{1,5}))?(/[\x21-\x7e]*)?")
_RUNTIME_API_PORT = 9001


class InvalidSubscription(ValueError):
    """The text says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Destination:
    """On the loopback of the extension's own sandbox."""

    protocol: str
    """HTTP or TCP."""
    port: int
    host: str = "sandbox.localdomain"
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Subscription:
    api: str
    """telemetry or logs."""
    schema: str
    types: tuple[str, ...]
    destination: Destination
    max_items: int
    max_bytes: int
    timeout: float
    """Seconds."""


def read_subscription(api: str, body: bytes) -> Subscription:
    """Raises InvalidSubscription."""
    try:
        document = orjson.loads(body)
    except ValueError as error:
        raise InvalidSubscription(f"Invalid JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidSubscription("a JSON object is expected")
    items, size, milliseconds = _buffering(document.get("buffering"))
    return Subscription(
        api,
        _schema(api, document.get("schemaVersion")),
        _types(document.get("types")),
        _destination(document.get("destination")),
        items,
        size,
        milliseconds / 1000,
    )


def _schema(api: str, given: object) -> str:
    known = SCHEMAS[api]
    if given is None and api == "logs":
        return known[0]
    if not isinstance(given, str) or given not in known:
        raise InvalidSubscription(f"schemaVersion must be one of {', '.join(known)}")
    return given


def _types(given: object) -> tuple[str, ...]:
    if not isinstance(given, list) or not given or any(kind not in _TYPES for kind in given):
        raise InvalidSubscription(f"types must be some of {', '.join(_TYPES)}")
    return tuple(dict.fromkeys(given))


def _destination(given: object) -> Destination:
    if not isinstance(given, dict):
        raise InvalidSubscription("destination is missing")
    if given.get("protocol") == "TCP":
        return Destination("TCP", _port(given.get("port")))
    if given.get("protocol") != "HTTP":
        raise InvalidSubscription("destination.protocol must be HTTP or TCP")
    uri = given.get("URI")
    found = _URI.fullmatch(uri) if isinstance(uri, str) else None
    if found is None:
        raise InvalidSubscription("destination.URI must be http://sandbox.localdomain:PORT, with a path if need be")
    return Destination("HTTP", _port(int(found[2] or 80)), found[1], found[3] or "/")


def _port(given: object) -> int:
    if type(given) is not int or not 0 < given < 65536 or given == _RUNTIME_API_PORT:
        raise InvalidSubscription(f"the port must be one from 1 to 65535, and not {_RUNTIME_API_PORT}")
    return given


def _buffering(given: object) -> tuple[int, int, int]:
    if given is None:
        given = {}
    if not isinstance(given, dict):
        raise InvalidSubscription("buffering must be an object")
    found = []
    for name, (least, most, default) in _BUFFERING.items():
        value = given.get(name, default)
        if type(value) is not int or not least <= value <= most:
            raise InvalidSubscription(f"buffering.{name} must be from {least} to {most}")
        found.append(value)
    return found[0], found[1], found[2]
