"""Fixtures: functions with URLs."""

from typing import Any

import pytest

from functions import create
from server import Server
from urls import Make, Url, allow, id_of

ECHO = """
import json
def handler(event, context):
    own = {"aws_request_id": context.aws_request_id, "arn": context.invoked_function_arn, "version": context.function_version}
    return {"event": event, "context": own}
"""
ANSWERING = """
import base64, json
def handler(event, context):
    body = event.get("body", "null")
    if event["isBase64Encoded"]:
        body = base64.b64decode(body)
    return json.loads(body)
"""
"""Answers what it is sent."""


@pytest.fixture(scope="session")
def make_url(server: Server, client: Any) -> Make:
    """A function of this source with a URL that anyone may call."""

    def make(code: str = ECHO, *, public: bool = True, settings: dict[str, Any] | None = None, **more: Any) -> Url:
        name = create(client, code, **more)
        config = client.create_function_url_config(FunctionName=name, **{"AuthType": "NONE", **(settings or {})})
        if public:
            allow(client, name)
        return Url(server, name, id_of(config))

    return make


@pytest.fixture(scope="session")
def echo(make_url: Make) -> Url:
    return make_url()


@pytest.fixture(scope="session")
def answering(make_url: Make) -> Url:
    return make_url(ANSWERING)
