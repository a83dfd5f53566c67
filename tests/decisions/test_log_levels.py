"""What a log in JSON keeps, by AWS's table of levels."""

import json

import pytest

from lambdad.environments.log_capture import JsonLines, Report
from lambdad.environments.log_levels import (
    DEBUG,
    ERROR,
    FATAL,
    INFO,
    TRACE,
    WARN,
    level_of_event,
    level_of_line,
    line_filter,
)


@pytest.mark.parametrize(
    ("kind", "record", "level"),
    [
        ("initStart", {"initializationType": "on-demand"}, INFO),
        ("initRuntimeDone", {"status": "success"}, DEBUG),
        ("initRuntimeDone", {"status": "error"}, WARN),
        ("initReport", {"initializationType": "on-demand", "status": "success"}, DEBUG),
        ("initReport", {"initializationType": "provisioned-concurrency", "status": "success"}, INFO),
        ("initReport", {"initializationType": "on-demand", "status": "timeout"}, WARN),
        ("restoreStart", {}, INFO),
        ("restoreRuntimeDone", {"status": "success"}, DEBUG),
        ("restoreReport", {"status": "success"}, INFO),
        ("restoreReport", {"status": "failure"}, WARN),
        ("start", {"requestId": "1"}, INFO),
        ("runtimeDone", {"status": "success"}, DEBUG),
        ("runtimeDone", {"status": "timeout"}, WARN),
        ("report", {"status": "success"}, INFO),
        ("report", {"status": "error"}, WARN),
        ("extension", {"state": "Ready"}, INFO),
        ("extension", {"state": "LaunchError"}, WARN),
        ("telemetrySubscription", {"state": "Subscribed"}, INFO),
        ("logsDropped", {"reason": "slow"}, WARN),
    ],
)
def test_the_platform_s_events(kind: str, record: dict[str, object], level: int) -> None:
    assert level_of_event(kind, record) == level


@pytest.mark.parametrize(
    ("line", "level"),
    [
        (b'{"level": "debug"}', DEBUG),
        (b'{"level":"TRACE","message":"m"}\n', TRACE),
        (b'{"level": "WARNING"}', WARN),
        (b'{"level": "critical"}', FATAL),
        (b'{"level": "Error"}', ERROR),
        (b'{"level": "loud"}', INFO),
        (b'{"level": 40}', INFO),
        (b'{"message": "none"}', INFO),
        (b"plain", None),
        (b"[1]", None),
        (b'{"level": "debug"', None),
        (b'{"_aws": {}, "level": "debug"}', None),
        (b'{"a":' * 100_000, None),
        (b"", None),
    ],
)
def test_a_printed_line(line: bytes, level: int | None) -> None:
    assert level_of_line(line) == level


def test_which_lines_are_kept() -> None:
    assert line_filter("Text", None) is None
    assert line_filter("JSON", "TRACE") is None
    by_default, errors = line_filter("JSON", None), line_filter("JSON", "ERROR")
    assert by_default is not None
    assert errors is not None
    lines = [b'{"level": "DEBUG"}', b'{"level": "INFO"}', b'{"level": "ERROR"}', b"plain"]
    assert [by_default(line) for line in lines] == [False, True, True, True]
    assert [errors(line) for line in lines] == [False, False, True, True]


def test_nothing_is_written_of_what_is_too_detailed() -> None:
    report = Report("id", 1.5, 2, 128, 3, None, None, None)
    assert JsonLines(INFO).runtime_done(report, 5, 0.0) == b""
    assert json.loads(JsonLines(DEBUG).runtime_done(report, 5, 10.0)) == {
        "time": "1970-01-01T00:00:10.000Z",
        "type": "platform.runtimeDone",
        "record": {
            "requestId": "id",
            "status": "success",
            "metrics": {"durationMs": 1.5, "producedBytes": 5},
            "spans": [{"name": "responseLatency", "start": "1970-01-01T00:00:09.998Z", "durationMs": 1.5}],
        },
    }
    assert JsonLines(WARN).report(report, 0.0) == b""
