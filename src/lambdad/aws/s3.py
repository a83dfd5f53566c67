"""Reading objects from the configured S3 endpoint, by AWS's own client.

The client blocks, so it has a few threads of its own: a slow endpoint must not hold up anything else.
"""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from lambdad.aws.clients import make_client
from lambdad.errors import InvalidParameterValueException

_AT_ONCE = 4
_DEADLINE = 120.0
"""Seconds for one object."""
_PIECE = 1 << 20


class S3Objects:
    """`fetch` is what operations get; `close` when the server ends."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, "s3")
        self._client = lru_cache(8)(_client)

    async def fetch(self, endpoint: str, region: str, bucket: str, key: str, version: str | None, most: int) -> bytes:
        """The object, at most `most` bytes. Raises InvalidParameterValueException with S3's own code and words."""
        wanted = {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._fetch, endpoint, region, wanted, most)

    def _fetch(self, endpoint: str, region: str, wanted: dict[str, str], most: int) -> bytes:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return _read(self._client(endpoint, region).get_object(**wanted)["Body"], most)
        except ClientError as error:
            raise InvalidParameterValueException.s3(
                error.response["Error"]["Code"], error.response["Error"]["Message"]
            ) from error
        except BotoCoreError as error:
            raise InvalidParameterValueException.s3("ServiceUnavailable", str(error)) from error

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _read(body: Any, most: int) -> bytes:
    """All of it, whatever length it has announced. Raises InvalidParameterValueException."""
    deadline = time.monotonic() + _DEADLINE
    content = bytearray()
    with body:
        while piece := body.read(_PIECE):
            content += piece
            if len(content) > most:
                raise InvalidParameterValueException.unzipped_too_large(most)
            if time.monotonic() > deadline:
                raise InvalidParameterValueException.s3("RequestTimeout", "The object did not come in time.")
    return bytes(content)


def _client(endpoint: str, region: str) -> Any:
    return make_client("s3", endpoint, region, _AT_ONCE)
