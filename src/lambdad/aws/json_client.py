"""A client of AWS's JSON protocols (SQS, Kinesis, DynamoDB Streams) on the event loop.

A thousand idle event source mappings are a thousand long polls: threads would be too many, and AWS's own client blocks.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from lambdad.aws.clients import Credentials, Own, users_credentials
from lambdad.aws.sigv4 import Scope, sign
from lambdad.http.client import Connections, connect_to

_CONNECT = 10.0
_ANSWER = 10.0
"""Seconds, beyond what the request itself waits."""
_LARGEST = 64 * 1024 * 1024


class AwsError(Exception):
    """The service refused, or could not be reached (`code` is empty then)."""

    def __init__(self, code: str, message: str, status: int = 0) -> None:
        super().__init__(f"{code}: {message}" if code else message)
        self.code = code
        self.status = status


@dataclass(frozen=True, slots=True)
class Api:
    """A service's JSON protocol."""

    service: str
    """What requests are signed for."""
    target_prefix: str
    json_version: str
    option: str = ""
    """What `--endpoint` calls it, where that is another name."""

    @property
    def name(self) -> str:
        return self.option or self.service


SQS = Api("sqs", "AmazonSQS", "1.0")
KINESIS = Api("kinesis", "Kinesis_20131202", "1.1")
SECRETS_MANAGER = Api("secretsmanager", "secretsmanager", "1.1")
DYNAMODB_STREAMS = Api("dynamodb", "DynamoDBStreams_20120810", "1.0", "dynamodbstreams")


class JsonClient:
    """`close` when nobody calls any more."""

    def __init__(self, endpoints: Mapping[str, str], own: Own) -> None:
        """`endpoints`: URL by service; the others are our own."""
        self._endpoints = endpoints
        self._own = own
        self._connections: dict[str, Connections] = {}
        """By endpoint."""

    def is_own(self, api: Api) -> bool:
        """Is it one that this server has itself?"""
        return api.name not in self._endpoints

    def has(self, api: Api) -> bool:
        """Is there anybody to ask?"""
        return api.name in self._endpoints or api.service in self._own.services

    def endpoint(self, service: str) -> str:
        return self._endpoints.get(service, self._own.url()).rstrip("/")

    def _caller(self, service: str, account: str) -> Credentials:
        """At our own endpoint the account's; elsewhere the user's, if there are any."""
        return users_credentials() if service in self._endpoints else self._own.caller_of(account)

    async def call(
        self, api: Api, operation: str, account: str, region: str, members: Mapping[str, Any], wait: float = 0.0
    ) -> dict[str, Any]:
        """The answer's members. `wait`: seconds that the service may take over it. Raises AwsError."""
        endpoint = self.endpoint(api.name)
        request = self._request(endpoint, api, operation, account, region, orjson.dumps(members))
        try:
            async with asyncio.timeout(_CONNECT + _ANSWER + wait):
                status, body = await self._exchange(endpoint, request)
        except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError) as error:
            raise AwsError("", f"{endpoint} does not answer: {error!r}") from error
        return _members_of(status, body)

    def _request(self, endpoint: str, api: Api, operation: str, account: str, region: str, body: bytes) -> bytes:
        parts = urlsplit(endpoint)
        access_key, secret, token = self._caller(api.name, account)
        path = parts.path.rstrip("/") + "/"
        headers = {
            "Host": parts.netloc,
            "Content-Type": f"application/x-amz-json-{api.json_version}",
            "X-Amz-Target": f"{api.target_prefix}.{operation}",
        }
        if token is not None:
            headers["X-Amz-Security-Token"] = token
        moment = datetime.now(UTC)
        scope = Scope(account, region, api.service, access_key, f"{moment:%Y%m%d}")
        sign("POST", path, headers, body, scope, secret, moment)
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body

    async def _exchange(self, endpoint: str, request: bytes) -> tuple[int, bytes]:
        connections = self._connections.get(endpoint)
        if connections is None:
            connections = self._connections[endpoint] = Connections(lambda: connect_to(endpoint))
        answer = await connections.ask(request)
        try:
            return answer.status, await answer.read(_LARGEST)
        finally:
            answer.close()

    def close(self) -> None:
        for connections in self._connections.values():
            connections.close()
        self._connections.clear()


def _members_of(status: int, body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise AwsError("", f"not JSON, with status {status}", status) from error
    if not isinstance(document, dict):
        raise AwsError("", f"no JSON object, with status {status}", status)
    if status >= 300:
        code = str(document.get("__type", "")).rpartition("#")[2]
        raise AwsError(code or "Unknown", str(document.get("message") or document.get("Message") or ""), status)
    return document
