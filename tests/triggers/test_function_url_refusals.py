"""Who may not call a function URL, and requests that none takes."""

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from functions import call, create
from server import Server
from urls import Answer, Make, Url, allow, id_of

FORBIDDEN = {
    "Message": "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
}


def is_forbidden(answer: Answer) -> bool:
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (403, "AccessDeniedException")
    return bool(answer.json == FORBIDDEN)


# --- Permissions --------------------------------------------------------------------------------------------------------


def test_a_url_needs_both_permissions(client: Any, make_url: Make) -> None:
    url = make_url(public=False)
    assert is_forbidden(url.request())
    permission = {"FunctionName": url.function, "Principal": "*"}
    client.add_permission(
        **permission, StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"
    )
    assert is_forbidden(url.request())
    client.add_permission(
        **permission, StatementId="function", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True
    )
    assert url.request().status == 200
    client.remove_permission(FunctionName=url.function, StatementId="url")
    assert is_forbidden(url.request())


def test_another_auth_type_counts_at_once(client: Any, make_url: Make) -> None:
    url = make_url()
    assert url.request().status == 200
    client.update_function_url_config(FunctionName=url.function, AuthType="AWS_IAM")
    assert is_forbidden(url.request())


def test_urls_that_are_not_there(client: Any, make_url: Make, echo: Url) -> None:
    unknown = Url(echo.server, "", "0123456789abcdefghijklmnopqrstuv")
    elsewhere = Url(echo.server, echo.function, echo.id, "eu-west-1")
    deleted = make_url()
    client.delete_function_url_config(FunctionName=deleted.function)
    gone = make_url()
    client.delete_function(FunctionName=gone.function)
    for url in (unknown, elsewhere, deleted, gone):
        answer = url.request()
        assert (answer.status, answer.body) == (403, b'{"Message":null}')
        assert answer.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    for path in ("/_lambdad/function-urls/", "/_lambdad/function-urls//x", f"{unknown.path}x", f"{echo.path[:-2]}/"):
        assert echo.send("GET", path, None, {}).body == b'{"Message":null}'


# --- AWS_IAM ------------------------------------------------------------------------------------------------------------


def signed(
    url: Url,
    access_key: str = "000000000000",
    secret: str = "test",
    service: str = "lambda",
    region: str = "us-east-1",
    body: bytes = b"",
    target: str = "/a%20b?x=1&y=%C3%BC",
    host: str | None = None,
    presigned: bool = False,
) -> tuple[str, str, bytes, dict[str, str]]:
    """What `Url.send` takes."""
    request = AWSRequest("POST", f"http://{host or url.host}{target}", data=body, headers={"Host": host or url.host})
    kind = SigV4QueryAuth if presigned else SigV4Auth
    kind(Credentials(access_key, secret), service, region).add_auth(request)
    parts = urlsplit(request.url)
    return "POST", f"{parts.path}?{parts.query}", body, {name: str(value) for name, value in request.headers.items()}


@pytest.fixture(scope="module")
def private(make_url: Make) -> Url:
    return make_url(public=False, settings={"AuthType": "AWS_IAM"})


@pytest.mark.parametrize("presigned", [False, True])
def test_a_signed_request(private: Url, presigned: bool) -> None:
    """Without --auth no secret is known: the signature says who calls, and is believed."""
    answer = private.send(*signed(private, secret="anything", presigned=presigned))
    event = answer.json["event"]
    assert event["requestContext"]["accountId"] == "000000000000"
    assert event["requestContext"]["authorizer"]["iam"]["accessKey"] == "000000000000"
    assert event["requestContext"]["authorizer"]["iam"]["userArn"] == "arn:aws:iam::000000000000:root"
    assert "authorization" not in event["headers"]


def test_who_has_not_signed(client: Any, private: Url) -> None:
    assert is_forbidden(private.request())
    allow(client, private.function)
    assert is_forbidden(private.request())


def test_another_account_needs_what_the_policy_allows(client: Any, make_url: Make) -> None:
    url = make_url(public=False, settings={"AuthType": "AWS_IAM"})
    other = signed(url, "444455556666")
    assert is_forbidden(url.send(*other))
    allow(client, url.function, "AWS_IAM", "444455556666")
    answer = url.send(*other)
    assert answer.json["event"]["requestContext"]["authorizer"]["iam"]["accountId"] == "444455556666"
    assert is_forbidden(url.send(*signed(url, "777788889999")))


@pytest.mark.parametrize(("service", "region"), [("s3", "us-east-1"), ("lambda", "eu-west-1")])
def test_a_signature_for_something_else(private: Url, service: str, region: str) -> None:
    answer = private.send(*signed(private, service=service, region=region))
    assert (answer.status, answer.headers["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")


@pytest.fixture(scope="module")
def checking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Url, Url]]:
    """A server that checks signatures: a URL for whoever signs, and one for everyone."""
    server = Server(
        tmp_path_factory.mktemp("checking") / "data", "--auth", "sigv4", "--credential", "AKID:hidden"
    ).start()
    client = server.client(account="AKID", secret="hidden")
    urls = []
    for auth_type in ("AWS_IAM", "NONE"):
        name = create(client, "def handler(event, context):\n    return event['rawPath']\n")
        config = client.create_function_url_config(FunctionName=name, AuthType=auth_type)
        allow(client, name)
        urls.append(Url(server, name, id_of(config)))
    yield urls[0], urls[1]
    assert server.stop() == 0


