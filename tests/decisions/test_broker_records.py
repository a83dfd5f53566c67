"""What functions are given of brokers' records, and what becomes of those that fail: pure."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.event_source_mappings import kafka_event, rabbitmq_event
from lambdad.event_source_mappings.java_bytes import java_bytes
from lambdad.event_source_mappings.kafka_event import KafkaRecord
from lambdad.event_source_mappings.rabbitmq_event import RabbitMessage
from lambdad.event_source_mappings.retries import Retries


def record(offset: int, *, partition: int = 0, timestamp: int = 0, value: bytes | None = b"x") -> KafkaRecord:
    return KafkaRecord("t", partition, offset, timestamp, 0, None, value, ())


RECORDS = [record(5), record(6), record(7, partition=1)]


def named(place: object, offset: object) -> dict[str, Any]:
    return {"itemIdentifier": {"partition": place, "offset": offset}}


@pytest.mark.parametrize(
    "answer",
    [None, "", [], {}, {"batchItemFailures": []}, {"batchItemFailures": None}, {"other": 1}],
)
def test_answers_that_name_no_failure(answer: object) -> None:
    assert kafka_event.failed_of(json.dumps(answer).encode(), RECORDS) == []


@pytest.mark.parametrize(
    "failure",
    [
        {},
        {"itemIdentifier": None},
        {"itemIdentifier": ""},
        {"itemIdentifier": "t-0"},
        named("t-0", 99),
        named("t-0", "5"),
        named("other-0", 5),
        named(None, 5),
    ],
)
def test_a_failure_that_cannot_be_told_is_all_of_them(failure: object) -> None:
    answer = {"batchItemFailures": [named("t-0", 5), failure]}
    assert kafka_event.failed_of(json.dumps(answer).encode(), RECORDS) == RECORDS


@pytest.mark.parametrize("payload", [b"no json", b'"text"', b"[1]", b'{"batchItemFailures": 1}'])
def test_no_answer_at_all_is_all_of_them(payload: bytes) -> None:
    assert kafka_event.failed_of(payload, RECORDS) == RECORDS


def test_failures_keep_their_order() -> None:
    answer = {"batchItemFailures": [named("t-1", 7), named("t-0", 5), named("t-0", 5)]}
    assert kafka_event.failed_of(json.dumps(answer).encode(), RECORDS) == [RECORDS[0], RECORDS[2]]


def test_tombstones_have_no_value() -> None:
    assert "value" not in kafka_event.document_of(record(1, value=None))


@given(st.binary())
def test_bytes_as_java_has_them(content: bytes) -> None:
    numbers = java_bytes(content)
    assert all(-128 <= number <= 127 for number in numbers)
    assert bytes(number % 256 for number in numbers) == content


class TestRetries:
    def test_without_limits_for_ever(self) -> None:
        retries = Retries.of({"MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": -1})
        assert not retries.given_up(1_000_000)
        assert retries.by_age(RECORDS, 1e12) == (RECORDS, [])

    def test_somewhere_to_put_them_is_a_limit(self) -> None:
        settings = {"DestinationConfig": {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:q"}}}
        retries = Retries.of(settings, with_destination=10)
        assert [retries.given_up(attempts) for attempts in (10, 11)] == [False, True]

    def test_a_topic_is_no_place_to_put_them_yet(self) -> None:
        settings = {"DestinationConfig": {"OnFailure": {"Destination": "kafka://failed"}}}
        assert not Retries.of(settings, with_destination=10).given_up(1_000_000)

    def test_none_at_all(self) -> None:
        assert Retries.of({"MaximumRetryAttempts": 0}).given_up(1)

    def test_too_old(self) -> None:
        retries = Retries.of({"MaximumRecordAgeInSeconds": 60})
        old, new = record(1, timestamp=39_999), record(2, timestamp=40_000)
        assert retries.by_age([old, new], 100.0) == ([new], [old])

    @given(st.integers(1, 50))
    def test_halves_are_all_of_it(self, count: int) -> None:
        records = [record(number) for number in range(count)]
        halves = Retries.of({"BisectBatchOnFunctionError": True}).halves(records)
        assert [one for half in halves for one in half] == records
        assert len(halves) == (2 if count > 1 else 1)
        assert all(halves)
        assert Retries.of({}).halves(records) == [records]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(1970, 1, 1, 0, 33, 41, tzinfo=UTC), "Jan 1, 1970, 12:33:41 AM"),
        (datetime(2026, 12, 31, 12, 0, 9, tzinfo=UTC), "Dec 31, 2026, 12:00:09 PM"),
        (datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC), "Mar 10, 2026, 11:59:59 PM"),
    ],
)
def test_dates_as_java_writes_them(moment: datetime, text: str) -> None:
    made = rabbitmq_event.record_of(RabbitMessage(b"", False, {}, timestamp=moment))
    assert made["basicProperties"]["timestamp"] == text


def test_headers_of_every_kind() -> None:
    headers = {"s": "é", "b": b"\xff", "n": 1, "t": True, "none": None, "list": ["x", 2], "table": {"in": "y"}}
    made = rabbitmq_event.record_of(RabbitMessage(b"", False, headers))["basicProperties"]["headers"]
    assert made == {
        "s": {"bytes": [-61, -87]},
        "b": {"bytes": [-1]},
        "n": 1,
        "t": True,
        "none": None,
        "list": [{"bytes": [120]}, 2],
        "table": {"in": {"bytes": [121]}},
    }
