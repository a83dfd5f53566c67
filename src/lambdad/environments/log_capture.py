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
from lambdad.observability.log_writer import LogEvent

TAIL_BYTES = 4096
"""What LogType=Tail returns at most (API_Invoke)."""
MAX_EVENT = 256 * 1024
"""CloudWatch Logs' limit of one event; longer lines are cut into several."""

_LIVE_DELAY = 0.2
"""Seconds until what is printed can be read by others, unless its invocation ends before."""
_MAGIC = b"\xa5\x5a\x00"
_FRAME_HEAD = 16
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


class OutputParser:
    """Bytes as they come from the pipe → complete messages. Keeps at most one unfinished line or frame."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Messages completed by `data`, in order; lines keep their newline, frames are as they were framed."""
        if self._rest:
            data = self._rest + data
            self._rest = b""
        messages: list[bytes] = []
        while data:
            at = data.find(_MAGIC)
            if at < 0:
                self._rest = _split_lines(data, messages)
                break
            if at:
                unfinished = _split_lines(data[:at], messages)
                if unfinished:
                    messages.append(unfinished)
            length = int.from_bytes(data[at + 4 : at + 8], "big")
            end = at + _FRAME_HEAD + length
            if len(data) - at < _FRAME_HEAD and len(data) - at < _READ:
                self._rest = data[at:]
                break
            if length > MAX_EVENT:  # forged or torn: bytes like any others
                messages.append(data[at : at + _FRAME_HEAD])
                data = data[at + _FRAME_HEAD :]
                continue
            if len(data) < end:
                self._rest = data[at:]
                break
            messages.append(data[at + _FRAME_HEAD : end])
            data = data[end:]
        if len(self._rest) > MAX_EVENT + _FRAME_HEAD:
            messages.append(self._rest)
            self._rest = b""
        return messages

    def flush(self) -> list[bytes]:
        """What is left of an unfinished line: a process that prints no newline has said it all the same."""
        rest, self._rest = self._rest, b""
        return [rest] if rest else []


class TappedParser:
    """The same, and someone hears of each message."""

    __slots__ = ("_heard", "parser")

    def __init__(self, parser: OutputParser, heard: Callable[[bytes], None]) -> None:
        self.parser = parser
        self._heard = heard

    def feed(self, data: bytes) -> list[bytes]:
        return self._told(self.parser.feed(data))

    def flush(self) -> list[bytes]:
        return self._told(self.parser.flush())

    def _told(self, messages: list[bytes]) -> list[bytes]:
        for message in messages:
            self._heard(message)
        return messages


def _split_lines(text: bytes, messages: list[bytes]) -> bytes:
    """Append the complete lines of `text` to `messages`; return what follows the last newline."""
    lines = text.split(b"\n")
    rest = lines.pop()
    for line in lines:
        if len(line) < MAX_EVENT:
            messages.append(line + b"\n")
        else:
            messages.extend(line[i : i + MAX_EVENT] for i in range(0, len(line), MAX_EVENT))
    return rest


class LogCapture:
    """Reads the pipe when told to, and gathers events until `publish` hands them to the log store."""

    __slots__ = ("_events", "_now", "_output", "_parser", "_publish", "_publishing", "_tail", "_tail_size", "intake")

    def __init__(
        self,
        output: int,
        publish: Callable[[list[LogEvent]], None],
        now: Callable[[], float],
        intake: LogIntake,
    ) -> None:
        self._output = output
        self._publish = publish
        self._now = now
        self.intake = intake
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
        if self._tail is not None:
            for message in messages:
                self.write(message)
        else:
            stamp = int(self._now() * 1000)
            self._events += [LogEvent(stamp, message.decode("utf-8", "replace")) for message in messages]

    def write(self, message: bytes) -> None:
        """One event, stamped now."""
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


