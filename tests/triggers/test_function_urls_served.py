"""Function URLs over HTTP: what a function is given, and what its caller gets."""

import base64
import gzip
import http.client
import json
import urllib.request
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions import ROLE, call, create, new_name, zip_of
from server import Server
from urls import Make, Url, allow, id_of
from wait import wait_for

# --- What a function is given -------------------------------------------------------------------------------------------


def test_the_answered_address_works(client: Any, echo: Url) -> None:
    """Without any Host of one's own: this is what a user does."""
    address = client.get_function_url_config(FunctionName=echo.function)["FunctionUrl"]
    with urllib.request.urlopen(f"{address}deep/path?q=1") as answer:
        event = json.loads(answer.read())["event"]
    assert (event["rawPath"], event["rawQueryString"]) == ("/deep/path", "q=1")
    with urllib.request.urlopen(address.removesuffix("/")) as answer:
        assert json.loads(answer.read())["event"]["rawPath"] == "/"


def test_an_event(echo: Url) -> None:
    answer = echo.request(
        "POST",
        "/a%20b/c?x=1&x=2&y=%C3%BC",
        b"hello",
        Content_Type="text/plain",
        Cookie="k=v; l=w",
        User_Agent="test/1",
        X_Mixed_Case="Value",
    )
    event, context = answer.json["event"], answer.json["context"]
    assert (event["version"], event["routeKey"], event["rawPath"]) == ("2.0", "$default", "/a%20b/c")
    assert event["queryStringParameters"] == {"x": "1,2", "y": "ü"}
    assert event["cookies"] == ["k=v", "l=w"]
    assert (event["body"], event["isBase64Encoded"]) == ("hello", False)
    assert event["headers"]["x-mixed-case"] == "Value"
    assert event["headers"]["host"] == echo.host
    assert event["headers"]["x-forwarded-port"] == echo.host.rpartition(":")[2]
    about = event["requestContext"]
    assert (about["apiId"], about["domainPrefix"]) == (echo.id, echo.id)
    assert about["domainName"] == echo.host.partition(":")[0]
    assert about["accountId"] == "anonymous"
    assert about["http"] == {
        "method": "POST",
        "path": "/a%20b/c",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "test/1",
    }
    assert about["requestId"] == context["aws_request_id"] == answer.headers["x-amzn-RequestId"]
    assert context["arn"] == f"arn:aws:lambda:us-east-1:000000000000:function:{echo.function}"
    root = answer.headers["X-Amzn-Trace-Id"].partition(";")[0]
    assert event["headers"]["x-amzn-trace-id"] == root


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_methods(echo: Url, method: str) -> None:
    assert echo.request(method).json["event"]["requestContext"]["http"]["method"] == method


def test_binary_bodies_come_whole(echo: Url) -> None:
    body = gzip.compress(bytes(range(256)) * 1000)
    event = echo.request("POST", "/", body, Content_Type="application/octet-stream").json["event"]
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body


def test_a_given_trace_id_goes_on(echo: Url) -> None:
    trace = "Root=1-5fec3f70-199e54b832fe683a7cb6f98c;Parent=53995c3f42cd8ad8;Sampled=1"
    answer = echo.request(X_Amzn_Trace_Id=trace)
    assert answer.headers["X-Amzn-Trace-Id"] == trace
    assert answer.json["event"]["headers"]["x-amzn-trace-id"] == trace.partition(";")[0]
    forged = echo.request(X_Amzn_Trace_Id="whatever")
    assert forged.headers["X-Amzn-Trace-Id"].startswith("Root=1-")


@pytest.mark.parametrize("size", [4_000_000, 5_000_000])
def test_large_bodies(answering: Url, size: int) -> None:
    """What counts is the event: in base64 a body is a third larger."""
    body = json.dumps({"statusCode": 200, "body": "x" * size}).encode()
    binary = answering.request("POST", "/", body, Content_Type="application/octet-stream")
    assert binary.status == (200 if size < 4_500_000 else 413)
    text = answering.request("POST", "/", body, Content_Type="application/json")
    assert (text.status, len(text.body)) == (200, size)


# --- What its caller gets -----------------------------------------------------------------------------------------------


def test_a_response(answering: Url) -> None:
    answer = answering.answering(
        {
            "statusCode": 201,
            "headers": {"Content-Type": "text/html", "X-Own": "1"},
            "cookies": ["a=1; HttpOnly", "b=2"],
            "body": base64.b64encode(b"\0\xff").decode(),
            "isBase64Encoded": True,
        }
    )
    assert (answer.status, answer.body) == (201, b"\0\xff")
    assert (answer.headers["Content-Type"], answer.headers["X-Own"]) == ("text/html", "1")
    assert answer.headers.get_all("Set-Cookie") == ["a=1; HttpOnly", "b=2"]


