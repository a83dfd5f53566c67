"""The log of one environment: what its processes print, and the platform's lines around it.

Follows docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html. Lines printed become events line by line;
runtimes that frame their messages (0xA55A frames, as AWS's runtime clients write them) keep many-line messages whole. Both
come through the same pipe, so their order is the function's own.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from lambdad.environments.log_intake import LogIntake
from lambdad.environments.log_levels import level_of_event
from lambdad.environments.output_parser import OutputParser, TappedParser
from lambdad.observability.log_writer import LogEvent
from lambdad.resources.trace_header import read_header

Record = dict[str, object]
"""Of one of the platform's events."""
TAIL_BYTES = 4096
"""What LogType=Tail returns at most (API_Invoke)."""
_LIVE_DELAY = 0.2
"""Seconds until what is printed can be read by others, unless its invocation ends before."""
_READ = 65536
_PIECE = 16384
"""What is read in one go while the function runs on: other work of the event loop waits for so much at most."""
_MAX_READS = 16
"""All that a pipe can hold, however its writer widened it (pipe-max-size is 1 MB)."""


def read_piece(output: int, most: int) -> bytes:
    """What a pipe holds, as far as it goes; nothing: it is empty, or nobody writes any more."""
    try:
        return os.read(output, most)
    except BlockingIOError:
        return b""


class LogCapture:
    """Reads the pipe when told to, and gathers events until `publish` hands them to the log store."""

    __slots__ = (
        "_events",
        "_keeps",
        "_now",
        "_output",
        "_parser",
        "_publish",
        "_publishing",
        "_tail",
        "_tail_size",
        "intake",
    )

    def __init__(
        self,
        output: int,
        publish: Callable[[list[LogEvent]], None],
        now: Callable[[], float],
        intake: LogIntake,
        keeps: Callable[[bytes], bool] | None = None,
    ) -> None:
        """`keeps`: which of the printed messages; None: all."""
        self._output = output
        self._publish = publish
        self._now = now
        self.intake = intake
        self._keeps = keeps
        self._parser: OutputParser | TappedParser = OutputParser()
        self._events: list[LogEvent] = []
        self._tail: list[bytes] | None = None
        self._tail_size = 0
        self._publishing: asyncio.TimerHandle | None = None

    @property
    def tailing(self) -> bool:
        return self._tail is not None

    def listen(self, heard: Callable[[bytes], None] | None) -> None:
        """Of what the function prints from now on; None: no more."""
        plain = self._parser.parser if isinstance(self._parser, TappedParser) else self._parser
        self._parser = TappedParser(plain, heard) if heard is not None else plain

    def open(self) -> None:
        """From now on it is read whenever something is printed."""
        self.intake.open(self._output, self._take_piece)

    def close(self) -> None:
        """The last of it is taken and published."""
        self.intake.close(self._output)
        self.finish()
        self.publish()

    def drain(self) -> None:
        """Take what the pipe holds now, and not what a writer who goes on adds to it."""
        for _ in range(_MAX_READS):
            data = read_piece(self._output, _READ)
            if data:
                self.write_all(self._parser.feed(data))
            if len(data) < _READ:
                return

    def _take_piece(self) -> bool:
        """Something was printed. Others can read it soon, also during a long invocation. May there be more?"""
        data = read_piece(self._output, _PIECE)
        if data:
            self.write_all(self._parser.feed(data))
        more = len(data) == _PIECE
        if more:
            self.publish()
        else:
            self.publish_soon()
        return more

    def publish_soon(self) -> None:
        if self._publishing is None:
            self._publishing = asyncio.get_running_loop().call_later(_LIVE_DELAY, self._publish_late)

    def _publish_late(self) -> None:
        self._publishing = None
        self.publish()

    def finish(self) -> None:
        """Everything printed so far is taken, an unfinished line too."""
        self.drain()
        self.write_all(self._parser.flush())

    def write_all(self, messages: Sequence[bytes]) -> None:
        """What was printed."""
        if self._keeps is not None:
            messages = [message for message in messages if self._keeps(message)]
        if self._tail is not None:
            for message in messages:
                self.write(message)
        else:
            printed = int(self._now() * 1000)
            self._events += [LogEvent(printed, message.decode("utf-8", "replace")) for message in messages if message]

    def write(self, message: bytes) -> None:
        """One event, stamped now; nothing is none."""
        if not message:
            return
        self._events.append(LogEvent(int(self._now() * 1000), message.decode("utf-8", "replace")))
        if self._tail is not None:
            self._tail.append(message if message.endswith(b"\n") else message + b"\n")
            self._tail_size += len(message)
            while len(self._tail) > 1 and self._tail_size - len(self._tail[0]) > TAIL_BYTES:
                self._tail_size -= len(self._tail.pop(0))

    def begin_tail(self) -> None:
        self._tail = []
        self._tail_size = 0

    def end_tail(self) -> bytes:
        """The last 4 KB written since `begin_tail`."""
        tail, self._tail = self._tail or [], None
        return b"".join(tail)[-TAIL_BYTES:]

    def publish(self) -> None:
        if self._events:
            events, self._events = self._events, []
            self._publish(events)


