"""What becomes of streams' records: batches, lanes, failures, places, windows, the order of shards; hypothesis looks for holes."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.event_source_mappings.batch_attempts import BatchAttempts, Ending, Failure, GivenUp
from lambdad.event_source_mappings.batch_failures import delivery_of
from lambdad.event_source_mappings.invocations import Ran
from lambdad.event_source_mappings.kinesis import filtered_document
from lambdad.event_source_mappings.retries import Retries
from lambdad.event_source_mappings.stream_batches import PAYLOAD, Progress, batch_of, failed_from, lane_of, window_of
from lambdad.event_source_mappings.stream_event import LARGEST_STATE, Window, state_of, windowed_event_of
from lambdad.event_source_mappings.stream_record import Shard, StreamRecord, startable
from lambdad.event_source_mappings.stream_settings import since_of
from lambdad.resources.event_source_mapping import EventSourceMapping, MappingKey
from lambdad.resources.function import FunctionKey
from lambdad.resources.invocation import InvocationResult

FUNCTION = FunctionKey("000000000000", "us-east-1", "f")
QUEUE = "arn:aws:sqs:us-east-1:000000000000:failed"


def record(number: int, size: int = 10, arrived_at: float = 0.0, key: str = "k") -> StreamRecord:
    return StreamRecord(str(number), key, arrived_at, b'"%s"' % (b"x" * (size - 2)))


class Document:
    """Of a record: nothing is asked of it but its size."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size


class TestBatches:
    @given(
        st.lists(st.integers(2, 2_000_000), min_size=1, max_size=20), st.integers(1, 30), st.integers(0, LARGEST_STATE)
    )
    def test_one_is_never_too_large_and_never_empty(self, sizes: list[int], most: int, state: int) -> None:
        documents = [Document(size) for size in sizes]
        records = [StreamRecord(str(number), "k", 0.0, one) for number, one in enumerate(documents)]  # type: ignore[arg-type]
        around = len(windowed_event_of([], Window(0, 1), "shardId-000000000000", QUEUE)) + state
        begun = 0
        while rest := records[begun:]:
            count = batch_of(rest, most, state)
            assert 1 <= count <= most
            assert count == 1 or around + sum(len(one.document) + 1 for one in rest[:count]) <= PAYLOAD
            begun += count
        assert begun == len(records)

    @given(st.lists(st.floats(0, 100), min_size=1, max_size=50).map(sorted), st.integers(1, 30))
    def test_one_is_of_one_window(self, moments: list[float], seconds: int) -> None:
        records = [record(number, arrived_at=moment) for number, moment in enumerate(moments)]
        start = window_of(moments[0], seconds)
        count = batch_of(records, 1000, 0, (start, seconds))
        assert all(start <= moment < start + seconds for moment in moments[:count])
        assert count == len(moments) or moments[count] >= start + seconds

    @given(st.text(), st.integers(1, 10))
    def test_a_key_keeps_its_lane(self, key: str, lanes: int) -> None:
        assert lane_of(key, lanes) == lane_of(key, lanes)
        assert 0 <= lane_of(key, lanes) < lanes


class TestPlaces:
    @given(st.integers(0, 30).flatmap(lambda count: st.permutations(range(count))))
    def test_the_place_is_before_the_first_that_is_not_done(self, order: Sequence[int]) -> None:
        progress = Progress(None)
        for number in range(len(order)):
            progress.began(str(number))
        done: set[int] = set()
        for number in order:
            expected = progress.with_done([str(number)])
            progress.done([str(number)])
            assert progress.after == expected
            done.add(number)
            first = next((one for one in range(len(order)) if one not in done), len(order))
            assert progress.after == (str(first - 1) if first else None)
            assert progress.waiting == len(order) - first
        assert progress.waiting == 0


class TestPartialFailures:
    RECORDS = [record(number) for number in (7, 8, 9, 10)]

    @pytest.mark.parametrize(
        ("answer", "first"),
        [
            (b"", None),
            (b"null", None),
            (b"{}", None),
            (b'""', None),
            (b"[]", None),
            (b'{"batchItemFailures": null}', None),
            (b'{"batchItemFailures": []}', None),
            (b'{"batchItemFailures": [{"itemIdentifier": "9"}]}', 2),
            (b'{"batchItemFailures": [{"itemIdentifier": "10"}, {"itemIdentifier": "8"}]}', 1),
            (b'{"batchItemFailures": [{"itemIdentifier": ""}]}', 0),
            (b'{"batchItemFailures": [{"itemIdentifier": null}]}', 0),
            (b'{"batchItemFailures": [{"itemIdentifier": "unknown"}]}', 0),
            (b'{"batchItemFailures": [{"itemIdentifier": 9}]}', 0),
            (b'{"batchItemFailures": [{"wrong": "9"}]}', 0),
            (b'{"batchItemFailures": ["9"]}', 0),
            (b'{"batchItemFailures": "9"}', 0),
            (b'{"batchItemFailures": [{"itemIdentifier": "10"}, {"itemIdentifier": "unknown"}]}', 0),
            (b'"text"', 0),
            (b"[1]", 0),
            (b"0", 0),
            (b"false", 0),
            (b"no json", 0),
        ],
    )
    def test_from_where_it_is_tried_again(self, answer: bytes, first: int | None) -> None:
        assert failed_from(answer, self.RECORDS) == first


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.time = now

    def now(self) -> float:
        return self.time

    monotonic = now


