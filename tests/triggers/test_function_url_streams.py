"""Function URLs with RESPONSE_STREAM: what a function writes, while it does."""

import http.client
import json
import signal
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions import create
from interpreters import NODE
from server import Server
from streaming_runtime import SOURCE
from urls import Answer, Make, Url, allow, id_of
from wait import wait_for

PRELUDE = "application/vnd.awslambda.http-integration-response"
END = "\0" * 8
TOLD = SOURCE.replace("event = json.loads(answer.read())", 'event = json.loads(json.loads(answer.read())["body"])')
"""Does what the body of a request tells it."""
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def told(make_url: Make) -> Url:
    return make_url(TOLD, settings={"InvokeMode": "RESPONSE_STREAM"}, Timeout=10)


def tell(url: Url, method: str = "POST", **event: Any) -> Answer:
    return url.request(method, body=json.dumps(event), Content_Type="application/json")


def test_a_prelude(told: Url) -> None:
    head = json.dumps({"statusCode": 201, "headers": {"Content-Type": "text/html"}, "cookies": ["a=1", "b=2"]})
    whole = f"{head}{END}<p>one</p>two"
    for cut in (0, 1, len(head) - 1, len(head) + 3, len(head) + 8, len(head) + 9, len(whole)):
        answer = tell(told, content_type=PRELUDE, pieces=[piece for piece in (whole[:cut], whole[cut:]) if piece])
        assert (answer.status, answer.headers["Content-Type"], answer.body) == (201, "text/html", b"<p>one</p>two")
        assert answer.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert answer.headers["x-amzn-RequestId"]


def test_without_a_prelude(told: Url) -> None:
    answer = tell(told, content_type="text/plain", pieces=["one ", "two"])
    assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, "text/plain", b"one two")
    assert tell(told, pieces=[]).headers["Content-Type"] == "application/octet-stream"


def test_much(told: Url) -> None:
    assert len(tell(told, megabytes=50).body) == 50 * 1024 * 1024


def test_it_comes_while_the_function_is_at_work(told: Url) -> None:
    connection = http.client.HTTPConnection(urlsplit(told.server.url).netloc, timeout=120)
    connection.request("POST", "/", json.dumps({"pieces": ["early"], "do": "sleep"}), {"Host": told.host, **JSON})
    answer = connection.getresponse()
    assert answer.read(5) == b"early"
    with pytest.raises(http.client.IncompleteRead):  # and then its time is up
        answer.read()
    connection.close()


@pytest.mark.parametrize(
    "event",
    [
        {"do": "fail"},
        {"do": "exit"},
        {"content_type": PRELUDE, "pieces": ["{}"]},
        {"content_type": PRELUDE, "pieces": [f"no json{END}body"]},
        {"content_type": PRELUDE, "pieces": [f'{{"statusCode": 99}}{END}body']},
        {"content_type": PRELUDE, "pieces": [f'{{"headers": {{"a": "b\\r\\nc: d"}}}}{END}body']},
        {"content_type": PRELUDE, "pieces": [" " * 200_000, END]},
        {"content_type": PRELUDE, "pieces": ["{"], "do": "fail"},
    ],
)
def test_what_fails_before_the_body_is_502(told: Url, event: dict[str, Any]) -> None:
    answer = tell(told, **event)
    assert (answer.status, answer.body) == (502, b"Internal Server Error")


@pytest.mark.parametrize("do", ["fail", "exit", "hang up"])
def test_what_fails_in_the_middle_is_cut(told: Url, do: str) -> None:
    """Or a client would take the half for the whole."""
    connection = http.client.HTTPConnection(urlsplit(told.server.url).netloc, timeout=120)
    event = {"megabytes": 20, "do": do}  # more than waits between two processes: when it ends the answer has begun
    connection.request("POST", "/", json.dumps(event), {"Host": told.host, **JSON})
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError, http.client.RemoteDisconnected)):
        connection.getresponse().read()
    connection.close()


def test_answers_without_a_body(told: Url) -> None:
    connection = http.client.HTTPConnection(urlsplit(told.server.url).netloc, timeout=120)
    for method, status, body in (("HEAD", 200, b""), ("POST", 204, b""), ("POST", 304, b""), ("POST", 299, b"body")):
        event = {"content_type": PRELUDE, "pieces": [f'{{"statusCode": {status}}}{END}body']}
        connection.request(method, "/", json.dumps(event), {"Host": told.host, **JSON})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (status, body)
    connection.close()


def test_a_client_that_goes(told: Url) -> None:
    connection = http.client.HTTPConnection(urlsplit(told.server.url).netloc, timeout=120)
    connection.request("POST", "/", json.dumps({"megabytes": 50}), {"Host": told.host, **JSON})
    connection.getresponse().read(1)
    connection.close()
    assert tell(told, pieces=["next"]).body == b"next"


def test_a_second_signal_ends_a_stream(own_server: Server) -> None:
    """The server does not wait for a function whose client it has let go."""
    own_server.start()
    client = own_server.client()
    name = create(client, TOLD, Timeout=600)
    config = client.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    allow(client, name)
    url = Url(own_server, name, id_of(config))
    connection = http.client.HTTPConnection(urlsplit(own_server.url).netloc, timeout=120)
    connection.request("POST", "/", json.dumps({"pieces": ["early"], "do": "sleep"}), {"Host": url.host, **JSON})
    answer = connection.getresponse()
    assert answer.read(5) == b"early"
    own_server.signal(signal.SIGTERM)
    wait_for(lambda: "draining" in own_server.log())
    own_server.signal(signal.SIGTERM)
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        answer.read()
    assert own_server.wait() == 0
    connection.close()


def test_throttles_and_failures_of_functions_that_do_not_stream(client: Any, make_url: Make) -> None:
    code = "def handler(event, context):\n    raise ValueError('no')\n"
    url = make_url(code, settings={"InvokeMode": "RESPONSE_STREAM"})
    assert url.request().status == 502
    client.put_function_concurrency(FunctionName=url.function, ReservedConcurrentExecutions=0)
    assert url.request().status == 429


def test_a_buffered_url_answers_a_stream_at_once(make_url: Make) -> None:
    url = make_url(TOLD, Timeout=10)
    answer = tell(url, pieces=['{"statusCode": 201, ', '"body": "whole"}'])
    assert (answer.status, answer.body, answer.headers["Content-Length"]) == (201, b"whole", "5")


@pytest.mark.skipif(not NODE, reason="Node.js is not installed")
def test_node_streams(client: Any, told: Url) -> None:
    code = """
        exports.handler = awslambda.streamifyResponse(async (event, stream) => {
            const head = { statusCode: 418, headers: { "Content-Type": "text/plain", "X-Path": event.rawPath } };
            const http = awslambda.HttpResponseStream.from(stream, head);
            http.write("tea"); http.write("pot"); http.end();
        });
    """
    name = create(client, runtime=NODE, files={"index.js": code}, handler="index.handler")
    config = client.create_function_url_config(FunctionName=name, AuthType="NONE", InvokeMode="RESPONSE_STREAM")
    allow(client, name)
    answer = Url(told.server, name, id_of(config)).request("GET", "/for/tea")
    assert (answer.status, answer.body, answer.headers["X-Path"]) == (418, b"teapot", "/for/tea")