class TextLines:
    """The platform's own lines in LogFormat Text, to the tab (trailing ones too) as AWS writes them."""

    @staticmethod
    def init_start(runtime: str, runtime_arn: str, now: float, initialization_type: str = "on-demand") -> bytes:
        return f"INIT_START Runtime Version: {runtime}\tRuntime Version ARN: {runtime_arn}\n".encode()

    @staticmethod
    def init_report(
        duration_ms: float,
        phase: str,
        status: str | None,
        error_type: str | None,
        now: float,
        initialization_type: str = "on-demand",
    ) -> bytes:
        failure = f"\tStatus: {status}" if status else ""
        error = f"\tError Type: {error_type}" if error_type else ""
        return f"INIT_REPORT Init Duration: {duration_ms:.2f} ms\tPhase: {phase}{failure}{error}\n".encode()

    @staticmethod
    def restore_start(runtime: str, runtime_arn: str, now: float) -> bytes:
        return f"RESTORE_START Runtime Version: {runtime}\tRuntime Version ARN: {runtime_arn}\n".encode()

    @staticmethod
    def restore_report(duration_ms: float, status: str | None, error_type: str | None, now: float) -> bytes:
        failure = f"\tStatus: {status}" if status else ""
        error = f"\tError Type: {error_type}" if error_type else ""
        return f"RESTORE_REPORT Restore Duration: {duration_ms:.2f} ms{failure}{error}\n".encode()

    @staticmethod
    def start(request_id: str, version: str, now: float) -> bytes:
        return f"START RequestId: {request_id} Version: {version}\n".encode()

    @staticmethod
    def end(request_id: str, now: float) -> bytes:
        return f"END RequestId: {request_id}\n".encode()

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
            f"Max Memory Used: {report.max_memory_used} MB\t{init}{status}{error}\n"
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
    """The same in LogFormat JSON: the Telemetry API's platform events, one document a line."""

    @staticmethod
    def _line(kind: str, now: float, record: dict[str, object]) -> bytes:
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        return orjson.dumps({"time": stamp, "type": f"platform.{kind}", "record": record}) + b"\n"

    @classmethod
    def init_start(cls, runtime: str, runtime_arn: str, now: float, initialization_type: str = "on-demand") -> bytes:
        record = {"initializationType": initialization_type, "phase": "init"}
        return cls._line("initStart", now, {**record, "runtimeVersion": runtime, "runtimeVersionArn": runtime_arn})

    @classmethod
    def init_report(
        cls,
        duration_ms: float,
        phase: str,
        status: str | None,
        error_type: str | None,
        now: float,
        initialization_type: str = "on-demand",
    ) -> bytes:
        record: dict[str, object] = {"initializationType": initialization_type, "phase": phase}
        record["status"] = status or "success"
        record["metrics"] = {"durationMs": round(duration_ms, 3)}
        if error_type:
            record["errorType"] = error_type
        return cls._line("initReport", now, record)

    @classmethod
    def restore_start(cls, runtime: str, runtime_arn: str, now: float) -> bytes:
        return cls._line("restoreStart", now, {"runtimeVersion": runtime, "runtimeVersionArn": runtime_arn})

    @classmethod
    def restore_report(cls, duration_ms: float, status: str | None, error_type: str | None, now: float) -> bytes:
        record: dict[str, object] = {"status": status or "success", "metrics": {"durationMs": round(duration_ms, 3)}}
        if error_type:
            record["errorType"] = error_type
        return cls._line("restoreReport", now, record)

    @classmethod
    def start(cls, request_id: str, version: str, now: float) -> bytes:
        return cls._line("start", now, {"requestId": request_id, "version": version})

    @classmethod
    def end(cls, request_id: str, now: float) -> bytes:
        return b""

    @classmethod
    def report(cls, report: Report, now: float) -> bytes:
        return cls._line("report", now, report_record(report))

    @classmethod
    def extension(cls, name: str, state: str, events: Sequence[str], error_type: str | None, now: float) -> bytes:
        record: dict[str, object] = {"name": name, "state": state, "events": list(events)}
        if error_type:
            record["errorType"] = error_type
        return cls._line("extension", now, record)

    @classmethod
    def subscription(cls, api: str, name: str, state: str, types: Sequence[str], now: float) -> bytes:
        return cls._line(f"{api}Subscription", now, {"name": name, "state": state, "types": list(types)})


def report_record(report: Report) -> dict[str, object]:
    """The record of platform.report."""
    metrics: dict[str, object] = {"durationMs": round(report.duration_ms, 3), "billedDurationMs": report.billed_ms}
    metrics |= {"memorySizeMB": report.memory_size, "maxMemoryUsedMB": report.max_memory_used}
    if report.init_ms is not None:
        metrics["initDurationMs"] = round(report.init_ms, 3)
    if report.restore_ms is not None:
        metrics["restoreDurationMs"] = round(report.restore_ms, 3)
        metrics["billedRestoreDurationMs"] = report.billed_restore_ms
    record: dict[str, object] = {"requestId": report.request_id, "metrics": metrics}
    record["status"] = report.status or "success"
    if report.error_type:
        record["errorType"] = report.error_type
    return record
