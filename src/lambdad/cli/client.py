"""How the commands talk to the server: HTTP by the standard library, because the AWS SDK takes half a second to import."""

import http.client
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

import click

from lambdad.aws.sigv4 import Scope, sign

_DEFAULT = "http://127.0.0.1:4566"
_TIMEOUT = 960.0
"""Seconds: longer than the longest function."""

endpoint_option = click.option(
    "--endpoint-url",
    envvar="AWS_ENDPOINT_URL",
    default=_DEFAULT,
    show_default=True,
    help="Where the server is.  [AWS_ENDPOINT_URL]",
)


def fail(message: str, code: int = 1) -> NoReturn:
    """One sentence on standard error, and out."""
    print(f"lambdad: {message}", file=sys.stderr)
    sys.exit(code)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body) if self.body else {}

    @property
    def error(self) -> str:
        """The type of the error; empty if it is none."""
        if self.status < 400:
            return ""
        return self.headers.get("x-amzn-errortype") or str(self.json().get("__type", "")).rpartition("#")[2]

    @property
    def message(self) -> str:
        document = self.json()
        return str(document.get("message") or document.get("Message") or f"HTTP status {self.status}")


class Client:
    """Requests are signed with the credentials, and for the region, that the AWS variables say."""

    def __init__(self, endpoint: str) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            fail(f"{endpoint!r} is not the URL of a server.", 2)
        self._endpoint = endpoint
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=_TIMEOUT)
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
        self._host = parts.netloc.rpartition("@")[2]
        self._region = region
        self._access_key = os.environ.get("AWS_ACCESS_KEY_ID") or "000000000000"
        self._secret = os.environ.get("AWS_SECRET_ACCESS_KEY") or "unknown"
        self._token = os.environ.get("AWS_SESSION_TOKEN")

    def send(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
        """`body`: bytes as they are, anything else as JSON."""
        return self._send("lambda", method, path, body, headers or {})

    def call(self, service: str, target: str, request: Mapping[str, Any]) -> Answer:
        """An operation of a service that speaks AWS's JSON protocol. `target`: its X-Amz-Target."""
        headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"}
        return self._send(service, "POST", "/", request, headers)

    def _send(self, service: str, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Answer:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        moment = datetime.now(UTC)
        given = {"Host": self._host, **headers}
        if self._token:
            given["X-Amz-Security-Token"] = self._token
        scope = Scope("", self._region, service, self._access_key, f"{moment:%Y%m%d}")
        sign(method, path, given, data or b"", scope, self._secret, moment)
        try:
            self._connection.request(method, path, data, given)
            response = self._connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        except (OSError, http.client.HTTPException) as error:
            fail(f"no server answers at {self._endpoint} ({error}). Start one with `lambdad serve`.")
