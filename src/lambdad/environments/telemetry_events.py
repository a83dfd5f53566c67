"""What subscribers are told, in the schemas of the Telemetry API and of the older Logs API.

AWS: docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html, …/runtimes-logs-api.html. Events are made once and
written for each schema that somebody subscribed with.
"""

from dataclasses import dataclass

import orjson

from lambdad.environments.log_capture import Record, Report, report_record, stamp
from lambdad.environments.telemetry_subscription import OBJECTS_SINCE, Subscription

PLATFORM, FUNCTION, EXTENSION = "platform", "function", "extension"


@dataclass(frozen=True, slots=True)
class TelemetryEvent:
    category: str
    """As subscribed to."""
    time: float
    """Seconds since the epoch."""
    telemetry: tuple[str, Record | str] | None
    """Its type and record in the Telemetry API; None where that has no such event."""
    logs: tuple[str, Record | str] | None
    """The same in the Logs API."""

    def written_for(self, subscription: Subscription, json_lines: bool) -> bytes | None:
        """`json_lines`: the function logs in JSON, and newer schemas have its lines as objects."""
        told = self.telemetry if subscription.api == "telemetry" else self.logs
        if told is None:
            return None
        kind, record = told
        if json_lines and kind == FUNCTION and subscription.schema >= OBJECTS_SINCE and isinstance(record, str):
            record = _object_of(record)
        return orjson.dumps({"time": stamp(self.time), "type": kind, "record": record})


def _object_of(line: str) -> Record | str:
    try:
        found = orjson.loads(line)
    except ValueError:
        return line
    return found if isinstance(found, dict) else line


def printed(category: str, message: bytes, now: float) -> TelemetryEvent:
    """A line of the function's, or of an extension's."""
    record = message.decode("utf-8", "replace")
    return TelemetryEvent(category, now, (category, record), (category, record))


def _platform(now: float, kind: str, record: Record) -> TelemetryEvent:
    """One that only the Telemetry API has."""
    return TelemetryEvent(PLATFORM, now, (f"platform.{kind}", record), None)


def _both(now: float, kind: str, record: Record, logs: Record) -> TelemetryEvent:
    name = f"platform.{kind}"
    return TelemetryEvent(PLATFORM, now, (name, record), (name, logs))


def tracing(trace_id: str) -> Record:
    return {"tracing": {"type": "X-Amzn-Trace-Id", "value": trace_id}} if trace_id else {}


def span(name: str, start: float, duration_ms: float) -> Record:
    """`start` in seconds since the epoch."""
    return {"name": name, "start": stamp(start), "durationMs": round(duration_ms, 3)}


def init_start(now: float, restored: bool, about: Record) -> TelemetryEvent:
    return _platform(now, "restoreStart" if restored else "initStart", about)


def init_runtime_done(now: float, restored: bool, about: Record, status: str, error_type: str | None) -> TelemetryEvent:
    record = {**about, "status": status, **({"errorType": error_type} if error_type else {})}
    return _platform(now, "restoreRuntimeDone" if restored else "initRuntimeDone", record)


def init_report(
    now: float, restored: bool, about: Record, duration_ms: float, status: str, error_type: str | None
) -> TelemetryEvent:
    record: Record = {**about, "status": status, "metrics": {"durationMs": round(duration_ms, 3)}}
    if error_type:
        record["errorType"] = error_type
    return _platform(now, "restoreReport" if restored else "initReport", record)


def start(now: float, request_id: str, version: str, trace_id: str, tenant: Record) -> TelemetryEvent:
    plain: Record = {"requestId": request_id, "version": version, **tenant}
    return _both(now, "start", {**plain, **tracing(trace_id)}, plain)


def runtime_done(
    now: float,
    request_id: str,
    trace_id: str,
    status: str,
    error_type: str | None,
    metrics: Record,
    spans: list[Record],
    tenant: Record,
) -> TelemetryEvent:
    plain: Record = {"requestId": request_id, "status": status, **tenant}
    record: Record = {**plain, "metrics": metrics, "spans": spans, **tracing(trace_id)}
    if error_type:
        record["errorType"] = error_type
    return _both(now, "runtimeDone", record, plain)


def end(now: float, request_id: str) -> TelemetryEvent:
    return TelemetryEvent(PLATFORM, now, None, ("platform.end", {"requestId": request_id}))


def report(now: float, made: Report, trace_id: str, spans: list[Record], tenant: Record) -> TelemetryEvent:
    record = {**report_record(made), **tenant}
    plain = {"requestId": made.request_id, "metrics": record["metrics"], **tenant}
    return _both(now, "report", {**record, "spans": spans, **tracing(trace_id)}, plain)


def fault(now: float, message: str) -> TelemetryEvent:
    return TelemetryEvent(PLATFORM, now, None, ("platform.fault", message))


def extension(now: float, name: str, state: str, events: tuple[str, ...], error_type: str | None) -> TelemetryEvent:
    record: Record = {"name": name, "state": state, "events": list(events)}
    if error_type:
        record["errorType"] = error_type
    return _both(now, "extension", record, record)


def subscribed(now: float, name: str, subscription: Subscription) -> TelemetryEvent:
    record: Record = {"name": name, "state": "Subscribed", "types": list(subscription.types)}
    told = f"platform.{subscription.api}Subscription", record
    return TelemetryEvent(PLATFORM, now, *((told, None) if subscription.api == "telemetry" else (None, told)))


def logs_dropped(now: float, records: int, size: int, reason: str) -> TelemetryEvent:
    record: Record = {"reason": reason, "droppedRecords": records, "droppedBytes": size}
    return _both(now, "logsDropped", record, record)