class Function:
    """Fails on some records; it is given batches as a mapping gives them."""

    def __init__(self, bad: set[str], partial: bool, clock: Clock) -> None:
        self._bad, self._partial, self._clock = bad, partial, clock
        self.batches: list[list[str]] = []
        self.done: list[str] = []
        self.given_up: list[tuple[str, GivenUp]] = []

    async def invoke(self, records: list[StreamRecord]) -> Failure[StreamRecord] | None:
        self.batches.append([one.sequence for one in records])
        first = next((place for place, one in enumerate(records) if one.sequence in self._bad), None)
        if first is not None and not self._partial:
            first = 0
        self.done += [one.sequence for one in records[:first]]
        if first is None:
            return None
        return Failure(records[first:], Ran(b"", "error", result=InvocationResult(b"", "1", "Unhandled")), first == 0)

    async def give_up(self, records: list[StreamRecord], why: GivenUp) -> None:
        self.given_up += [(one.sequence, why) for one in records]


class AtOnce(Ending):
    """No pause is one; after so many the mapping ends."""

    def __init__(self, most: int = 10_000) -> None:
        super().__init__()
        self.left = most

    async def pause(self, seconds: float) -> bool:
        self.left -= 1
        return self.left < 0


def worked_off(function: Function, records: list[StreamRecord], settings: dict[str, Any], ending: Ending) -> bool:
    attempts = BatchAttempts(function, Retries.of(settings), ending, Clock())  # type: ignore[arg-type]
    return asyncio.run(attempts.work_off(records))


class TestAttempts:
    @given(
        st.integers(1, 20),
        st.sets(st.integers(0, 19)),
        st.booleans(),
        st.booleans(),
        st.integers(0, 3),
    )
    def test_each_record_is_done_or_given_up_once_and_in_order(
        self, count: int, bad: set[int], bisect: bool, partial: bool, most: int
    ) -> None:
        function = Function({str(one) for one in bad}, partial, Clock())
        settings = {"MaximumRetryAttempts": most, "BisectBatchOnFunctionError": bisect}
        assert worked_off(function, [record(number) for number in range(count)], settings, AtOnce())
        given_up = [sequence for sequence, _ in function.given_up]
        assert sorted([*function.done, *given_up], key=int) == [str(number) for number in range(count)]
        assert function.done == sorted(function.done, key=int)
        assert given_up == sorted(given_up, key=int)
        assert all(why.attempts == most + 1 for _, why in function.given_up)
        if bisect:
            assert set(given_up) == {str(one) for one in bad if one < count}, "only what fails by itself"
        if partial:
            assert not set(function.done) & {str(one) for one in bad}

    def test_attempts_are_kept_over_what_was_done_meanwhile(self) -> None:
        """As AWS was seen to do it: a batch of three of which the last fails is tried four times in all."""
        function = Function({"2"}, True, Clock())
        assert worked_off(function, [record(number) for number in range(3)], {"MaximumRetryAttempts": 3}, AtOnce())
        assert function.batches == [["0", "1", "2"], ["2"], ["2"], ["2"]]
        ((_, why),) = function.given_up
        assert (why.condition, why.attempts) == ("RetryAttemptsExhausted", 4)

    def test_without_limits_until_the_mapping_ends(self) -> None:
        function = Function({"0"}, False, Clock())
        assert not worked_off(function, [record(0)], {}, AtOnce(50))
        assert len(function.batches) == 51
        assert not function.given_up

    def test_what_is_too_old_is_given_up_without_an_attempt(self) -> None:
        function = Function(set(), False, Clock())
        records = [record(0, arrived_at=900.0), record(1, arrived_at=990.0)]
        assert worked_off(function, records, {"MaximumRecordAgeInSeconds": 60}, AtOnce())
        ((sequence, why),) = function.given_up
        assert (sequence, why) == ("0", GivenUp("RecordAgeExceeded", 0, None))
        assert function.done == ["1"]

    def test_what_no_function_was_given_counts_as_no_attempt(self) -> None:
        class Throttled(Function):
            async def invoke(self, records: list[StreamRecord]) -> Failure[StreamRecord] | None:
                if len(self.batches) < 5:
                    self.batches.append([])
                    return Failure(records, Ran(b"", "TooManyRequestsException", True), True)
                return await super().invoke(records)

        function = Throttled(set(), False, Clock())
        assert worked_off(function, [record(0), record(1)], {"MaximumRetryAttempts": 0}, AtOnce())
        assert (function.done, function.given_up) == (["0", "1"], [])


