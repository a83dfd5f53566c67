"""Which event patterns are well-formed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.resources.event_pattern import is_event_pattern

SCALARS = st.none() | st.booleans() | st.integers() | st.text()


@pytest.mark.parametrize(
    "matcher",
    [
        *("a", 1, None, True),
        *({"prefix": "a"}, {"suffix": "a"}, {"wildcard": "a*"}, {"equals-ignore-case": "a"}, {"cidr": "10.0.0.0/24"}),
        *({"exists": False}, {"numeric": [">", 0, "<=", 5]}, {"numeric": ["=", 3]}),
        *({"prefix": {"equals-ignore-case": "a"}}, {"anything-but": "a"}, {"anything-but": [1, 2]}),
        *({"anything-but": {"prefix": "a"}}, {"anything-but": {"suffix": ["a", "b"]}}),
    ],
)
def test_matchers(matcher: Any) -> None:
    assert is_event_pattern(json.dumps({"body": {"key": [matcher]}}))
    assert is_event_pattern(json.dumps({"$or": [{"a": [matcher]}, {"b": ["c"]}]}))


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "{", "[]", "1", '"text"', "{}", "this is a test string"),
        *('{"a": "b"}', '{"a": []}', '{"a": {}}', '{"a": [["b"]]}', '{"a": [{}]}', '{"a": 1}'),
        *('{"a": [{"unknown": 1}]}', '{"a": [{"prefix": 1}]}', '{"a": [{"exists": "yes"}]}'),
        *('{"a": [{"numeric": [">"]}]}', '{"a": [{"numeric": ["!", 1]}]}', '{"a": [{"numeric": ["<", 1, ">", 0]}]}'),
        *('{"a": [{"prefix": "a", "suffix": "b"}]}', '{"a": [{"anything-but": []}]}', '{"$or": [{"a": ["b"]}]}'),
        '{"a": [{"anything-but": ["a", 1]}]}',
    ],
)
def test_what_is_no_pattern(pattern: str) -> None:
    assert not is_event_pattern(pattern)


@given(st.recursive(st.lists(SCALARS, min_size=1), lambda inner: st.dictionaries(st.text(), inner, min_size=1)))
def test_objects_with_arrays_of_values_are_patterns(pattern: Any) -> None:
    assert is_event_pattern(json.dumps({"top": pattern}))


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_document_is_judged(document: Any) -> None:
    assert is_event_pattern(json.dumps(document)) in (True, False)
