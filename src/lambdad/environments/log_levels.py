"""How detailed a log in JSON is: the level of each of the platform's events, and of each line that a function prints.

AWS: docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html. Logs in plain text have no levels.
"""

from collections.abc import Callable, Mapping

import orjson

TRACE, DEBUG, INFO, WARN, ERROR, FATAL = range(6)
_LEVELS = {"TRACE": TRACE, "DEBUG": DEBUG, "INFO": INFO, "WARN": WARN, "ERROR": ERROR, "FATAL": FATAL}
_NAMED = _LEVELS | {"WARNING": WARN, "CRITICAL": FATAL}
"""Python's own names, too."""
_DETAILS = frozenset({"initRuntimeDone", "restoreRuntimeDone", "runtimeDone"})
_EMBEDDED_METRICS = "_aws"


def level_of_event(kind: str, record: Mapping[str, object]) -> int:
    """`kind`: what follows `platform.` in its type."""
    if record.get("status", "success") != "success" or kind == "logsDropped":
        return WARN
    if kind in _DETAILS:
        return DEBUG
    if kind == "initReport" and record["initializationType"] == "on-demand":
        return DEBUG
    if kind == "extension" and record["state"] != "Ready":
        return WARN
    return INFO


def level_of_line(line: bytes) -> int | None:
    """INFO unless it says otherwise; None: it is no JSON object, or a document of metrics, and always kept."""
    if not line.startswith(b"{"):
        return None
    try:
        found = orjson.loads(line)
    except ValueError:
        return None
    if _EMBEDDED_METRICS in found:
        return None
    level = found.get("level")
    return _NAMED.get(level.upper(), INFO) if isinstance(level, str) else INFO


def level_named(name: str | None) -> int:
    """Of a function's configuration; INFO unless it says otherwise."""
    return _LEVELS[name or "INFO"]


def line_filter(log_format: str, level: str | None) -> Callable[[bytes], bool] | None:
    """Whether a line that the function prints is kept, by its LogFormat and ApplicationLogLevel; None: all are."""
    least = level_named(level) if log_format == "JSON" else TRACE
    if least == TRACE:
        return None

    def keeps(line: bytes) -> bool:
        own = level_of_line(line)
        return own is None or own >= least

    return keeps
