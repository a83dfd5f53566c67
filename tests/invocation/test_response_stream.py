"""InvokeWithResponseStream: an event stream of what the function answers, while it does.

AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html
"""

import base64
import json
import signal
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from functions import call, create, new_name
from lambdad.invocation.streaming import Pace
from processes import resident_mb
from refusals import refused
from server import Server
from streaming_runtime import SOURCE
from wait import wait_for

CODE = """
def handler(event, context):
    print("at work")
    if event == "fail":
        raise ValueError("no")
    return event
"""
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


def stream(client: Any, name: str, event: Any, **more: Any) -> tuple[bytes, dict[str, Any], dict[str, Any]]:
    """(all chunks, the end, the whole answer)."""
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event).encode(), **more)
    events = list(answer["EventStream"])
    chunks = b"".join(one["PayloadChunk"]["Payload"] for one in events[:-1])
    end: dict[str, Any] = events[-1]["InvokeComplete"]
    return chunks, end, answer


def test_an_answer_in_chunks(client: Any) -> None:
    name = create(client, CODE)
    chunks, end, answer = stream(client, name, {"text": "ü" * 200_000})
    assert json.loads(chunks) == {"text": "ü" * 200_000}
    assert end == {}
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"


def test_the_log_comes_at_the_end(client: Any) -> None:
    name = create(client, CODE, Publish=True)
    chunks, end, answer = stream(client, name, 1, LogType="Tail", Qualifier="1")
    assert (chunks, answer["ExecutedVersion"]) == (b"1", "1")
    assert "at work" in base64.b64decode(end["LogResult"]).decode()


def test_an_error_is_the_end(client: Any) -> None:
    name = create(client, CODE)
    chunks, end, answer = stream(client, name, "fail")
    assert (chunks, answer["StatusCode"]) == (b"", 200)
    assert end["ErrorCode"] == "ValueError"
    assert json.loads(end["ErrorDetails"])["errorMessage"] == "no"


def test_what_is_refused(client: Any) -> None:
    invoke = client.invoke_with_response_stream
    unknown = new_name()
    missing = ("ResourceNotFoundException", 404, f"Function not found: {ARN}{unknown}")
    assert refused(invoke, FunctionName=unknown, Payload=b"{}") == missing
    name = create(client, CODE)
    code, status, _ = refused(invoke, FunctionName=name, Payload=b"{broken")
    assert (code, status) == ("InvalidRequestContentException", 400)
    assert invoke(FunctionName=name, InvocationType="DryRun")["StatusCode"] == 204


def test_a_runtime_that_streams(client: Any) -> None:
    name = create(client, SOURCE)
    for _ in range(3):
        chunks, end, answer = stream(client, name, {"pieces": ["one ", "two ", "three"]}, LogType="Tail")
        assert (chunks, answer["StatusCode"], answer["ExecutedVersion"]) == (b"one two three", 200, "$LATEST")
        assert "REPORT RequestId: " + answer["ResponseMetadata"]["RequestId"] in base64.b64decode(
            end["LogResult"]
        ).decode().replace("\t", " ")
        assert "ErrorCode" not in end
    assert stream(client, name, {})[:2] == (b"", {})


def test_who_does_not_stream_gets_it_whole(client: Any) -> None:
    name = create(client, SOURCE)
    answer = client.invoke(FunctionName=name, Payload=b'{"pieces": ["[1, ", "2]"]}')
    assert json.loads(answer["Payload"].read()) == [1, 2]
    failed, answer = call(client, name, {"pieces": ["[1, "], "do": "fail"})
    assert (answer["FunctionError"], failed) == ("Unhandled", {"errorType": "Mine", "errorMessage": "no more"})
    failed, answer = call(client, name, {"megabytes": 7})
    assert (answer["FunctionError"], failed["errorType"]) == ("Unhandled", "Function.ResponseSizeTooLarge")
    assert call(client, name, {"pieces": ["1"]})[0] == 1


def test_an_error_midstream_comes_behind_what_was_written(client: Any) -> None:
    name = create(client, SOURCE)
    chunks, end, _ = stream(client, name, {"pieces": ["half"], "do": "fail"})
    assert chunks == b"half"
    assert (end["ErrorCode"], json.loads(end["ErrorDetails"])["errorMessage"]) == ("Mine", "no more")
    assert stream(client, name, {"pieces": ["again"]})[:2] == (b"again", {})


def test_while_it_streams_nothing_else_is_said_of_an_invocation(server: Server, client: Any) -> None:
    name = create(client, SOURCE)
    assert stream(client, name, {"pieces": ["all of it"], "do": "interrupt"})[:2] == (b"all of it", {})
    lines = server.wait_for_log(name, "answered 202")
    refused_ones = [line.split()[-3:] for line in lines if "refused" in line]
    assert refused_ones == [[what, "refused", "403"] for what in ("error", "response", "next")]
    assert call(client, name, {"pieces": ["1"]})[0] == 1


def test_an_error_is_whole_whatever_its_header_says(client: Any) -> None:
    name = create(client, SOURCE)
    assert call(client, name, {"do": "say error"})[0] == {"errorType": "Mine", "errorMessage": "no more"}