def test_inference(answering: Url) -> None:
    for value, body in (("hi", b"hi"), (7, b"7"), ({"a": [1]}, b'{"a": [1]}'), (None, b"null")):
        answer = answering.answering(value)
        assert (answer.status, answer.headers["Content-Type"], answer.body) == (200, "application/json", body)


def test_a_connection_goes_on_after_answers_without_bodies(answering: Url) -> None:
    connection = http.client.HTTPConnection(urlsplit(answering.server.url).netloc, timeout=120)
    for method, status, body in (
        ("POST", 204, b""),
        ("POST", 304, b""),
        ("HEAD", 200, b""),
        ("POST", 299, b"not empty"),
        ("POST", 404, b"not empty"),
    ):
        told = json.dumps({"statusCode": status, "body": "not empty"})
        connection.request(method, "/", told, {"Host": answering.host, "Content-Type": "application/json"})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (status, body)
        assert method != "HEAD" or answer.headers["Content-Length"] == "9"
    connection.close()


FAILING = """
import os, time
def handler(event, context):
    how = event["rawPath"]
    if how == "/raise":
        raise RuntimeError("no")
    if how == "/exit":
        os._exit(1)
    if how == "/large":
        return {"statusCode": 200, "body": "x" * 7_000_000}
    if how == "/split":
        return {"statusCode": 200, "headers": {"X": "a\\r\\nSet-Cookie: b=c"}}
    time.sleep(60)
"""


@pytest.mark.parametrize("how", ["raise", "exit", "large", "split", "sleep"])
def test_failures_are_502(failing: Url, how: str) -> None:
    answer = failing.request("GET", f"/{how}")
    assert (answer.status, answer.body) == (502, b"Internal Server Error")
    assert answer.headers["Content-Type"] == "application/json"
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["x-amzn-RequestId"]
    assert parsedate_to_datetime(answer.headers["Date"])


@pytest.fixture(scope="module")
def failing(make_url: Make) -> Url:
    return make_url(FAILING, Timeout=2)


def test_a_streaming_url_answers_what_came_as_it_is(make_url: Make) -> None:
    url = make_url(
        "def handler(event, context):\n    return {'statusCode': 404}\n", settings={"InvokeMode": "RESPONSE_STREAM"}
    )
    answer = url.request()
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/octet-stream")
    assert answer.json == {"statusCode": 404}


def test_pages_by_path_are_nobodys_origin(client: Any, echo: Url) -> None:
    """They share their address with the API: a browser must not take a function's script for the API's own."""
    by_path = echo.send("GET", f"{echo.path}x", None, {})
    assert by_path.headers["Content-Security-Policy"].startswith("sandbox ")
    assert "allow-same-origin" not in by_path.headers["Content-Security-Policy"]
    assert "Content-Security-Policy" not in echo.request().headers


# --- CORS ---------------------------------------------------------------------------------------------------------------


def test_cross_origin_requests(client: Any, make_url: Make) -> None:
    cors = {"AllowOrigins": ["https://example.org"], "AllowMethods": ["POST"], "AllowHeaders": ["x-own"], "MaxAge": 5}
    code = "def handler(event, context):\n    return {'statusCode': 200, 'headers': {'Access-Control-Allow-Origin': '*'}}\n"
    url = make_url(code, public=False, settings={"Cors": cors})
    preflight = {"Origin": "https://example.org", "Access_Control_Request_Method": "POST"}
    asked = url.request("OPTIONS", **preflight)
    assert (asked.status, asked.body) == (200, b"")
    assert asked.headers["Access-Control-Allow-Origin"] == "https://example.org"
    assert asked.headers["Access-Control-Allow-Methods"] == "POST"
    assert asked.headers["Access-Control-Max-Age"] == "5"
    other = url.request("OPTIONS", **{**preflight, "Origin": "https://evil.example"})
    assert (other.status, other.headers["Access-Control-Allow-Origin"]) == (200, None)

    refused = url.request(Origin="https://example.org")
    assert (refused.status, refused.headers["Access-Control-Allow-Origin"]) == (403, "https://example.org")
    allow(client, url.function)
    for origin, allowed in (("https://example.org", ["https://example.org"]), ("https://evil.example", None)):
        assert url.request(Origin=origin).headers.get_all("Access-Control-Allow-Origin") == allowed


