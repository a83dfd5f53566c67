"""InvokeWithResponseStream: an event stream of what the function answered."""

import base64
import json
from typing import Any

from functions import create, new_name
from refusals import refused

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
