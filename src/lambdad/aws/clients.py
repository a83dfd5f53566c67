"""AWS's own clients of other services, at the endpoints that are configured (`--endpoint SERVICE=URL`).

They block, so they have a few threads of their own: a slow endpoint must not hold up anything else. They are imported at first
use: that costs half a second, and most servers never need them.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")

_ANYONE = "lambdad"
_TIMEOUT = 10
"""Seconds to connect, and between two pieces."""


class NoEndpoint(Exception):
    def __init__(self, service: str) -> None:
        super().__init__(f"no endpoint is configured for it: start lambdad with --endpoint {service}=URL")


class Clients:
    """Made once; `close` when the server ends."""

    def __init__(self, endpoints: Mapping[str, str], at_once: int) -> None:
        self._endpoints = endpoints
        self._at_once = at_once
        self._threads = ThreadPoolExecutor(at_once, "aws")
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()

    async def call(self, service: str, region: str, use: Callable[[Any], T]) -> T:
        """What `use(client)` gives, in a thread. Raises NoEndpoint, and what the client raises."""
        if service not in self._endpoints:
            raise NoEndpoint(service)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: use(self._client(service, region)))

    def endpoint(self, service: str) -> str:
        """Without a slash at its end. Raises NoEndpoint."""
        if service not in self._endpoints:
            raise NoEndpoint(service)
        return self._endpoints[service].rstrip("/")

    def _client(self, service: str, region: str) -> Any:
        """Making one takes long, and not every part of that may be done by two threads."""
        with self._making:
            client = self._clients.get((service, region))
            if client is None:
                client = make_client(service, self._endpoints[service], region, self._at_once)
                self._clients[service, region] = client
            return client

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def make_client(service: str, endpoint: str, region: str, at_once: int) -> Any:
    """With the user's own credentials where there are some; else any will do for the endpoints that people run themselves."""
    import boto3
    from botocore.config import Config

    session = boto3.session.Session()
    credentials = {}
    if session.get_credentials() is None:
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


def users_credentials() -> tuple[str, str, str | None]:
    """(access key id, secret, session token) as AWS's own tools find them, renewed when their time is over; else any."""
    found = _found()
    if found is None:
        return _ANYONE, _ANYONE, None
    frozen = found.get_frozen_credentials()
    return frozen.access_key, frozen.secret_key, frozen.token
