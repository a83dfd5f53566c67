"""Node.js handlers that stream. AWS: docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html"""

import json
from typing import Any

import pytest

from functions import call, create
from interpreters import NODES, is_installed
from wait import wait_for

RUNTIME = next(filter(is_installed, ("nodejs24.x", "nodejs22.x", "nodejs20.x")), "")

pytestmark = pytest.mark.skipif(not RUNTIME, reason="Node.js is not installed")


def make(client: Any, body: str, runtime: str = RUNTIME) -> str:
    code = (
        'const { pipeline } = require("stream/promises"); const { Readable } = require("stream");\n'
        f"exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {{ {body} }});"
    )
    return create(client, runtime=runtime, files={"index.js": code}, handler="index.handler", Timeout=20)


def stream(client: Any, name: str, event: Any = None) -> tuple[bytes, dict[str, Any]]:
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event).encode())
    events = list(answer["EventStream"])
    return b"".join(one["PayloadChunk"]["Payload"] for one in events[:-1]), events[-1]["InvokeComplete"]


@pytest.mark.parametrize("runtime", NODES)
def test_what_is_written_arrives(client: Any, runtime: str) -> None:
    body = 'stream.write("one "); stream.write(Buffer.from("two ")); stream.write({ three: event }); stream.end();'
    name = make(client, body, runtime)
    for number in range(3):
        assert stream(client, name, number) == (f'one two {{"three":{number}}}'.encode(), {})


def test_a_pipeline(client: Any) -> None:
    name = make(client, "await pipeline(Readable.from(Array(3000).fill('x'.repeat(1000))), stream);")
    chunks, end = stream(client, name)
    assert (chunks, end) == (b"x" * 3_000_000, {})


def test_nothing_written(client: Any) -> None:
    name = make(client, "stream.end();")
    assert [stream(client, name) for _ in "ab"] == [(b"", {})] * 2


def test_invoke_gets_it_whole(client: Any) -> None:
    name = make(client, 'stream.setContentType("application/json"); stream.write("[1,"); stream.end("2]");')
    assert call(client, name)[0] == [1, 2]


def test_a_status_and_headers_ahead_of_the_body(client: Any) -> None:
    body = """
        const metadata = { statusCode: 201, headers: { "x-mine": event } };
        const http = awslambda.HttpResponseStream.from(stream, metadata);
        http.write("body"); http.end();
    """
    chunks, end = stream(client, make(client, body), "ü")
    head, _, rest = chunks.partition(bytes(8))
    assert (json.loads(head), rest, end) == ({"statusCode": 201, "headers": {"x-mine": "ü"}}, b"body", {})


def test_an_error_before_anything_is_written(client: Any) -> None:
    name = make(client, 'throw new RangeError("too far");')
    chunks, end = stream(client, name)
    assert (chunks, end["ErrorCode"]) == (b"", "RangeError")
    assert json.loads(end["ErrorDetails"])["errorMessage"] == "too far"
    assert call(client, name)[1]["FunctionError"] == "Unhandled"


def test_an_error_midstream(client: Any) -> None:
    body = 'stream.write("half"); await new Promise(setImmediate); throw new RangeError(event);'
    name = make(client, body)
    for message in ("too far", "ü" * 100_000):
        chunks, end = stream(client, name, message)
        assert (chunks, end["ErrorCode"]) == (b"half", "RangeError")
        assert message.startswith(json.loads(end["ErrorDetails"])["errorMessage"][:4096])


def test_an_uncaught_exception_midstream(client: Any) -> None:
    body = """
        if (event) { stream.end("fine"); return; }
        stream.write("half");
        setImmediate(() => setImmediate(() => { throw new RangeError("far off"); }));
        await new Promise(() => setTimeout(() => {}, 60000));
    """
    name = make(client, body)
    chunks, end = stream(client, name)
    assert (chunks, end["ErrorCode"]) == (b"half", "RangeError")
    assert stream(client, name, 1) == (b"fine", {})


def test_a_stream_that_is_never_ended(client: Any) -> None:
    name = make(client, 'stream.write("half");')
    chunks, end = stream(client, name)
    assert (chunks, end["ErrorCode"]) == (b"half", "Runtime.NodeJsExit")


def test_work_after_the_end_belongs_to_the_invocation(client: Any) -> None:
    body = """
        stream.end(String(globalThis.done));
        await new Promise((resolve) => setTimeout(resolve, 50));
        globalThis.done = true;
    """
    name = make(client, body)
    assert stream(client, name)[0] == b"undefined"
    wait_for(lambda: stream(client, name)[0] == b"true")  # until it is through, others are begun


def test_a_handler_that_is_not_async(client: Any) -> None:
    code = 'exports.handler = awslambda.streamifyResponse((event, stream) => { stream.write("x"); stream.end(); });'
    name = create(client, runtime=RUNTIME, files={"index.js": code}, handler="index.handler", Timeout=20)
    _, end = stream(client, name)
    assert json.loads(end["ErrorDetails"])["errorMessage"] == "Streaming does not support non-async handlers."


def test_the_content_type_is_given_ahead(client: Any) -> None:
    name = make(client, 'stream.write("x"); await new Promise(setImmediate); stream.setContentType("text/plain");')
    _, end = stream(client, name)
    assert json.loads(end["ErrorDetails"])["errorMessage"] == "Cannot set content-type, too late."
