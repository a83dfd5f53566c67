"""AWS's own clients of other services, at the endpoints that are configured (`--endpoint SERVICE=URL`).

They block, so they have a few threads of their own: a slow endpoint must not hold up anything else. They are imported at first
use: that costs half a second, and most servers never need them.
"""

import asyncio
import threading
from collections.abc import Callable, Container, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
Credentials = tuple[str, str, str | None]
"""Access key id, secret, session token."""

_ANYONE = "lambdad"
_TIMEOUT = 10
"""Seconds to connect, and between two pieces."""


class NoEndpoint(Exception):
    def __init__(self, service: str) -> None:
        super().__init__(f"no endpoint is configured for it: start lambdad with --endpoint {service}=URL")


@dataclass(frozen=True, slots=True)
class Own:
    """The services that this server has itself: asked for by an account in its own name, unless others are configured."""

    services: Container[str]
    url: Callable[[], str]
    caller_of: Callable[[str], Credentials]
    """By account."""


class Clients:
    """Made once; `close` when the server ends."""

    def __init__(
        self, endpoints: Mapping[str, str], own: Own, at_once: int, headers: Mapping[str, str] | None = None
    ) -> None:
        """`headers`: that every request has beside its own."""
        self._headers = headers or {}
        self._endpoints = endpoints
        self._own = own
        self._at_once = at_once
        self._threads = ThreadPoolExecutor(at_once, "aws")
        self._clients: dict[tuple[str, str, str], Any] = {}
        self._making = threading.Lock()

    async def call(self, service: str, account: str, region: str, use: Callable[[Any], T]) -> T:
        """What `use(client)` gives, in a thread. Raises NoEndpoint, and what the client raises."""
        self.endpoint(service)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: use(self._client(service, account, region)))

    def endpoint(self, service: str) -> str:
        """Without a slash at its end. Raises NoEndpoint."""
        if service in self._endpoints:
            return self._endpoints[service].rstrip("/")
        if service in self._own.services:
            return self._own.url()
        raise NoEndpoint(service)

    def _client(self, service: str, account: str, region: str) -> Any:
        """Making one takes long, and not every part of that may be done by two threads."""
        whose = "" if service in self._endpoints else account
        with self._making:
            client = self._clients.get((service, whose, region))
            if client is None:
                own = self._own.caller_of(account) if whose else None
                client = make_client(service, self.endpoint(service), region, self._at_once, own)
                client.meta.events.register("before-send", self._add_headers)
                self._clients[service, whose, region] = client
            return client

    def _add_headers(self, request: Any, **_: Any) -> None:
        request.headers.update(self._headers)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def make_client(service: str, endpoint: str, region: str, at_once: int, caller: Credentials | None = None) -> Any:
    """As `caller`; else with the user's own credentials where there are some; else any will do for the endpoints that people
    run themselves."""
    import boto3
    from botocore.config import Config

    session = boto3.session.Session()
    credentials = {}
    if caller is not None:
        credentials = {"aws_access_key_id": caller[0], "aws_secret_access_key": caller[1]}
    elif session.get_credentials() is None:
        credentials = {"aws_access_key_id": _ANYONE, "aws_secret_access_key": _ANYONE}
    settings = Config(
        connect_timeout=_TIMEOUT,
        read_timeout=_TIMEOUT,
        retries={"max_attempts": 2},
        max_pool_connections=at_once,
        s3={"addressing_style": "path"},
    )
    return session.client(service, endpoint_url=endpoint, region_name=region, config=settings, **credentials)


@cache
def _found() -> Any:
    import boto3

    return boto3.session.Session().get_credentials()


def users_credentials() -> Credentials:
    """(access key id, secret, session token) as AWS's own tools find them, renewed when their time is over; else any."""
    found = _found()
    if found is None:
        return _ANYONE, _ANYONE, None
    frozen = found.get_frozen_credentials()
    return frozen.access_key, frozen.secret_key, frozen.token
