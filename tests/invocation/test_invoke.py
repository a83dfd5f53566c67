"""What a caller of a synchronous invocation gets. AWS: docs.aws.amazon.com/lambda/latest/api/API_Invoke.html"""

import base64
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import call, create, new_name
from refusals import refused

ECHO = "def handler(event, context):\n    return event\n"


@pytest.fixture(scope="module")
def echo(client: Any) -> str:
    return create(client, ECHO)


@pytest.mark.parametrize(
    "event", [{}, [], None, 1, 1.5, "text", "ünïcödé 🐑", {"deep": [{"a": None}] * 50}, "x" * 100_000]
)
def test_the_event_comes_back_as_it_was(client: Any, echo: str, event: Any) -> None:
    payload, answer = call(client, echo, event)
    assert payload == event
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert "FunctionError" not in answer
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]


def test_no_payload_is_an_empty_event(client: Any, echo: str) -> None:
    assert client.invoke(FunctionName=echo)["Payload"].read() == b"{}"


@pytest.mark.parametrize(
    "form", ["{name}", "000000000000:function:{name}", "arn:aws:lambda:us-east-1:000000000000:function:{name}"]
)
@pytest.mark.parametrize("suffix", ["", ":$LATEST"])
def test_every_form_of_the_function_name(client: Any, echo: str, form: str, suffix: str) -> None:
    assert call(client, form.format(name=echo) + suffix, 1)[0] == 1


def test_a_missing_function(client: Any) -> None:
    name = new_name()
    with pytest.raises(ClientError) as refused:
        client.invoke(FunctionName=name)
    assert refused.value.response["Error"] == {
        "Code": "ResourceNotFoundException",
        "Message": f"Function not found: arn:aws:lambda:us-east-1:000000000000:function:{name}",
    }
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_the_headers_of_an_answer(client: Any, echo: str, kind: str) -> None:
    headers = client.invoke(FunctionName=echo, InvocationType=kind)["ResponseMetadata"]["HTTPHeaders"]
    assert re.fullmatch(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};.*", headers["x-amzn-trace-id"])
    assert headers["x-amzn-remapped-content-length"] == "0"


def test_a_missing_version(client: Any, echo: str) -> None:
    with pytest.raises(ClientError) as refused:
        client.invoke(FunctionName=echo, Qualifier="7")
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{echo}:7"
    assert refused.value.response["Error"]["Message"] == f"Function not found: {arn}"


@pytest.mark.parametrize("body", [b"{", b"not json", b"\x80abc", b'{"a": }', b"{} {}"])
def test_a_payload_that_is_not_json(client: Any, echo: str, body: bytes) -> None:
    with pytest.raises(ClientError) as refused:
        client.invoke(FunctionName=echo, Payload=body)
    assert refused.value.response["Error"]["Code"] == "InvalidRequestContentException"
    assert refused.value.response["Error"]["Message"].startswith("Could not parse request body into json: ")


def test_a_request_over_six_megabytes(client: Any, echo: str) -> None:
    limit = 6 * 1024 * 1024
    with pytest.raises(ClientError) as refused:
        client.invoke(FunctionName=echo, Payload=b'"' + b"x" * limit + b'"')
    assert refused.value.response["Error"]["Code"] == "RequestTooLargeException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_a_request_and_response_of_six_megabytes(client: Any, echo: str) -> None:
    body = b'"' + b"x" * (6 * 1024 * 1024 - 2) + b'"'
    assert client.invoke(FunctionName=echo, Payload=body)["Payload"].read() == body


def test_a_response_over_the_limit(client: Any) -> None:
    name = create(client, "def handler(event, context):\n    return 'x' * event\n")
    payload, answer = call(client, name, 6 * 1024 * 1024 + 200)
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Function.ResponseSizeTooLarge"
    assert "exceeded maximum allowed payload size (6291556 bytes)" in payload["errorMessage"]
    assert call(client, name, 3)[0] == "xxx"