@dataclass(frozen=True, slots=True)
class Report:
    """What the REPORT line says of one invocation."""

    request_id: str
    duration_ms: float
    billed_ms: int
    memory_size: int
    max_memory_used: int
    """MB."""
    init_ms: float | None
    """Only for the invocation that a cold start was for."""
    status: str | None
    """None when all went well, as AWS prints nothing then."""
    error_type: str | None
    restore_ms: float | None = None
    """Only for the invocation that a snapshot was restored for."""
    billed_restore_ms: int | None = None
    trace_id: str | None = None
    """The tracing header, of an invocation that is traced."""


class TextLines:
    """The platform's own lines in LogFormat Text, to the tab (trailing ones too) as AWS writes them; nothing: there is none."""

    @staticmethod
    def init_start(about: Record, now: float) -> bytes:
        runtime, arn = about["runtimeVersion"], about["runtimeVersionArn"]
        return f"INIT_START Runtime Version: {runtime}\tRuntime Version ARN: {arn}\n".encode()

    @staticmethod
    def runtime_initialised(
        init: Record, restored: bool, status: str | None, error_type: str | None, now: float
    ) -> bytes:
        return b""

    @staticmethod
    def init_report(init: Record, duration_ms: float, status: str | None, error_type: str | None, now: float) -> bytes:
        if status is None and init["initializationType"] != "snap-start":
            return b""
        failure = f"\tStatus: {status}" if status else ""
        error = f"\tError Type: {error_type}" if error_type else ""
        return f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\tPhase: {init['phase']}{failure}{error}\n".encode()

    @staticmethod
    def restore_start(about: Record, now: float) -> bytes:
        runtime, arn = about["runtimeVersion"], about["runtimeVersionArn"]
        return f"RESTORE_START Runtime Version: {runtime}\tRuntime Version ARN: {arn}\n".encode()

    @staticmethod
    def restore_report(duration_ms: float, status: str | None, error_type: str | None, now: float) -> bytes:
        failure = f"\tStatus: {status}" if status else ""
        error = f"\tError Type: {error_type}" if error_type else ""
        return f"RESTORE_REPORT Restore Duration: {duration_ms:.2f} ms{failure}{error}\n".encode()

    @staticmethod
    def start(request_id: str, version: str, now: float) -> bytes:
        return f"START RequestId: {request_id} Version: {version}\n".encode()

    @classmethod
    def ended(cls, report: Report, produced: int, now: float) -> tuple[bytes, bytes]:
        """The last of an invocation; `produced`: bytes of its answer."""
        return f"END RequestId: {report.request_id}\n".encode(), cls.report(report, now)

    @staticmethod
    def report(report: Report, now: float) -> bytes:
        init = f"Init Duration: {report.init_ms:.2f} ms\t" if report.init_ms is not None else ""
        if report.restore_ms is not None:
            init = f"Restore Duration: {report.restore_ms:.2f} ms\tBilled Restore Duration: {report.billed_restore_ms} ms\t"
        status = f"Status: {report.status}" if report.status else ""
        error = f"\tError Type: {report.error_type}" if report.error_type else ""
        return (
            f"REPORT RequestId: {report.request_id}\tDuration: {report.duration_ms:.2f} ms\t"
            f"Billed Duration: {report.billed_ms} ms\tMemory Size: {report.memory_size} MB\t"
            f"Max Memory Used: {report.max_memory_used} MB\t{init}{status}{error}\n{_traced(report.trace_id)}"
        ).encode()

    @staticmethod
    def extension(name: str, state: str, events: Sequence[str], error_type: str | None, now: float) -> bytes:
        error = f"\tError Type: {error_type}" if error_type else ""
        return f"EXTENSION\tName: {name}\tState: {state}\tEvents: [{','.join(events)}]{error}\n".encode()

    @staticmethod
    def subscription(api: str, name: str, state: str, types: Sequence[str], now: float) -> bytes:
        """`api`: telemetry or logs."""
        named = ", ".join(kind.capitalize() for kind in types)
        return f"{api.upper()}\tName: {name}\tState: {state}\tTypes: [{named}]\n".encode()


