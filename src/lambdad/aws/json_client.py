"""A client of AWS's JSON protocols (SQS, Kinesis, DynamoDB Streams) on the event loop.

A thousand idle event source mappings are a thousand long polls: threads would be too many, and AWS's own client blocks. One
request at a time on a connection, which is kept for the next; RFC 9112 as far as answers of these services need it.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import orjson

from lambdad.aws.clients import Credentials, Own, users_credentials
from lambdad.aws.sigv4 import Scope, sign

_CONNECT = 10.0
_ANSWER = 10.0
"""Seconds, beyond what the request itself waits."""
_LARGEST = 64 * 1024 * 1024
_IDLE = 64
"""Connections kept to one endpoint."""


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


SQS = Api("sqs", "AmazonSQS", "1.0")
KINESIS = Api("kinesis", "Kinesis_20131202", "1.1")
SECRETS_MANAGER = Api("secretsmanager", "secretsmanager", "1.1")
DYNAMODB_STREAMS = Api("dynamodb", "DynamoDBStreams_20120810", "1.0")

_Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class JsonClient:
    """`close` when nobody calls any more."""

    def __init__(self, endpoints: Mapping[str, str], own: Own) -> None:
        """`endpoints`: URL by service; the others are our own."""
        self._endpoints = endpoints
        self._own = own
        self._idle: dict[str, list[_Connection]] = {}

    def endpoint(self, service: str) -> str:
        return self._endpoints.get(service, self._own.url()).rstrip("/")

    def _caller(self, service: str, account: str) -> Credentials:
        """At our own endpoint the account's; elsewhere the user's, if there are any."""
        return users_credentials() if service in self._endpoints else self._own.caller_of(account)

    async def call(
        self, api: Api, operation: str, account: str, region: str, members: Mapping[str, Any], wait: float = 0.0
    ) -> dict[str, Any]:
        """The answer's members. `wait`: seconds that the service may take over it. Raises AwsError."""
        endpoint = self.endpoint(api.service)
        request = self._request(endpoint, api, operation, account, region, orjson.dumps(members))
        try:
            async with asyncio.timeout(_CONNECT + _ANSWER + wait):
                status, body = await self._exchange(endpoint, request)
        except (OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError) as error:
            raise AwsError("", f"{endpoint} does not answer: {error!r}") from error
        return _members_of(status, body)

    def _request(self, endpoint: str, api: Api, operation: str, account: str, region: str, body: bytes) -> bytes:
        parts = urlsplit(endpoint)
        access_key, secret, token = self._caller(api.service, account)
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
        """(status, body). A kept connection that the service has closed meanwhile is replaced once."""
        while True:
            kept = self._take(endpoint)
            reader, writer = kept or await _connect(endpoint)
            whole = False
            try:
                writer.write(request)
                head = await _head(reader)
                if head is None:
                    if kept is not None:
                        continue
                    raise EOFError("the connection was closed")
                status, headers = head
                body = await _body(reader, headers)
                whole = headers.get("connection", "keep-alive").lower() == "keep-alive" and headers["version"] != "1.0"
                return status, body
            finally:
                if whole:
                    self._keep(endpoint, (reader, writer))
                else:
                    writer.close()

    def _take(self, endpoint: str) -> _Connection | None:
        idle = self._idle.get(endpoint)
        while idle:
            connection = idle.pop()
            if not connection[0].at_eof():
                return connection
            connection[1].close()
        return None

    def _keep(self, endpoint: str, connection: _Connection) -> None:
        idle = self._idle.setdefault(endpoint, [])
        if len(idle) < _IDLE:
            idle.append(connection)
        else:
            connection[1].close()

    def close(self) -> None:
        for idle in self._idle.values():
            for _, writer in idle:
                writer.close()
        self._idle.clear()


async def _connect(endpoint: str) -> _Connection:
    parts = urlsplit(endpoint)
    secure = parts.scheme == "https"
    context = ssl.create_default_context() if secure else None
    return await asyncio.open_connection(parts.hostname, parts.port or (443 if secure else 80), ssl=context)


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]] | None:
    """(status, headers, with the version among them); None: the connection has ended before."""
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = text.split("\r\n")[:-2]
    version, status = first.split(" ", 2)[:2]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(status), {**headers, "version": version.removeprefix("HTTP/")}


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader)
    length = int(headers.get("content-length", "0"))
    if length > _LARGEST:
        raise ValueError("the answer is too large")
    return await reader.readexactly(length)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while True:
        size = int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16)
        if len(body) + size > _LARGEST:
            raise ValueError("the answer is too large")
        body += (await reader.readexactly(size + 2))[:-2]
        if not size:
            return bytes(body)


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
