"""One shard is read whatever happens to its iterators, its service and the disk: by a service of the test's own making."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import orjson
import pytest

from lambdad.aws.json_client import AwsError
from lambdad.clock import SystemClock
from lambdad.event_source_mappings.batch_attempts import Ending
from lambdad.event_source_mappings.event_counts import EventCounts
from lambdad.event_source_mappings.invocations import Ran
from lambdad.event_source_mappings.shard_lane import ShardLane
from lambdad.event_source_mappings.shard_place import ShardPlace, Store
from lambdad.event_source_mappings.shard_reader import LaneBroken, ShardReader
from lambdad.event_source_mappings.shard_work import Consumer
from lambdad.event_source_mappings.stream_event import LARGEST_STATE
from lambdad.event_source_mappings.stream_record import IteratorExpired, Page, PlaceTrimmed, Shard, StreamRecord
from lambdad.event_source_mappings.stream_settings import StreamSettings
from lambdad.resources.event_source_mapping import EventSourceMapping, MappingKey
from lambdad.resources.function import FunctionKey
from lambdad.resources.invocation import InvocationResult
from lambdad.store.database import Database
from lambdad.store.deliveries import Deliveries
from lambdad.store.event_source_mappings import EventSourceMappings
from lambdad.store.stream_checkpoints import Checkpoint, StreamCheckpoints

KEY = MappingKey("000000000000", "us-east-1", "5b3f4d5e-0000-0000-0000-000000000000")
FUNCTION = FunctionKey("000000000000", "us-east-1", "f")
SETTINGS: dict[str, Any] = {"BatchSize": 2, "StartingPosition": "TRIM_HORIZON"}
ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/s"


class Source:
    """A closed shard of ten records; what is in `troubles` is raised instead of the next answers."""

    arn = event_arn = ARN
    most = 3
    batch_info = "KinesisBatchInfo"
    own = True

    def __init__(self, *troubles: Exception, arrived_at: Callable[[int], float] = lambda number: 100.0) -> None:
        self.troubles = list(troubles)
        self.asked: list[str | None] = []
        self._arrived_at = arrived_at

    async def shards(self) -> list[Shard]:
        return [Shard("s", (), closed=True)]

    async def iterator(self, shard: str, place: Checkpoint) -> str:
        self.asked.append(place.after)
        return place.after or "0"

    async def read(self, shard: str, iterator: str, most: int) -> Page:
        if self.troubles and iterator != "0":
            raise self.troubles.pop(0)
        start = int(iterator)
        numbers = range(start + 1, min(start + most, 10) + 1)
        records = [StreamRecord(str(n), "k", self._arrived_at(n), orjson.dumps({"n": n})) for n in numbers]
        following = str(numbers[-1]) if numbers and numbers[-1] < 10 else None
        return Page(records, following, latest=False)

    def arrival(self, moment: float) -> str:
        return str(moment)


class Function:
    """What a mapping's function was given; `answer` of each event."""

    def __init__(self, answer: Callable[[dict[str, Any]], Any] = lambda event: None) -> None:
        self.events: list[dict[str, Any]] = []
        self._answer = answer

    def observe_age(self, mapping: EventSourceMapping, arrived_at: float) -> None:
        """Nobody asks for it here."""

    async def run(self, mapping: EventSourceMapping, payload: bytes, trace_id: str | None, until: float) -> Ran:
        event = orjson.loads(payload)
        self.events.append(event)
        answer = self._answer(event)
        if isinstance(answer, Exception):
            return Ran(b"", "function error", result=InvocationResult(b"", "1", "Unhandled"))
        return Ran(orjson.dumps(answer), None, result=InvocationResult(b"", "1"))

    @property
    def numbers(self) -> list[int]:
        return [record["n"] for event in self.events for record in event["Records"]]


class Said:
    def set(self, result: str) -> None:
        """Results are looked at elsewhere."""