def test_a_stream_that_breaks_off(client: Any) -> None:
    name = create(client, SOURCE)
    for do in ("exit", "hang up", "flood"):
        chunks, end, _ = stream(client, name, {"pieces": ["half"], "do": do})
        assert (chunks, end["ErrorCode"]) == (b"half", "Runtime.TruncatedResponse"), do
        assert call(client, name, {"pieces": ["half"], "do": do})[0]["errorType"] == "Runtime.TruncatedResponse"
        assert ("exit status 3" in end["ErrorDetails"]) is (do == "exit")
    assert stream(client, name, {"pieces": ["again"]})[:2] == (b"again", {})


def test_a_stream_is_ended_by_the_function_s_timeout(client: Any) -> None:
    name = create(client, SOURCE, Timeout=2)
    chunks, end, _ = stream(client, name, {"pieces": ["half"], "do": "sleep"})
    assert (chunks, end["ErrorCode"]) == (b"half", "Unhandled")
    assert "Task timed out after 2.00 seconds" in end["ErrorDetails"]
    assert stream(client, name, {"pieces": ["again"]})[:2] == (b"again", {})


def test_a_runtime_that_never_asks_again_is_ended_at_its_timeout(own_server: Server) -> None:
    client = own_server.start().client()
    name = create(client, SOURCE, Timeout=3)
    assert stream(client, name, {"pieces": ["first"], "do": "work on"})[:2] == (b"first", {})
    wait_for(lambda: b'state="answered"} 1' in own_server.get("/_lambdad/metrics")[1])
    wait_for(lambda: b'state="down"} 1' in own_server.get("/_lambdad/metrics")[1])
    assert stream(client, name, {"pieces": ["second"]})[:2] == (b"second", {})


def test_a_function_writes_no_faster_than_its_caller_reads(own_server: Server) -> None:
    """The first bytes are here while the function still writes, and the server holds little of what it has written."""
    client = own_server.start().client()
    name = create(client, SOURCE)
    stream(client, name, {"pieces": ["warm"]})
    before = resident_mb(own_server.pid)
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=b'{"megabytes": 100}')
    events = iter(answer["EventStream"])
    size = len(next(events)["PayloadChunk"]["Payload"])
    assert b'state="invoking"} 1' in own_server.get("/_lambdad/metrics")[1]
    assert resident_mb(own_server.pid) - before < 40
    sizes = [len(one["PayloadChunk"]["Payload"]) for one in events if "PayloadChunk" in one]
    assert size + sum(sizes) == 100 * 1024 * 1024
    assert resident_mb(own_server.pid) - before < 40


def test_a_caller_who_goes_does_not_stop_the_function(own_server: Server) -> None:
    client = own_server.start().client()
    name = create(client, SOURCE)
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=b'{"megabytes": 50}')
    next(iter(answer["EventStream"]))
    answer["EventStream"].close()
    wait_for(lambda: f'lambdad_invocations_total{{function="{name}"}} 1' in metrics(own_server))
    own_server.wait_for_log(name, "answered 202")
    assert stream(client, name, {"pieces": ["again"]})[:2] == (b"again", {})


def test_the_second_signal_ends_a_stream(own_server: Server) -> None:
    """Also when it comes at once, while the server still stops what fires by itself."""
    client = own_server.start().client()
    name = create(client, SOURCE, Timeout=900)
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=b'{"pieces": ["half"], "do": "sleep"}')
    assert next(iter(answer["EventStream"]))["PayloadChunk"]["Payload"] == b"half"
    own_server.signal(signal.SIGTERM)
    own_server.signal(signal.SIGINT)
    assert own_server.wait() == 0


def metrics(server: Server) -> str:
    return server.get("/_lambdad/metrics")[1].decode()


@given(st.lists(st.integers(1, 1 << 20), min_size=1, max_size=60), st.integers(1, 1 << 24))
def test_no_stream_is_faster_than_its_rate(sizes: list[int], rate: int) -> None:
    """Whenever a piece may be taken, no more has been taken than six megabytes and what the time since allows."""
    pace, now, taken = Pace(rate), 0.0, 0
    for size in sizes:
        assert taken <= (6 << 20) + rate * now * 1.0001
        taken += size
        now += pace.wait(size, now)
    assert now <= max(taken - (6 << 20), 0) / rate * 1.0001
    assert [Pace(0).wait(size, 0.0) for size in sizes] == [0.0] * len(sizes)


def test_a_stream_may_be_as_slow_as_on_aws(own_server: Server) -> None:
    server = Server(own_server.data_dir, "--quota", "streamed_rate=2097152").start()
    try:
        name = create(server.client(), SOURCE)
        began = time.monotonic()
        chunks, end, _ = stream(server.client(), name, {"megabytes": 8})
        assert (len(chunks), end) == (8 << 20, {})
        assert time.monotonic() - began > 0.9
    finally:
        assert server.stop() == 0


def test_a_stream_has_a_limit(own_server: Server) -> None:
    server = Server(own_server.data_dir, "--quota", "streamed_payload=1000000").start()
    try:
        client = server.client()
        name = create(client, SOURCE)
        chunks, end, _ = stream(client, name, {"megabytes": 2})
        assert 0 < len(chunks) <= 1_000_000
        assert end["ErrorCode"] == "Function.ResponseSizeTooLarge"
        assert stream(client, name, {"pieces": ["again"]})[:2] == (b"again", {})
    finally:
        assert server.stop() == 0
