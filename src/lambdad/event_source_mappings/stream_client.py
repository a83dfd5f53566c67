"""Asking a stream's service, with what goes wrong there in words that every kind of stream has.

At most so many requests at once: a thousand mappings that begin together must not hold up everybody else.
"""

import asyncio
from typing import Any

from lambdad.aws.json_client import Api, AwsError, JsonClient
from lambdad.event_source_mappings.stream_record import IteratorExpired, PlaceTrimmed, ShardGone
from lambdad.resources.event_source_mapping import MappingKey

_GONE = "ResourceNotFoundException"
_EXPIRED = "ExpiredIteratorException"
_TRIMMED = "TrimmedDataAccessException"


class StreamClient:
    def __init__(self, client: JsonClient, api: Api, key: MappingKey, at_once: asyncio.Semaphore) -> None:
        self._client = client
        self._api = api
        self._key = key
        self._at_once = at_once

    @property
    def own(self) -> bool:
        return self._client.is_own(self._api)

    async def call(self, operation: str, **members: Any) -> dict[str, Any]:
        """Members that are None are left out. Raises AwsError."""
        given = {name: value for name, value in members.items() if value is not None}
        async with self._at_once:
            return await self._client.call(self._api, operation, self._key.account, self._key.region, given)

    async def of_shard(self, operation: str, **members: Any) -> dict[str, Any]:
        """Raises AwsError, ShardGone, IteratorExpired, PlaceTrimmed."""
        try:
            return await self.call(operation, **members)
        except AwsError as error:
            if error.code == _GONE:
                raise ShardGone(str(error)) from error
            if error.code == _EXPIRED:
                raise IteratorExpired(str(error)) from error
            if error.code == _TRIMMED:
                raise PlaceTrimmed(str(error)) from error
            raise