@pytest.mark.parametrize("presigned", [False, True])
def test_signatures_are_checked(checking: tuple[Url, Url], presigned: bool) -> None:
    url = checking[0]
    signed_body = b"" if presigned else b"{}"
    method, target, body, headers = signed(url, "AKID", "hidden", body=signed_body, presigned=presigned)
    assert url.send(method, target, body, headers).body == b"/a%20b"
    for wrong in (
        (method, target, b"{ }", headers),
        ("PUT", target, body, headers),
        (method, target.replace("/a", "/b"), body, headers),
        (method, target.replace("x=1", "x=2"), body, headers),
        signed(url, "AKID", "guessed", presigned=presigned),
        signed(url, "NOBODY", "hidden", presigned=presigned),
        (method, target, body, {**headers, "Host": checking[1].host.replace(checking[1].id, url.id.upper())}),
    ):
        answer = url.send(*wrong)
        assert answer.status == 403
        assert answer.headers["x-amzn-ErrorType"] in ("InvalidSignatureException", "UnrecognizedClientException")


def test_signatures_by_path(checking: tuple[Url, Url]) -> None:
    url = checking[0]
    by_path = signed(url, "AKID", "hidden", target=f"{url.path}x/y?z=1", host=urlsplit(url.server.url).netloc)
    assert url.send(*by_path).body == b"/x/y"


SIGNING = """
import os, urllib.error, urllib.request
import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

def handler(event, context):
    url = os.environ["AWS_ENDPOINT_URL"] + event["path"]
    request = AWSRequest("GET", url, headers={"Host": url.split("/")[2]})
    if event["signed"]:
        credentials = boto3.Session().get_credentials().get_frozen_credentials()
        SigV4Auth(credentials, "lambda", os.environ["AWS_REGION"]).add_auth(request)
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(request.headers))) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code
"""


def test_functions_sign_with_their_role(checking: tuple[Url, Url]) -> None:
    url = checking[0]
    client = url.server.client(account="AKID", secret="hidden")
    name = create(client, SIGNING)
    event = {"path": f"{url.path}from/inside", "signed": True}
    assert call(client, name, event)[0] == "/from/inside"
    assert call(client, name, {**event, "signed": False})[0] == 403


def test_an_old_signature(checking: tuple[Url, Url]) -> None:
    url = checking[0]
    method, target, body, headers = signed(url, "AKID", "hidden")
    headers["X-Amz-Date"] = f"{datetime.now(UTC) - timedelta(hours=1):%Y%m%dT%H%M%SZ}"
    assert url.send(method, target, body, headers).status == 403


def test_an_open_url_of_a_server_that_checks_signatures(checking: tuple[Url, Url]) -> None:
    """Who reaches it reaches its function, and nothing of the API."""
    url = checking[1]
    assert url.request("GET", "/open").body == b"/open"
    for path in (
        f"/2015-03-31/functions/{checking[0].function}/invocations",
        "/2015-03-31/functions/",
        "/_lambdad/metrics",
        "/_lambdad/cost?function=x",
        checking[0].path,
    ):
        for host in (url.host, url.host.upper(), url.host.replace("localhost", "localhost.")):
            assert url.request("POST", path, b"{}", Host=host).body == path.partition("?")[0].encode()


# --- Requests that no URL takes -----------------------------------------------------------------------------------------


@pytest.fixture
def connection(server: Server) -> Iterator[socket.socket]:
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=120) as opened:
        yield opened


def exchange(connection: socket.socket, request: str) -> bytes:
    """Everything the server says until it ends the connection, which the request asks it to."""
    connection.sendall(request.encode("latin-1"))
    said = b""
    while more := connection.recv(65536):
        said += more
    return said


def status_and_body(said: bytes) -> tuple[int, Any]:
    head, _, body = said.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def test_websockets(connection: socket.socket, echo: Url) -> None:
    upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: x\r\n"
    said = exchange(connection, f"GET / HTTP/1.1\r\nHost: {echo.host}\r\n{upgrade}\r\n")
    assert said.count(b"HTTP/1.1 ") == 1
    assert status_and_body(said) == (
        400,
        {"Message": "Function URLs do not support protocol upgrades such as WebSocket."},
    )


