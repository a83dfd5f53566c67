"""The log store: what is read is what was written, in order, within its bounds."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from lambdad.observability.log_writer import LogEvent
from lambdad.observability.logs import LogStore

GROUP = ("000000000000", "eu-west-1", "/aws/lambda/f")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LogStore]:
    store = LogStore(tmp_path, 40_000)
    store.open()
    yield store
    store.close()


def write(store: LogStore, stream: str, *events: tuple[int, str]) -> None:
    store.stream(*GROUP, stream)([LogEvent(at, text) for at, text in events])


def read(store: LogStore, **more: int) -> list[str]:
    return [event.message for event in store.read(*GROUP, **more)]


def test_events_of_all_streams_in_the_order_of_time(store: LogStore) -> None:
    write(store, "2026/01/01/[$LATEST]a", (1, "one"), (3, "three"), (3, "three again"))
    write(store, "2026/01/01/[$LATEST]b", (2, "two\n"), (4, "vier ü"))
    asyncio.run(store.synced())
    assert read(store) == ["one", "two\n", "three", "three again", "vier ü"]
    assert read(store, start=2, end=4) == ["two\n", "three", "three again"]
    assert read(store, most=2) == ["three again", "vier ü"]
    assert [event.message for event in store.read(*GROUP, "2026/01/01/[$LATEST]b")] == ["two\n", "vier ü"]
    streams = store.streams(*GROUP)
    assert [(s.name[-1], s.first_timestamp, s.last_timestamp) for s in streams] == [("a", 1, 3), ("b", 2, 4)]
    assert store.groups(*GROUP[:2]) == [GROUP[2]]


def test_what_is_closed_is_on_disk(tmp_path: Path) -> None:
    for turn in range(3):
        store = LogStore(tmp_path, 1_000_000)
        store.open()
        write(store, "s", (turn, f"turn {turn}"))
        store.close()
    store = LogStore(tmp_path, 1_000_000)
    assert read(store) == ["turn 0", "turn 1", "turn 2"]


def test_a_torn_line_is_passed_over(store: LogStore, tmp_path: Path) -> None:
    write(store, "s", (1, "whole"))
    asyncio.run(store.synced())
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    with open(file, "ab") as end:
        end.write(b'[2, 2, "to')
    assert read(store) == ["whole"]


def test_the_oldest_streams_go_when_a_group_is_full(store: LogStore) -> None:
    for number in range(20):
        write(store, f"s{number}", (number, f"{number} " + "x" * 5000))
        asyncio.run(store.synced())
    kept = [int(message.split()[0]) for message in read(store)]
    assert kept == list(range(kept[0], 20))
    assert 5 <= len(kept) < 10


def test_streams_that_grow_together_stay_within_the_bound(store: LogStore, tmp_path: Path) -> None:
    """None of them is new, and none is large."""
    for number in range(200):
        write(store, f"s{number % 4}", (number, f"{number} " + "x" * 1000))
        asyncio.run(store.synced())
        assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 45_000
    assert "199" in [message.split()[0] for message in read(store)]


def test_a_stream_too_large_loses_its_beginning(store: LogStore) -> None:
    for number in range(100):
        write(store, "s", (number, f"{number} " + "x" * 1000))
        asyncio.run(store.synced())
    kept = [int(message.split()[0]) for message in read(store)]
    assert kept == list(range(kept[0], 100))
    assert 15 <= len(kept) <= 40


def test_a_stream_that_was_removed_goes_on_in_a_new_file(store: LogStore) -> None:
    write(store, "first", (1, "y" * 30_000))
    asyncio.run(store.synced())
    write(store, "second", (2, "z" * 30_000))
    asyncio.run(store.synced())
    assert [message[0] for message in read(store)] == ["z"]
    write(store, "first", (3, "again"))
    asyncio.run(store.synced())
    assert [message[0] for message in read(store)][-1] == "a"


def test_a_disk_that_takes_nothing_does_not_stop_it(store: LogStore, tmp_path: Path) -> None:
    """As seen by its users: nothing hangs, and what comes later is written, with word of what was lost."""
    (tmp_path / "logs" / "000000000000").write_text("not a directory")
    write(store, "s", (1, "lost"))
    asyncio.run(store.synced())
    (tmp_path / "logs" / "000000000000").unlink()
    write(store, "s", (2, "kept"))
    asyncio.run(store.synced())
    messages = read(store)
    assert "kept" in messages
    assert any("1 log events were dropped" in message for message in messages)


def test_what_is_put_is_on_disk_or_refused(store: LogStore, tmp_path: Path) -> None:
    blocked = tmp_path / "logs" / "000000000000"
    blocked.write_text("not a directory")
    with pytest.raises(OSError, match="000000000000"):
        asyncio.run(store.put(*GROUP, "s", [LogEvent(1, "lost")]))
    blocked.unlink()
    asyncio.run(store.put(*GROUP, "s", [LogEvent(2, "kept")]))
    assert read(store) == ["kept"]
    assert len(list(blocked.glob("*/*/s"))) == 1
