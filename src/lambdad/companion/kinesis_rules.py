"""What Kinesis refuses and moto does not: records that cannot be, places of a shard that are none.

AWS: docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecord.html, …/API_GetShardIterator.html
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.kinesis import models
from moto.kinesis.exceptions import InvalidArgumentError, ValidationException

_LARGEST = 1_048_576
_LONGEST_KEY = 256
_HASH_KEY = r"0|([1-9]\d{0,38})"
_HASHES = 1 << 128
_NUMBER = r"0|([1-9]\d{0,128})"
_NUMBERED = ("AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER")
_PARTS = 3
"""Of an iterator: stream, shard, sequence number."""


def install() -> None:
    """In moto's place."""
    backend = models.KinesisBackend
    put_record, put_records = backend.put_record, backend.put_records
    get_iterator, get_records = backend.get_shard_iterator, backend.get_records

    def record_put(self: Any, arn: str | None, name: str | None, key: str, hash_key: str, data: str) -> Any:
        _check_named(arn, name)
        _check_record({"PartitionKey": key, "ExplicitHashKey": hash_key, "Data": data}, "")
        return put_record(self, arn, name, key, hash_key, data)

    def records_put(self: Any, arn: str | None, name: str | None, records: list[dict[str, Any]]) -> Any:
        _check_named(arn, name)
        for number, record in enumerate(records, 1):
            _check_record(record, f"records.{number}.member.")
        return put_records(self, arn, name, records)

    def iterator_given(
        self: Any, arn: str | None, name: str | None, shard: str, kind: str, number: Any, at: Any
    ) -> Any:
        _check_named(arn, name)
        if kind in _NUMBERED:
            if not number:
                raise InvalidArgumentError(f"StartingSequenceNumber is required for ShardIteratorType {kind}.")
            _check_pattern(str(number), "startingSequenceNumber", _NUMBER)
        if kind == "AT_TIMESTAMP" and at is None:
            raise InvalidArgumentError(f"Timestamp is required for ShardIteratorType {kind}.")
        return get_iterator(self, arn, name, shard, kind, number, at)

    def records_got(self: Any, arn: str | None, iterator: str, limit: int | None) -> Any:
        if not _is_iterator(iterator):
            raise InvalidArgumentError("Invalid ShardIterator.")
        return get_records(self, arn, iterator, limit)

    backend.put_record, backend.put_records = record_put, records_put
    backend.get_shard_iterator, backend.get_records = iterator_given, records_got


def _check_named(arn: str | None, name: str | None) -> None:
    if not arn and not name:
        raise InvalidArgumentError("Either StreamName or StreamARN is required.")


def _check_record(record: Mapping[str, Any], where: str) -> None:
    """`where`: the record's place in the request, with a dot behind it."""
    key, data = record.get("PartitionKey"), record.get("Data")
    if not isinstance(key, str) or not key:
        raise _invalid(f"Value at '{where}partitionKey' failed to satisfy constraint: Member must not be null")
    if len(key) > _LONGEST_KEY:
        why = f"Member must have length less than or equal to {_LONGEST_KEY}"
        raise _invalid(f"Value '{key}' at '{where}partitionKey' failed to satisfy constraint: {why}")
    if record.get("ExplicitHashKey"):
        _check_pattern(str(record["ExplicitHashKey"]), f"{where}explicitHashKey", _HASH_KEY)
        if int(record["ExplicitHashKey"]) >= _HASHES:
            why = f"ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {record['ExplicitHashKey']}"
            raise InvalidArgumentError(f"Invalid ExplicitHashKey. {why}")
    try:
        size = len(b64decode(data or "", validate=True))
    except (binascii.Error, ValueError, TypeError):
        raise JsonRESTError("SerializationException", "") from None
    if size > _LARGEST:
        why = f"Member must have length less than or equal to {_LARGEST}"
        raise _invalid(f"Value at '{where}data' failed to satisfy constraint: {why}")


def _check_pattern(value: str, where: str, pattern: str) -> None:
    if not re.fullmatch(pattern, value):
        raise ValidationException(value, where, pattern)


def _invalid(what: str) -> JsonRESTError:
    return JsonRESTError("ValidationException", f"1 validation error detected: {what}")


def _is_iterator(text: Any) -> bool:
    try:
        parts = models.decompose_shard_iterator(text)
    except (AttributeError, ValueError):
        return False
    return len(parts) == _PARTS and parts[-1].isdecimal()
