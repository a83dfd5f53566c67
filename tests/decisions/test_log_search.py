"""Searching a log group page by page: whatever the pages' bounds are, all of it is found, once and in order."""

from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdad.observability import log_search
from lambdad.observability.filter_pattern import compile_pattern
from lambdad.observability.filter_terms import InvalidPattern, needle_of
from lambdad.observability.log_search import Place, Wanted, search

WORDS = ("error", 'qu"ote', "line\nbreak", "back\\slash", "ümläut", "fine", "error fine")
EVENTS = st.lists(st.tuples(st.integers(0, 30), st.sampled_from(WORDS)), max_size=30).map(
    lambda events: sorted(events, key=lambda event: event[0])
)


def fill(directory: Path, streams: list[list[tuple[int, str]]], torn: bool) -> None:
    for number, events in enumerate(streams):
        lines = [orjson.dumps([timestamp, timestamp + 1, word]) + b"\n" for timestamp, word in events]
        (directory / f"s{number}").write_bytes(b"".join(lines) + (b'[3,4,"er' if torn else b""))


def paged(directory: Path, wanted: Wanted, pattern: str, most: int) -> list[tuple[int, str, str]]:
    """(time, stream, message) of all pages."""
    found, after, match = [], None, compile_pattern(pattern)
    seen: set[Place] = set()
    while True:
        events, after = search(directory, wanted, match, after, most)
        assert len(events) <= most
        found += [(event.timestamp, event.stream, event.message) for event in events]
        if after is None:
            return found
        assert after not in seen, "each page comes further than the one before"
        seen.add(after)


@settings(deadline=None)
@given(
    streams=st.lists(EVENTS, max_size=4),
    pattern=st.sampled_from(["", "error", '"error fine"', "?error ?fine", "fine -error", '"qu\\"ote"', "%err.*%"]),
    window=st.tuples(st.integers(0, 20), st.none() | st.integers(10, 31)),
    most=st.integers(1, 7),
    block=st.integers(1, 200),
    read=st.integers(1, 400),
    torn=st.booleans(),
    newest_first=st.booleans(),
)
def test_pages_are_the_whole(
    tmp_path_factory: pytest.TempPathFactory,
    streams: list[list[tuple[int, str]]],
    pattern: str,
    window: tuple[int, int | None],
    most: int,
    block: int,
    read: int,
    torn: bool,
    newest_first: bool,
) -> None:
    directory, (start, end) = tmp_path_factory.mktemp("group"), window
    fill(directory, streams, torn)
    match = compile_pattern(pattern)
    expected = [
        (timestamp, f"s{number}", word)
        for number, events in enumerate(streams)
        for timestamp, word in events
        if match(word) and start <= timestamp and (end is None or timestamp < end)
    ]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(log_search, "_BLOCK", block)
        patched.setattr(log_search, "_MOST_READ", read)
        for needle in (b"", needle_of(pattern)):
            wanted = Wanted(start=start, end=end, needle=needle, newest_first=newest_first)
            in_order = sorted(expected, key=lambda event: event[:2])
            assert paged(directory, wanted, pattern, most) == (in_order[::-1] if newest_first else in_order)


@pytest.mark.parametrize(
    ("pattern", "needle"),
    [
        ("", b""),
        ("ERROR", b"ERROR"),
        ("a longest -unwanted", b"longest"),
        ("?one ?other", b""),
        ('" "', b""),
        ('"with \\"quotes\\""', b""),
        ('"ümläut" plain', b"plain"),
        ("%regular%", b""),
        ("{ $.a = 1 }", b""),
        ("[a, b = ERROR]", b""),
    ],
)
def test_needles(pattern: str, needle: bytes) -> None:
    assert needle_of(pattern) == needle


@given(st.text(max_size=20), st.text(max_size=60))
def test_what_matches_has_the_needle(pattern: str, message: str) -> None:
    try:
        match, needle = compile_pattern(pattern), needle_of(pattern)
    except InvalidPattern:
        return
    if match(message):
        assert needle in orjson.dumps(message)


@given(st.text(st.characters(codec="utf-8", exclude_characters='"\\'), min_size=1, max_size=10), st.text(max_size=9))
def test_a_quoted_term_in_a_message(term: str, more: str) -> None:
    pattern = f'"{term}"'
    assert compile_pattern(pattern)(more + term + more)
    assert needle_of(pattern) in orjson.dumps(more + term + more)
