"""Which events match which patterns: AWS's tables, its matcher's rules, and hypothesis against the plainest way to do it."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.errors.event_patterns import InvalidEventPatternException
from lambdad.resources.event_filter import leaves_of
from lambdad.resources.event_pattern import compile_document, pattern_of

EC2 = {
    "version": "0",
    "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
    "detail-type": "EC2 Instance State-change Notification",
    "source": "aws.ec2",
    "account": "111122223333",
    "time": "2017-12-22T18:43:48Z",
    "region": "us-west-1",
    "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1234567890abcdef0"],
    "detail": {
        "instance-id": "i-1234567890abcdef0",
        "state": "terminated",
        "c-count": 5,
        "x-limit": 301.8,
        "source-ip": "10.0.0.33",
        "dry": False,
        "reason": None,
        "version": "",
    },
}


def matches(pattern: Any, event: Any) -> bool:
    return pattern_of(json.dumps(pattern)).matches(event)


def of(matcher: Any, value: Any) -> bool:
    """One matcher, one value."""
    return matches({"detail": {"it": [matcher]}}, {"detail": {"it": value}})


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["aws.ec2"]},
        {"source": ["aws.s3", "aws.ec2"], "detail": {"state": ["terminated"]}},
        {"resources": EC2["resources"]},
        {"detail": {"c-count": [5], "x-limit": [301.8], "dry": [False], "reason": [None], "version": [""]}},
        {"time": [{"prefix": "2017-12-22"}], "source": [{"suffix": "ec2"}]},
        {"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}], "x-limit": [{"numeric": ["=", 3.018e2]}]}},
        {"detail": {"source-ip": [{"cidr": "10.0.0.0/24"}], "state": [{"anything-but": "initializing"}]}},
        {"detail": {"no-such": [{"exists": False}], "state": [{"exists": True}]}},
        {"source": ["aws.ec2"], "$or": [{"detail": {"c-count": [6]}}, {"detail": {"state": ["terminated"]}}]},
        {"detail": {"$or": [{"c-count": [{"numeric": [">", 9]}]}, {"x-limit": [{"numeric": ["<", 400]}]}]}},
        {"detail.state": ["terminated"]},
    ],
)
def test_an_event_and_patterns_that_match_it(pattern: Any) -> None:
    assert matches(pattern, EC2)


@pytest.mark.parametrize(
    "pattern",
    [
        {"source": ["aws.s3"]},
        {"source": ["AWS.EC2"]},
        {"source": ["aws.ec2"], "detail": {"state": ["running"]}},
        {"detail": {"c-count": ["5"]}},
        {"detail": {"dry": [0]}},
        {"detail": {"reason": [""]}},
        {"detail": {"version": [None]}},
        {"detail": {"state": [{"exists": False}]}},
        {"detail": [{"exists": True}]},
        {"detail": {"state": {"deeper": ["terminated"]}}},
        {"source": ["aws.ec2"], "$or": [{"detail": {"c-count": [6]}}, {"detail": {"state": ["running"]}}]},
    ],
)
def test_an_event_and_patterns_that_do_not(pattern: Any) -> None:
    assert not matches(pattern, EC2)


@pytest.mark.parametrize(
    ("matcher", "yes", "no"),
    [
        ("a", ["a", ["b", "a"], [["a"]]], ["A", "", None, 1, {"a": "a"}, []]),
        (1, [1, 1.0, 1e0, [2, 1]], ["1", True, 2, None]),
        (True, [True], [1, "true", False]),
        (None, [None, [None]], ["", 0, False, "null"]),
        ({"exactly": "a"}, ["a"], ["b"]),
        ({"prefix": "ab"}, ["ab", "abc", ["x", "abx"]], ["a", "xab", "Ab", 12]),
        ({"prefix": {"equals-ignore-case": "Ab"}}, ["abc", "ABC"], ["xab"]),
        ({"suffix": ".png"}, [".png", "a.png"], ["a.PNG", "png", None]),
        ({"suffix": {"equals-ignore-case": ".PNG"}}, ["a.png", "a.Png"], ["a.pngx"]),
        ({"equals-ignore-case": "Alice"}, ["alice", "ALICE"], ["alicia", 5]),
        ({"wildcard": "*.txt"}, ["a.txt", ".txt"], ["a.txt.gz", "txt"]),
        ({"wildcard": "a*b*c"}, ["abc", "axbxc", "abcbc"], ["acb", "ab", "bc"]),
        ({"wildcard": "ab*ba"}, ["abba", "ab-ba"], ["aba"]),
        ({"wildcard": "dir/\\*/x\\\\*"}, ["dir/*/x\\", "dir/*/x\\y"], ["dir/a/x\\"]),
        ({"wildcard": "plain"}, ["plain"], ["plai", "plain2"]),
        ({"anything-but": "a"}, ["b", 1, None, True, ["a", "b"]], ["a", ["a"], []]),
        ({"anything-but": [1, 2]}, [3, "1", True, None], [1, 2.0]),
        ({"anything-but": ["a", "b"]}, ["c", ""], ["a", "b"]),
        ({"anything-but": {"prefix": "in"}}, ["out", 5], ["inner"]),
        ({"anything-but": {"prefix": ["in", "out"]}}, ["x"], ["inner", "outer"]),
        ({"anything-but": {"suffix": [".txt", ".rtf"]}}, ["a.jpg"], ["a.txt", "a.rtf"]),
        ({"anything-but": {"wildcard": "*/bin/*"}}, ["/lib/x"], ["/usr/bin/x"]),
        ({"anything-but": {"wildcard": ["*/bin/*", "*.class"]}}, ["/lib/x"], ["a.class"]),
        ({"anything-but": {"equals-ignore-case": ["Yes", "no"]}}, ["maybe"], ["YES", "No"]),
        ({"numeric": ["<", 10]}, [9, -1, 9.99], [10, "9", True, None]),
        ({"numeric": [">=", 0, "<", 1]}, [0, 0.5], [1, -0.1]),
        ({"numeric": ["=", 0]}, [0, 0.0, -0.0], [False, 0.1]),
        ({"cidr": "10.0.0.0/24"}, ["10.0.0.0", "10.0.0.255"], ["10.0.1.0", "::1", "host", 10]),
        ({"cidr": "10.0.0.7/24"}, ["10.0.0.7", "10.0.0.8"], ["10.0.0.6"]),
        ({"cidr": "2001:db8::/32"}, ["2001:db8::1", "2001:0db8:0::2"], ["2001:db9::", "10.0.0.1"]),
        ("2001:db8::1", ["2001:db8::1", "2001:0db8:0:0:0:0:0:1"], ["2001:db8::2"]),
        ({"exists": True}, ["", None, 0, ["a"]], [[], {}, {"a": 1}]),
        ({"exists": False}, [[], {}, {"a": 1}], ["", None, 0, ["a"]]),
    ],
)
def test_operators(matcher: Any, yes: list[Any], no: list[Any]) -> None:
    assert [value for value in yes if not of(matcher, value)] == []
    assert [value for value in no if of(matcher, value)] == []


def test_values_are_alternatives_and_absence_is_one() -> None:
    pattern = {"a": ["x", {"exists": False}], "b": [{"prefix": "1"}, {"suffix": "2"}, 3]}
    assert matches(pattern, {"b": 3})
    assert matches(pattern, {"a": "x", "b": "02"})
    assert not matches(pattern, {"a": "y", "b": 3})


def test_what_is_asked_together_is_found_in_one_element() -> None:
    event = {
        "of": "x",
        "them": [{"name": "a", "size": 1, "in": [{"n": 1}]}, {"name": "b", "size": 2, "in": [{"n": 2}]}],
    }
    assert matches({"them": {"name": ["b"], "size": [2]}}, event)
    assert not matches({"them": {"name": ["a"], "size": [2]}}, event)
    assert matches({"them": {"name": ["b"], "in": {"n": [2]}}, "of": ["x"]}, event)
    assert not matches({"them": {"name": ["a"], "in": {"n": [2]}}}, event)
    assert matches({"them": {"name": ["a"], "colour": [{"exists": False}]}}, event)


def test_or_is_a_name_where_it_is_no_operator() -> None:
    assert matches({"$or": {"a": ["x"]}}, {"$or": {"a": "x"}})
    assert matches({"$or": [{"prefix": "a"}, {"prefix": "b"}]}, {"$or": "bc"})


def test_nested_alternatives() -> None:
    pattern = {"s": ["c"], "$or": [{"m": [1]}, {"t": [2], "$or": [{"i": [3]}, {"j": [4]}]}]}
    assert matches(pattern, {"s": "c", "t": 2, "j": 4})
    assert matches(pattern, {"s": "c", "m": 1})
    assert not matches(pattern, {"s": "c", "t": 2})
    assert not matches(pattern, {"m": 1})


def test_thousands_of_elements_are_matched_at_once() -> None:
    elements = [{"x": n, "y": n + 1, "in": [{"z": n}]} for n in range(20_000)]
    event = {"a": elements, "b": elements, "c": 1}
    pattern = compile_document(
        {"a": {"x": [{"numeric": [">=", 0]}], "y": [0], "in": {"z": [{"exists": True}]}}, "b": {"x": [5], "y": [6]}}
    )
    assert not pattern.matches(event)
    assert compile_document({"a": {"x": [9], "y": [10]}, "b": {"x": [5], "no": [{"exists": False}]}}).matches(event)


@pytest.mark.parametrize(
    ("pattern", "reason", "where"),
    [
        ('{"source": ["aws.health"], "detail": {}}', "Empty objects are not allowed", (1, 40)),
        ('{\n      "slug": "some-pipeline"}', '"slug" must be an object or an array', (2, 16)),
        ('["a"]', "Filter is not an object", (1, 2)),
        ('{"a": []}', "Empty arrays are not allowed", (1, 9)),
        ('{"a": ["b", {"like": "c"}]}', "Unrecognized match type like", (1, 23)),
        ('{"a": [{"suffix": ["c"]}]}', "suffix match pattern must be a string", (1, 20)),
        ('{"a": [{"prefix": "a", "suffix": "c"}]}', "Only one key allowed in match expression", (1, 9)),
        ('{"a": [{"numeric": ["<>", 1]}]}', "Unrecognized numeric range operator: <>", (1, 21)),
        ('{"a": [{"numeric": [">", 3, "<", 1]}]}', "Bottom must be less than top", (1, 21)),
        ('{"a": [{"numeric": [">", 6e9]}]}', "Value must be between -5.0E9 and 5.0E9, inclusive", (1, 21)),
        ('{"a": [{"wildcard": "a**b"}]}', "Consecutive wildcard characters at pos 2", (1, 22)),
        ('{"a": [{"wildcard": "a\\\\b"}]}', "Invalid escape character at pos 1", (1, 22)),
        ('{"a": [{"cidr": "10.0.0.0"}]}', "Malformed CIDR, one '/' required", (1, 18)),
        ('{"a": [{"anything-but": ["a", 1]}]}', "Inside anything but list, either all", (1, 26)),
        ('{"$or": [{"a": ["b"]}, {"b": {"prefix": ["c"]}}]}', "prefix is Ruler reserved fieldName", (1, 42)),
        ('{"a": ["b"], x}', "Unexpected character ('x' (code 120))", (1, 15)),
    ],
)
def test_reasons(pattern: str, reason: str, where: tuple[int, int]) -> None:
    with pytest.raises(InvalidEventPatternException) as error:
        pattern_of(pattern)
    message = error.value.message
    assert message.startswith(f"Event pattern is not valid. Reason: {reason}")
    assert message.endswith(f'\n at [Source: (String)"{pattern}"; line: {where[0]}, column: {where[1]}]')


def test_too_many_combinations() -> None:
    ways = [{"$or": [{"a": [n]} for n in range(11)]} for _ in range(3)]
    document = {f"n{number}": way for number, way in enumerate(ways)}
    with pytest.raises(InvalidEventPatternException, match="more than 1000 combinations"):
        pattern_of(json.dumps(document))


# --- Against the plainest way -------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.sampled_from(["x", "y", "xy", "", 0, 1, 2.5, True, False, None])
EVENTS = st.dictionaries(
    NAMES, st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
)
MATCHERS = SCALARS | st.sampled_from(
    [
        *({"prefix": "x"}, {"suffix": "y"}, {"exists": True}, {"exists": False}, {"anything-but": "x"}),
        *({"numeric": [">", 0]}, {"wildcard": "*y"}, {"anything-but": [0, 1]}),
    ]
)
PATTERNS = st.recursive(
    st.dictionaries(NAMES, st.lists(MATCHERS, min_size=1, max_size=3), min_size=1, max_size=3),
    lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3),
    max_leaves=4,
)


def fields(pattern: Any, prefix: str = "") -> list[tuple[str, list[Any]]]:
    if isinstance(pattern, list):
        return [(prefix, pattern)]
    return [one for name, inner in pattern.items() for one in fields(inner, f"{prefix}.{name}" if prefix else name)]


def together(places: Any) -> bool:
    known: dict[int, int] = {}
    return all(known.setdefault(array, index) == index for place in places for array, index in place)


def plainly(pattern: Any, event: Any) -> bool:
    """Every choice of one leaf for each field; what is absent is so beside the fields before it."""
    leaves = leaves_of(event).by_name
    wanted = sorted(fields(pattern), key=lambda one: one[0].split("."))
    choices: list[list[Any]] = []
    for name, matchers in wanted:
        found = [
            place
            for value, place in leaves.get(name, ())
            if any(of(one, value) for one in matchers if one != {"exists": False})
        ]
        choices.append([*found, *(["absent"] if {"exists": False} in matchers else [])])
    return any(fits(choice, wanted, leaves) for choice in itertools.product(*choices))


def fits(choice: Any, wanted: Any, leaves: Any) -> bool:
    for number, (place, (name, _)) in enumerate(zip(choice, wanted, strict=True)):
        before = [one for one in choice[:number] if one != "absent"]
        if place == "absent":
            if any(together([*before, other]) for _, other in leaves.get(name, ())):
                return False
        elif not together([*before, place]):
            return False
    return True


@given(PATTERNS, EVENTS)
def test_as_the_plainest_way(pattern: Any, event: Any) -> None:
    assert compile_document(pattern).matches(event) == plainly(pattern, event)


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)), EVENTS)
def test_any_document_is_read_or_refused(document: Any, event: Any) -> None:
    try:
        pattern = pattern_of(json.dumps(document))
    except InvalidEventPatternException:
        return
    assert pattern.matches(event) in (True, False)


@given(st.lists(st.sampled_from(["a", "b", "*"]), max_size=8), st.text("ab", max_size=12))
def test_wildcards_as_a_table_of_prefixes_finds_them(pieces: list[str], text: str) -> None:
    pattern = "".join(pieces)
    if "**" in pattern:
        return
    reached = {0}
    for character in pattern:
        if character == "*":
            reached = {end for start in reached for end in range(start, len(text) + 1)}
        else:
            reached = {at + 1 for at in reached if at < len(text) and text[at] == character}
    assert of({"wildcard": pattern}, text) == (len(text) in reached)