def mapping(**settings: Any) -> EventSourceMapping:
    key = MappingKey("000000000000", "us-east-1", "5b3f4d5e-0000-0000-0000-000000000000")
    return EventSourceMapping(
        key=key,
        function=FUNCTION,
        qualifier=None,
        enabled=True,
        state="Enabled",
        last_modified=1_600_000_000.5,
        settings={"StartingPosition": "LATEST", **settings},
    )


class TestDocuments:
    def test_age_exceeded_as_aws_has_it(self) -> None:
        why = GivenUp("RecordAgeExceeded", 0, None)
        delivery = delivery_of(mapping(), QUEUE, why, ("KinesisBatchInfo", {"batchSize": 1}), b"{}", "s", 1.5)
        document = json.loads(delivery.body)
        assert document["requestContext"].pop("requestId")
        assert document == {
            "requestContext": {
                "functionArn": FUNCTION.arn,
                "condition": "RecordAgeExceeded",
                "approximateInvokeCount": 1,
            },
            "version": "1.0",
            "timestamp": "1970-01-01T00:00:01.500Z",
            "KinesisBatchInfo": {"batchSize": 1},
        }

    def test_only_buckets_are_given_the_event(self) -> None:
        why = GivenUp("RetryAttemptsExhausted", 3, Ran(b"", "x", request_id="r", result=InvocationResult(b"", "7")))
        delivery = delivery_of(mapping(), "arn:aws:s3:::b", why, ("DDBStreamBatchInfo", {}), b'{"Records":[1]}', "s", 0)
        document = json.loads(delivery.body)
        assert document["payload"] == {"Records": [1]}
        assert document["responseContext"] == {"statusCode": 200, "executedVersion": "7", "functionError": None}
        assert (delivery.request_id, delivery.context["prefix"]) == ("r", f"{mapping().key.name}/s")

    @pytest.mark.parametrize(
        ("data", "expected"),
        [("eyJhIjogMX0=", {"a": 1}), ("IngiCg==", "x"), ("bm8ganNvbg==", "bm8ganNvbg=="), ("/w==", "/w==")],
    )
    def test_what_filters_see_of_data(self, data: str, expected: object) -> None:
        document = filtered_document({"partitionKey": "k", "data": data})
        assert document == {"partitionKey": "k", "data": expected}

    @pytest.mark.parametrize(
        ("settings", "since"),
        [
            ({"StartingPosition": "LATEST"}, 1_600_000_000.5),
            ({"StartingPosition": "TRIM_HORIZON"}, None),
            (
                {"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": "2026-01-01T00:00:00+00:00"},
                1767225600.0,
            ),
            ({"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 12}, 12.0),
        ],
    )
    def test_where_reading_begins(self, settings: dict[str, Any], since: float | None) -> None:
        assert since_of(mapping(**settings)) == since


class TestWindows:
    @given(st.floats(0, 2e9), st.integers(1, 900))
    def test_a_moment_is_in_its_window(self, moment: float, seconds: int) -> None:
        start = window_of(moment, seconds)
        assert start % seconds == 0
        assert start <= moment < start + seconds

    def test_the_event(self) -> None:
        event = orjson.loads(
            windowed_event_of([record(1)], Window(1607497440, 120, '{"1": 282}'), "shardId-000000000006", "arn")
        )
        assert event == {
            "Records": ["x" * 8],
            "window": {"start": "2020-12-09T07:04:00Z", "end": "2020-12-09T07:06:00Z"},
            "state": {"1": 282},
            "shardId": "shardId-000000000006",
            "eventSourceARN": "arn",
            "isFinalInvokeForWindow": False,
            "isWindowTerminatedEarly": False,
        }

    @pytest.mark.parametrize(
        ("answer", "state"),
        [(b'{"state": {"a": 1}}', '{"a":1}'), (b'{"state": {}}', "{}"), (b"{}", None), (b"null", None), (b"", None),
         (b"no json", None), (b'{"state": null}', None), (b"[]", None)],
    )  # fmt: skip
    def test_an_answer_without_state_is_none(self, answer: bytes, state: str | None) -> None:
        assert state_of(answer) == state

    def test_a_state_may_have_a_megabyte(self) -> None:
        assert not Window(0, 1, "x" * LARGEST_STATE).too_large
        assert Window(0, 1, "x" * (LARGEST_STATE + 1)).too_large


class TestShards:
    @given(st.lists(st.sets(st.integers(0, 30), max_size=2), max_size=15), st.randoms())
    def test_parents_come_first_and_all_come(self, parents: list[set[int]], random: Any) -> None:
        """Each shard's parents are among those before it, or are no more."""
        shards = [
            Shard(str(number), tuple(str(one) if one < number else f"gone-{one}" for one in ones))
            for number, ones in enumerate(parents)
        ]
        known = {shard.id for shard in shards}
        ended: set[str] = set()
        started: set[str] = set()
        while len(ended) < len(shards):
            for shard in startable(shards, ended, started):
                assert set(shard.parents) & known <= ended
                started.add(shard.id)
            assert started - ended, "somebody can always go on"
            ended.add(random.choice(sorted(started - ended)))
        assert not startable(shards, ended, started)