class World:
    def __init__(self, database: Database, source: Source, function: Function, **settings: Any) -> None:
        self.database = database
        self.settings = {**SETTINGS, **settings}
        self.mapping = EventSourceMapping(
            key=KEY,
            function=FUNCTION,
            qualifier=None,
            enabled=True,
            state="Enabled",
            last_modified=0.0,
            settings=self.settings,
        )
        self.deliveries = Deliveries(database)
        self.checkpoints = StreamCheckpoints(database, self.deliveries)
        settings, counts = StreamSettings.of(self.settings), EventCounts(self.mapping, None)  # type: ignore[arg-type]
        self.consumer = Consumer(
            self.mapping, settings, source, function, Said(), Ending(), SystemClock(), counts  # type: ignore[arg-type]
        )  # fmt: skip

        self.log_is_durable = asyncio.Event()
        self.log_is_durable.set()

    async def logged(self) -> None:
        await self.log_is_durable.wait()

    async def read(self) -> None:
        checkpoint = (await self.checkpoints.of(KEY.name)).get("s", Checkpoint())
        store = Store(self.checkpoints, lambda: None, self.logged)
        place = ShardPlace(KEY.name, "s", checkpoint, self.consumer.settings.tumbling, store)
        await ShardReader(self.consumer, place, asyncio.Event()).run()

    async def kept(self) -> Checkpoint:
        return (await self.checkpoints.of(KEY.name))["s"]


@pytest.fixture
def in_world(tmp_path: Path) -> Callable[..., None]:
    """Runs a test's coroutine with a database of its own that knows the mapping."""

    def run(
        test: Callable[[World], Coroutine[Any, Any, None]], source: Source, function: Function, **more: Any
    ) -> None:
        async def main() -> None:
            database = Database(tmp_path)
            database.open()
            try:
                world = World(database, source, function, **more)
                await EventSourceMappings(database).create(world.mapping, lambda one, other: None)
                await test(world)
            finally:
                await database.close()

        asyncio.run(main())

    return run


@pytest.mark.parametrize("trouble", [IteratorExpired(), AwsError("", "out of reach")])
def test_another_iterator_goes_on_where_the_last_one_was(in_world: Any, trouble: Exception) -> None:
    source, function = Source(trouble), Function()

    async def test(world: World) -> None:
        await world.read()
        assert function.numbers == list(range(1, 11))
        assert source.asked == [None, "3"]
        assert await world.kept() == Checkpoint(after="10", ended=True)

    in_world(test, source, function)


def test_what_is_trimmed_is_not_waited_for(in_world: Any) -> None:
    source, function = Source(PlaceTrimmed()), Function()

    async def test(world: World) -> None:
        await world.read()
        assert source.asked == [None, None]
        assert set(function.numbers) == set(range(1, 11))

    in_world(test, source, function)


def test_reading_goes_on_from_what_is_on_disk(in_world: Any) -> None:
    source, function = Source(), Function()

    async def test(world: World) -> None:
        await world.checkpoints.save(KEY.name, {"s": Checkpoint(after="7")})
        await world.read()
        assert function.numbers == [8, 9, 10]

    in_world(test, source, function)


def test_no_place_is_kept_before_what_was_logged(in_world: Any) -> None:
    """The function goes on meanwhile: batch after batch, not disk write after disk write."""
    all_given = asyncio.Event()
    function = Function(lambda event: all_given.set() if event["Records"][-1]["n"] == 10 else None)

    async def test(world: World) -> None:
        world.log_is_durable.clear()
        reading = asyncio.create_task(world.read())
        await all_given.wait()
        assert await world.checkpoints.of(KEY.name) == {}
        world.log_is_durable.set()
        await reading
        assert (await world.kept()).after == "10"

    in_world(test, Source(), function)


def test_a_record_that_comes_while_its_lane_ends_is_given_to_the_function(in_world: Any) -> None:
    """It is the last for now: nobody would look for it until the next one comes; or it is the shard's last."""
    function = Function()

    async def test(world: World) -> None:
        loop = asyncio.get_running_loop()
        first, second = (StreamRecord(str(n), "k", 100.0, orjson.dumps({"n": n})) for n in (1, 2))
        place = ShardPlace(KEY.name, "s", Checkpoint(), 0, Store(world.checkpoints, lambda: None, world.logged))

        def moved() -> None:
            if function.numbers == [1]:  # behind the lane's last step, and before anybody is told that it has ended
                loop.call_soon(lane.add, second)

        lane = ShardLane(world.consumer, place, moved, lambda task: None)
        lane.add(first)
        await lane.finish()
        assert function.numbers == [1, 2]

    in_world(test, Source(), function, BatchSize=1)