def test_other_upgrades_are_not_taken_up(connection: socket.socket, echo: Url) -> None:
    """As `curl --http2` offers: answered in HTTP/1.1; what follows is not read as a request."""
    upgrade = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
    request = f"GET / HTTP/1.1\r\nHost: {echo.host}\r\n{upgrade}\r\n"
    said = exchange(connection, request + f"GET /smuggled HTTP/1.1\r\nHost: {echo.host}\r\n\r\n")
    assert said.count(b"HTTP/1.1 ") == 1
    status, answer = status_and_body(said)
    assert (status, answer["event"]["rawPath"]) == (200, "/")
    assert not {"upgrade", "http2-settings", "connection"} & answer["event"]["headers"].keys()


def test_chunked_uploads(connection: socket.socket, echo: Url) -> None:
    said = exchange(
        connection,
        f"POST / HTTP/1.1\r\nHost: {echo.host}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    )
    assert status_and_body(said) == (
        411,
        {"Message": "Function URLs do not support chunked requests: send a Content-Length."},
    )


def ask(connection: socket.socket, target: str, host: str, method: str = "GET") -> tuple[int, Any]:
    return status_and_body(
        exchange(connection, f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    )


def test_absolute_targets(connection: socket.socket, echo: Url) -> None:
    status, answer = ask(connection, f"HTTP://{echo.host.upper()}?q=1", echo.host)
    assert (status, answer["event"]["rawPath"], answer["event"]["rawQueryString"]) == (200, "/", "q=1")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "http://{other}/x"),
        ("GET", "http://user@{own}/x"),
        ("GET", "http://{api}/2015-03-31/functions/"),
        ("GET", "ftp://{own}/x"),
        ("OPTIONS", "*"),
    ],
)
def test_targets_that_mean_something_else(
    connection: socket.socket, echo: Url, answering: Url, method: str, target: str
) -> None:
    api = urlsplit(echo.server.url).netloc
    meant = target.format(other=answering.host, own=echo.host, api=api)
    status, answer = ask(connection, meant, echo.host, method)
    assert (status, list(answer)) == (400, ["Message"])


def test_an_absolute_target_names_no_url_behind_the_apis_host(connection: socket.socket, echo: Url) -> None:
    """It is the API's: `/x` is none of its paths."""
    api = urlsplit(echo.server.url).netloc
    status, answer = ask(connection, f"http://{echo.host}/x", api, "POST")
    assert (status, answer["Message"]) == (404, "The requested operation is not recognized by the service.")


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda host: host.replace(":", ".:"),
        lambda host: host.partition(":")[0],
        lambda host: host.replace("localhost", "a.b.c"),
    ],
)
def test_names_of_one_host(connection: socket.socket, echo: Url, change: Any) -> None:
    status, answer = ask(connection, "/x", change(echo.host))
    assert (status, answer["event"]["rawPath"]) == (200, "/x")
    assert answer["event"]["requestContext"]["domainPrefix"] == echo.id


@pytest.mark.parametrize(
    "host",
    [
        ".lambda-url.us-east-1.localhost",
        "a.{id}.lambda-url.us-east-1.localhost",
        "{id}.lambda-url.",
        "{id}.lambda-url..localhost",
        "{id}.lambda-url.us-east-1.localhost:99999999",
        "{id}.lambda-url.us-east-1.localhost:x",
        "{id}.lambda-url.us-east-1.localhost/",
        "{id}.lambda-url.us-east-1.local host",
        "user@{id}.lambda-url.us-east-1.localhost",
        "{id}.lambda-url.us-east-1.\xff",
        "x.lambda-url.us-east-1.localhost,{id}.lambda-url.us-east-1.localhost",
    ],
)
def test_hosts_that_are_no_urls(connection: socket.socket, echo: Url, host: str) -> None:
    """None of them comes to the API either."""
    assert ask(connection, "/2015-03-31/functions/", host.format(id=echo.id)) == (403, {"Message": None})


def test_two_hosts(connection: socket.socket, echo: Url, answering: Url) -> None:
    said = exchange(connection, f"GET / HTTP/1.1\r\nHost: {echo.host}\r\nHost: {answering.host}\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 ")


def test_headers_of_one_name_are_joined(connection: socket.socket, echo: Url) -> None:
    said = exchange(
        connection,
        f"GET / HTTP/1.1\r\nHost: {echo.host}\r\nX-Many: a\r\nX-Many: b\r\nCookie: c=1\r\nCookie: d=2\r\nConnection: close\r\n\r\n",
    )
    event = status_and_body(said)[1]["event"]
    assert event["headers"]["x-many"] == "a,b"
    assert event["cookies"] == ["c=1", "d=2"]


def test_odd_but_harmless(connection: socket.socket, echo: Url) -> None:
    target = "/..%2f..%2f%00//../?" + "&".join(f"a{number}=%ff" for number in range(4000)) + '#[]{}|\\^`"<>'
    status, answer = ask(connection, target, echo.host)
    assert status == 200
    assert answer["event"]["rawPath"] == "/..%2f..%2f%00//../"
    assert len(answer["event"]["queryStringParameters"]) == 4000
    assert answer["event"]["queryStringParameters"]["a0"] == "\ufffd"
