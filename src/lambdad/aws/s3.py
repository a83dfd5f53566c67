"""Reading objects by AWS's own client, which blocks: it has a few threads of its own, so that a slow endpoint holds up nobody."""

import time
from collections.abc import Mapping
from typing import Any

from lambdad.aws.clients import Clients, NoEndpoint, Own
from lambdad.errors import InvalidParameterValueException

_AT_ONCE = 4
_DEADLINE = 120.0
"""Seconds for one object."""
_PIECE = 1 << 20


class S3Objects:
    """`fetch` is what operations get; `close` when the server ends."""

    def __init__(self, endpoints: Mapping[str, str], own: Own) -> None:
        """`endpoints`: URL by service."""
        self._clients = Clients(endpoints, own, _AT_ONCE)

    async def fetch(self, account: str, region: str, bucket: str, key: str, version: str | None, most: int) -> bytes:
        """The object, at most `most` bytes. Raises InvalidParameterValueException with S3's own code and words."""
        wanted = {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})
        try:
            return await self._clients.call("s3", account, region, lambda client: _fetch(client, wanted, most))
        except NoEndpoint as error:
            raise InvalidParameterValueException.no_s3_endpoint() from error

    def close(self) -> None:
        self._clients.close()


def _fetch(client: Any, wanted: dict[str, str], most: int) -> bytes:
    """In a thread."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return _read(client.get_object(**wanted)["Body"], most)
    except ClientError as error:
        raise InvalidParameterValueException.s3(
            error.response["Error"]["Code"], error.response["Error"]["Message"]
        ) from error
    except BotoCoreError as error:
        raise InvalidParameterValueException.s3("ServiceUnavailable", str(error)) from error


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