# --- Versions, states, concurrency --------------------------------------------------------------------------------------


def test_the_url_of_an_alias(server: Server, client: Any) -> None:
    name = create(
        client, "def handler(event, context):\n    return [context.function_version, context.invoked_function_arn]\n"
    )
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    config = client.create_function_url_config(FunctionName=name, Qualifier="live", AuthType="NONE")
    url = Url(server, name, id_of(config))
    allow(client, name)
    assert url.request().status == 403  # that is the function's policy, not the alias's
    allow(client, name, Qualifier="live")
    assert url.request().json == ["1", f"arn:aws:lambda:us-east-1:000000000000:function:{name}:live"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")
    assert url.request().json[0] == "$LATEST"
    client.delete_alias(FunctionName=name, Name="live")
    refused = url.request()
    assert (refused.status, refused.headers["x-amzn-ErrorType"]) == (403, "AccessDeniedException")
    assert refused.json["Message"].startswith("Forbidden. For troubleshooting Function URL authorization issues")
    assert client.get_function_url_config(FunctionName=name, Qualifier="live")["AuthType"] == "NONE", "it stays"


def test_a_function_that_is_still_being_made_is_waited_for(server: Server, client: Any) -> None:
    name = new_name()
    code = {"ZipFile": zip_of({"app.py": "def handler(event, context):\n    return 'made'\n"})}
    client.create_function(FunctionName=name, Runtime="python3.11", Role=ROLE, Handler="app.handler", Code=code)
    url = Url(server, name, id_of(client.create_function_url_config(FunctionName=name, AuthType="NONE")))
    allow(client, name)
    assert url.request().body == b"made"


def test_throttles(client: Any, make_url: Make) -> None:
    url = make_url()
    client.put_function_concurrency(FunctionName=url.function, ReservedConcurrentExecutions=0)
    answer = url.request()
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (429, "TooManyRequestsException")
    assert answer.json["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    client.delete_function_concurrency(FunctionName=url.function)
    assert url.request().status == 200


def test_metrics(server: Server, make_url: Make) -> None:
    url = make_url(FAILING)
    assert url.request("GET", "/raise").status == 502
    assert url.request("POST", "/", iter([b"x"])).status == 411
    labels = f'{{function="{url.function}",resource="{url.function}:$LATEST"}}'

    def told(name: str, value: int) -> bool:
        return f"{name}{labels} {value}\n" in server.get("/_lambdad/metrics")[1].decode()

    for name, value in (
        ("requests_total", 2),
        ("4xx_total", 1),
        ("5xx_total", 1),
        ("request_latency_seconds_count", 2),
    ):
        wait_for(lambda name=name, value=value: told(f"lambdad_url_{name}", value))


# --- Around -------------------------------------------------------------------------------------------------------------


CALLING = """
import os, urllib.request
def handler(event, context):
    with urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + event["path"]) as answer:
        return answer.read().decode()
"""


def test_functions_reach_urls(client: Any, echo: Url) -> None:
    caller = create(client, CALLING)
    answer, _ = call(client, caller, {"path": f"{echo.path}from/inside"})
    assert json.loads(answer)["event"]["rawPath"] == "/from/inside"


def test_urls_survive_a_restart(tmp_path: Path) -> None:
    server = Server(tmp_path / "data").start()
    client = server.client()
    name = create(client, "def handler(event, context):\n    return 'still here'\n")
    url = Url(server, name, id_of(client.create_function_url_config(FunctionName=name, AuthType="NONE")))
    allow(client, name)
    assert url.request().body == b"still here"
    server.kill()
    server.start()
    assert url.request().body == b"still here"
    client = server.client()
    client.delete_function_url_config(FunctionName=name)
    assert url.request().status == 403
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("domain", "begins"),
    [
        ("example.test", "http://{id}.lambda-url.us-east-1.example.test:{port}/"),
        ("https://x.test", "https://{id}.lambda-url.us-east-1.x.test/"),
    ],
)
def test_a_domain_of_ones_own(tmp_path: Path, domain: str, begins: str) -> None:
    server = Server(tmp_path / "data", "--function-url-domain", domain).start()
    client = server.client()
    name = create(client, "def handler(event, context):\n    return 1\n")
    config = client.create_function_url_config(FunctionName=name, AuthType="NONE")
    assert config["FunctionUrl"] == begins.format(id=id_of(config), port=urlsplit(server.url).port)
    assert server.stop() == 0