def test_what_came_before_is_passed_over(in_world: Any) -> None:
    source, function = Source(arrived_at=float), Function()

    async def test(world: World) -> None:
        await world.checkpoints.save(KEY.name, {"s": Checkpoint(since=9.0)})
        await world.read()
        assert function.numbers == [9, 10]
        assert (await world.kept()).after == "10"

    in_world(test, source, function)


def test_what_cannot_be_kept_is_not_given_up(in_world: Any) -> None:
    """Its on-failure record is not on disk: the batch comes again, and the place is before it."""
    source, function = Source(), Function(lambda event: ValueError() if event["Records"][0]["n"] == 3 else None)
    target = {"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:000000000000:q"}}

    async def test(world: World) -> None:
        await world.database.write(lambda connection: connection.execute("ALTER TABLE deliveries RENAME TO away"))
        with pytest.raises(LaneBroken):
            await world.read()
        assert (await world.kept()).after == "2"
        await world.database.write(lambda connection: connection.execute("ALTER TABLE away RENAME TO deliveries"))
        await world.read()
        assert (await world.kept()).ended
        found, _ = await world.deliveries.due(2e9, frozenset(), frozenset(), 10)
        (delivery,) = found
        assert orjson.loads(delivery.body)["KinesisBatchInfo"]["startSequenceNumber"] == "3"

    in_world(test, source, function, MaximumRetryAttempts=0, DestinationConfig=target)


def test_a_mapping_that_is_gone_keeps_no_place(in_world: Any) -> None:
    async def test(world: World) -> None:
        await EventSourceMappings(world.database).apply(KEY, lambda before: None)
        mappings = EventSourceMappings(world.database)
        mappings.load()
        await mappings.apply(KEY, lambda before: None)
        await world.read()
        assert await world.checkpoints.of(KEY.name) == {}

    in_world(test, Source(), Function())


def test_windows_go_from_one_to_the_next(in_world: Any) -> None:
    """Two seconds each; what one has come to is closed with the first record of a later one, and with the end of the shard."""

    def answer(event: dict[str, Any]) -> Any:
        return {"state": {"sum": event["state"].get("sum", 0) + sum(one["n"] for one in event["Records"])}}

    function = Function(answer)

    async def test(world: World) -> None:
        await world.read()
        finals = [event["state"]["sum"] for event in function.events if event["isFinalInvokeForWindow"]]
        assert finals == [1, 2 + 3, 4 + 5, 6 + 7, 8 + 9, 10]
        assert await world.kept() == Checkpoint(after="10", ended=True)

    in_world(test, Source(arrived_at=float), function, TumblingWindowInSeconds=2)


def test_a_window_goes_on_after_a_restart(in_world: Any) -> None:
    function = Function(lambda event: {"state": {"n": event["state"].get("n", 0) + len(event["Records"])}})

    async def test(world: World) -> None:
        await world.checkpoints.save(KEY.name, {"s": Checkpoint(after="8", window=100, state='{"n": 40}')})
        await world.read()
        assert [(event["state"]["n"], event["isFinalInvokeForWindow"]) for event in function.events] == [
            (40, False),
            (42, True),
        ]

    in_world(test, Source(), function, TumblingWindowInSeconds=10)


def test_a_state_that_is_too_large_ends_its_window_early(in_world: Any) -> None:
    function = Function(lambda event: {"state": "x" * LARGEST_STATE})

    async def test(world: World) -> None:
        await world.checkpoints.save(KEY.name, {"s": Checkpoint(after="8")})
        await world.read()
        seen = [
            (
                len(event["Records"]),
                len(event["state"]),
                event["isWindowTerminatedEarly"],
                event["isFinalInvokeForWindow"],
            )
            for event in function.events
        ]
        assert seen == [(2, 0, False, False), (0, LARGEST_STATE, True, False), (0, 0, False, True)]

    in_world(test, Source(), function, TumblingWindowInSeconds=10)


def test_an_answer_without_a_state_has_failed(in_world: Any) -> None:
    function = Function(lambda event: {})

    async def test(world: World) -> None:
        await world.checkpoints.save(KEY.name, {"s": Checkpoint(after="8")})
        await world.read()
        assert [len(event["Records"]) for event in function.events] == [2, 2, 0]

    in_world(test, Source(), function, TumblingWindowInSeconds=10, MaximumRetryAttempts=1)