def test_dry_run(client: Any, echo: str) -> None:
    answer = client.invoke(FunctionName=echo, InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert answer["Payload"].read() == b""


def test_a_function_error(client: Any) -> None:
    name = create(client, "def handler(event, context):\n    raise ValueError('no such thing')\n")
    payload, answer = call(client, name)
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorMessage"] == "no such thing"
    assert payload["errorType"] == "ValueError"
    assert payload["requestId"] == answer["ResponseMetadata"]["RequestId"]
    assert payload["stackTrace"] == [
        "  File \"/var/task/app.py\", line 2, in handler\n    raise ValueError('no such thing')\n"
    ]


def test_the_log_tail(client: Any) -> None:
    code = "import logging\ndef handler(event, context):\n    print('one')\n    logging.getLogger().warning('two\\nlines')\n"
    name = create(client, code)
    for cold in (True, False):
        answer = client.invoke(FunctionName=name, LogType="Tail")
        tail = base64.b64decode(answer["LogResult"]).decode()
        request_id = answer["ResponseMetadata"]["RequestId"]
        lines = tail.splitlines()
        assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
        assert lines[1] == "one"
        assert re.fullmatch(rf"\[WARNING\]\t[0-9TZ:.-]+\t{request_id}\ttwo", lines[2])
        assert lines[3] == "lines"
        assert f"END RequestId: {request_id}" in lines
        report = next(line for line in lines if line.startswith("REPORT"))
        assert re.fullmatch(
            rf"REPORT RequestId: {request_id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 128 MB\t"
            + r"Max Memory Used: \d+ MB\t"
            + (r"Init Duration: \d+\.\d\d ms\t" if cold else ""),
            report,
        )


def test_the_tail_is_the_last_four_kilobytes(client: Any) -> None:
    name = create(client, "def handler(event, context):\n    for i in range(2000):\n        print('line', i)\n")
    tail = base64.b64decode(client.invoke(FunctionName=name, LogType="Tail")["LogResult"])
    assert len(tail) <= 4096
    assert b"line 1999\n" in tail
    assert b"REPORT" in tail


def test_the_context(client: Any) -> None:
    code = """
def handler(event, context):
    return {
        "name": context.function_name, "version": context.function_version, "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "id": context.aws_request_id, "group": context.log_group_name,
        "stream": context.log_stream_name, "left": context.get_remaining_time_in_millis(),
        "custom": context.client_context and context.client_context.custom,
        "env": context.client_context and context.client_context.env,
    }
"""
    name = create(client, code, MemorySize=256, Timeout=7)
    client_context = base64.b64encode(json.dumps({"custom": {"a": "b"}, "env": {"c": "d\n"}}).encode()).decode()
    payload, answer = call(client, name, ClientContext=client_context)
    assert payload["name"] == name
    assert payload["version"] == "$LATEST"
    assert payload["arn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert payload["memory"] == "256"
    assert payload["id"] == answer["ResponseMetadata"]["RequestId"]
    assert payload["group"] == f"/aws/lambda/{name}"
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", payload["stream"])
    assert 0 < payload["left"] <= 7000
    assert payload["custom"] == {"a": "b"}
    assert payload["env"] == {"c": "d\n"}
    for no_object in ("!", base64.b64encode(b"[1]").decode(), base64.b64encode(b"{").decode()):
        assert refused(client.invoke, FunctionName=name, ClientContext=no_object) == (
            "InvalidRequestContentException",
            400,
            "Client context must be a valid Base64-encoded JSON object.",
        )


def test_an_invocation_of_another_account_and_region(server: Any, client: Any, echo: str) -> None:
    other = server.client(account="123456789012", region="eu-central-1")
    with pytest.raises(ClientError) as refused:
        other.invoke(FunctionName=echo)
    arn = f"arn:aws:lambda:eu-central-1:123456789012:function:{echo}"
    assert refused.value.response["Error"]["Message"] == f"Function not found: {arn}"
    name = create(other, ECHO, name=echo)
    assert call(other, name, 2)[0] == 2


def test_an_event_is_accepted_and_runs(server: Any, client: Any) -> None:
    code = "def handler(event, context):\n    print('got', event['n'])\n"
    name = create(client, code)
    answer = client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n": 42}')
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    server.wait_for_log(name, "got 42")


@pytest.mark.parametrize("payload", [b"1e400", b'"\\ud83d"', b"-0", b" [1 , 2]\n", b'{"a":1,"a":2}'])
def test_json_that_few_parsers_like(client: Any, payload: bytes) -> None:
    code = "def handler(event, context):\n    return 'taken'\n"
    answer = client.invoke(FunctionName=create(client, code), Payload=payload)
    assert json.loads(answer["Payload"].read()) == "taken"


@pytest.mark.parametrize("payload", [b"NaN", b"Infinity", b"[1,]", b"'a'", b"\xff", b"[" * 2000 + b"]" * 2000])
def test_what_is_no_json(client: Any, payload: bytes) -> None:
    name = create(client, "def handler(event, context):\n    return 'taken'\n")
    with pytest.raises(client.exceptions.InvalidRequestContentException):
        client.invoke(FunctionName=name, Payload=payload)
