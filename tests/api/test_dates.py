"""Every answer of the API says when it was given, once."""

import http.client
import json
import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions import create
from server import Server

REPLIES = "def handler(event, context):\n    return event\n"


@pytest.fixture(scope="module")
def function(client: Any) -> str:
    return create(client, REPLIES)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/2015-03-31/functions/{}/invocations", {}, 200),
        ("POST", "/2015-03-31/functions/{}/invocations", {"X-Amz-Invocation-Type": "Event"}, 202),
        ("POST", "/2015-03-31/functions/{}/invocations", {"X-Amz-Invocation-Type": "DryRun"}, 204),
        ("POST", "/2021-11-15/functions/{}/response-streaming-invocations", {}, 200),
        ("GET", "/2015-03-31/functions/{}", {}, 200),
        ("GET", "/2015-03-31/functions/{}-missing", {}, 404),
        ("POST", "/2015-03-31/functions/{}-missing/invocations", {}, 404),
        ("GET", "/2015-03-31/nothing", {}, 404),
        ("POST", "/", {"X-Amz-Target": "AmazonSQS.ListQueues", "Content-Type": "application/x-amz-json-1.0"}, 200),
    ],
)
def test_each_answer_has_a_date(
    server: Server, function: str, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=120)
    before = int(time.time())
    connection.request(method, path.format(function), json.dumps({}) if method == "POST" else None, headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == status
    (date,) = answer.headers.get_all("Date", [])
    assert before <= parsedate_to_datetime(date).timestamp() <= time.time()
    assert date.endswith(" GMT")