class JsonLines:
    """The same in LogFormat JSON: the Telemetry API's platform events from a level upwards, one document a line."""

    def __init__(self, least: int, tenant_id: str | None = None) -> None:
        self._least = least
        self._tenant: Record = of_tenant(tenant_id)

    def _line(self, kind: str, now: float, record: Record, error_type: str | None = None) -> bytes:
        if level_of_event(kind, record) < self._least:
            return b""
        if error_type:
            record["errorType"] = error_type
        return orjson.dumps({"time": stamp(now), "type": f"platform.{kind}", "record": record}) + b"\n"

    def init_start(self, about: Record, now: float) -> bytes:
        return self._line("initStart", now, about)

    def runtime_initialised(
        self, init: Record, restored: bool, status: str | None, error_type: str | None, now: float
    ) -> bytes:
        kind = "restoreRuntimeDone" if restored else "initRuntimeDone"
        return self._line(kind, now, {**init, "status": status or "success"}, error_type)

    def init_report(
        self, init: Record, duration_ms: float, status: str | None, error_type: str | None, now: float
    ) -> bytes:
        record = {**init, "status": status or "success", "metrics": {"durationMs": round(duration_ms, 3)}}
        return self._line("initReport", now, record, error_type)

    def restore_start(self, about: Record, now: float) -> bytes:
        return self._line("restoreStart", now, about)

    def restore_report(self, duration_ms: float, status: str | None, error_type: str | None, now: float) -> bytes:
        record: Record = {"status": status or "success", "metrics": {"durationMs": round(duration_ms, 3)}}
        return self._line("restoreReport", now, record, error_type)

    def start(self, request_id: str, version: str, now: float) -> bytes:
        return self._line("start", now, {"requestId": request_id, "version": version, **self._tenant})

    def ended(self, report: Report, produced: int, now: float) -> tuple[bytes, bytes]:
        return self.runtime_done(report, produced, now), self.report(report, now)

    def runtime_done(self, report: Report, produced: int, now: float) -> bytes:
        began = {"start": stamp(now - report.duration_ms / 1000), "durationMs": round(report.duration_ms, 3)}
        record: Record = {
            "requestId": report.request_id,
            "status": report.status or "success",
            "metrics": {"durationMs": round(report.duration_ms, 3), "producedBytes": produced},
            "spans": [{"name": "responseLatency", **began}],
            **self._tenant,
        }
        return self._line("runtimeDone", now, record, report.error_type)

    def report(self, report: Report, now: float) -> bytes:
        return self._line("report", now, {**report_record(report), **self._tenant})

    def extension(self, name: str, state: str, events: Sequence[str], error_type: str | None, now: float) -> bytes:
        return self._line("extension", now, {"name": name, "state": state, "events": list(events)}, error_type)

    def subscription(self, api: str, name: str, state: str, types: Sequence[str], now: float) -> bytes:
        return self._line(f"{api}Subscription", now, {"name": name, "state": state, "types": list(types)})


def _traced(trace_id: str | None) -> str:
    """A second line of REPORT."""
    if trace_id is None:
        return ""
    trace = read_header(trace_id)
    return f"XRAY TraceId: {trace.root}\tSegmentId: {trace.parent}\tSampled: true\t\n"


def of_tenant(tenant_id: str | None) -> Record:
    """What the platform's events of an invocation have besides, where the function isolates its tenants."""
    return {"tenantId": tenant_id} if tenant_id is not None else {}


def stamp(now: float) -> str:
    """As the platform's events have it."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def report_record(report: Report) -> Record:
    """The record of platform.report."""
    metrics: dict[str, object] = {"durationMs": round(report.duration_ms, 3), "billedDurationMs": report.billed_ms}
    metrics |= {"memorySizeMB": report.memory_size, "maxMemoryUsedMB": report.max_memory_used}
    if report.init_ms is not None:
        metrics["initDurationMs"] = round(report.init_ms, 3)
    if report.restore_ms is not None:
        metrics["restoreDurationMs"] = round(report.restore_ms, 3)
        metrics["billedRestoreDurationMs"] = report.billed_restore_ms
    record: Record = {"requestId": report.request_id, "metrics": metrics}
    record["status"] = report.status or "success"
    if report.error_type:
        record["errorType"] = report.error_type
    return record
