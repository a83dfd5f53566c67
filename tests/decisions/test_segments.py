"""Segment documents from whoever likes to send them; traces put together of them; tracing headers; sampling; OTLP's spans."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdad.observability.otlp import request_of, spans_of
from lambdad.observability.trace_store import Place, Taken
from lambdad.resources.sampling import Request, RuleKey, Sampler, SamplingRule, default_rule, in_order, matches
from lambdad.resources.segment import InvalidSegment, Segment, children, made_at, normal, read_segments
from lambdad.resources.service_graph import graph_of
from lambdad.resources.trace import assemble, summary_of
from lambdad.resources.trace_header import TraceHeader, read_header, write_header
from lambdad.resources.trace_view import view_of

TRACE = "1-5759e988-bd862e3fe1be46a994272793"
GOOD = {"id": "a" * 16, "trace_id": TRACE, "name": "n", "start_time": 1.5, "end_time": 2}


def read_segment(text: bytes) -> Segment:
    """The only one that there is."""
    (found,) = read_segments(text)
    if isinstance(found, InvalidSegment):
        raise found
    return found


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"id": None}, "MissingId"),
        ({"id": "A" * 16}, "InvalidId"),
        ({"trace_id": None}, "MissingTraceId"),
        ({"trace_id": "1-2-3"}, "InvalidTraceId"),
        ({"name": ""}, "MissingName"),
        ({"name": "n" * 201}, "InvalidName"),
        ({"start_time": None}, "MissingStartTime"),
        ({"start_time": "now"}, "InvalidStartTime"),
        ({"start_time": True}, "InvalidStartTime"),
        ({"end_time": None}, "MissingEndTime"),
        ({"end_time": -1}, "InvalidEndTime"),
        ({"type": "subsegment"}, "MissingParentId"),
        ({"http": []}, "ParseError"),
        ({"subsegments": {}}, "ParseError"),
        ({"subsegments": [1]}, "ParseError"),
        ({"subsegments": [{"id": "x"}]}, "MissingName"),
    ],
)
def test_what_is_wrong_with_a_document(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidSegment) as raised:
        read_segment(json.dumps({**GOOD, **change}).encode())
    assert raised.value.code == code


def test_what_is_right_with_others() -> None:
    assert read_segment(json.dumps(GOOD).encode()).ended == 2
    begun = {name: value for name, value in GOOD.items() if name != "end_time"} | {"in_progress": True}
    assert read_segment(json.dumps(begun).encode()).ended is None
    w3c = read_segment(json.dumps({**GOOD, "trace_id": "5759e988bd862e3fe1be46a994272793"}).encode())
    assert w3c.trace_id == TRACE == normal(TRACE)
    for text in (b"", b"[]", b"[1]", b"1", b"\xff", b"{" * 70_000, b"[" * 40_000):
        with pytest.raises(InvalidSegment):
            read_segment(text)


def test_of_an_array_each_is_taken_or_refused_by_itself() -> None:
    below = {**GOOD, "type": "subsegment", "parent_id": "b" * 16}
    array = [below, {**below, "id": "c" * 16, "end_time": None}, 5, {**below, "id": "d" * 16}]
    found = read_segments(json.dumps(array).encode())
    assert [one.id for one in found] == ["a" * 16, "c" * 16, "", "d" * 16]
    assert [one.code for one in found if isinstance(one, InvalidSegment)] == ["MissingEndTime", "ParseError"]
    assert [json.loads(one.text) for one in found if isinstance(one, Segment)] == [array[0], array[3]]


def test_what_is_nested_so_deeply_that_nobody_could_be_shown_it_is_refused() -> None:
    def with_metadata(depth: int, **more: Any) -> bytes:
        return json.dumps({**GOOD, **more, "metadata": json.loads('{"a":' * depth + "1" + "}" * depth)}).encode()

    with pytest.raises(InvalidSegment):
        read_segment(with_metadata(130))
    for array in (with_metadata(130), b"[" * 300 + b"]" * 300):
        assert [one for one in read_segments(b"[" + array + b"]") if isinstance(one, Segment)] == []
    chain = [
        read_segment(with_metadata(115, id=f"{at:016x}", parent_id=f"{at - 1:016x}", type="subsegment")).document
        for at in range(1, 100)
    ]
    orjson.dumps(assemble(TRACE, "1", [{**GOOD, "id": f"{0:016x}"}, *chain]).segments)


@pytest.mark.parametrize(
    ("trace_id", "began"),
    [
        ("1-6553f100-bd862e3fe1be46a994272793", 0x6553F100),
        ("1-6553f164-bd862e3fe1be46a994272793", 0x6553F164),
        ("1-4efaaf4d-1e8720b39541901950019ee5", 0x6553F100 + 5),
        ("1-fefaaf4d-1e8720b39541901950019ee5", 0x6553F100 + 5),
        ("4efaaf4d1e8720b39541901950019ee5", 0x6553F100 + 5),
    ],
    ids=["x-ray", "by a clock that is ahead", "w3c, long ago", "w3c, far ahead", "w3c"],
)
def test_when_a_trace_began(trace_id: str, began: int) -> None:
    now = float(0x6553F100) + 10
    segment = read_segment(json.dumps({**GOOD, "trace_id": trace_id, "start_time": now - 4.5}).encode())
    assert made_at(segment, now) == began


IDS = st.sampled_from(["a" * 16, "b" * 16, "c" * 16, "d" * 16])
VALUES = st.sampled_from(
    [
        *(
            None,
            True,
            -5,
            1.5,
            "x",
            "aws",
            "a" * 16,
            [],
            [1],
            [[]],
            {},
            {"": None},
            {"a": []},
            {"request": 1},
            {"ec2": 1},
        ),
        *({"request": {"url": 1, "method": []}}, {"response": {"status": 500}}, {"response": {"status": "x"}}),
        *({"exceptions": [1, {}]}, {"exceptions": {}}, {"table_name": 1}, {"a": {"b": 1}}),
    ]
)
FIELDS = ["http", "aws", "annotations", "metadata", "cause", "user", "origin", "namespace", "fault", "in_progress"]
SUBSEGMENTS = st.fixed_dictionaries(
    {"id": IDS, "name": st.text(min_size=1, max_size=5), "start_time": st.just(1.0), "end_time": st.just(2.0)},
    optional=dict.fromkeys(FIELDS, VALUES),
)
DOCUMENTS = st.fixed_dictionaries(
    {"id": IDS, "name": st.text(min_size=1, max_size=5), "start_time": st.just(1.0), "end_time": st.just(2.0)},
    optional={
        **dict.fromkeys(FIELDS, VALUES),
        "type": st.just("subsegment"),
        "parent_id": IDS,
        "subsegments": st.lists(SUBSEGMENTS, max_size=3),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(DOCUMENTS, max_size=5, unique_by=lambda one: one["id"]))
def test_whatever_is_sent_is_refused_or_can_be_shown(given_documents: list[dict[str, Any]]) -> None:
    """Ids twice, rings of parents, fields of any kind: nobody who looks is kept from it."""
    taken = []
    for document in given_documents:
        try:
            taken.append(read_segment(orjson.dumps({**document, "trace_id": TRACE})))
        except (InvalidSegment, TypeError):
            continue
    trace = assemble(TRACE, "1", [orjson.loads(one.text) for one in taken])
    orjson.dumps([summary_of(trace, 1), graph_of([trace]), trace.segments])
    view_of(trace)
    spans = [(Place("1", "r", "f"), *span) for one in taken for span in spans_of(Taken(Place("1", "r", "f"), one))]
    orjson.dumps(request_of(spans))


def test_a_chain_of_subsegments_without_end_is_cut() -> None:
    chain = [{**GOOD, "id": f"{at:016x}", "parent_id": f"{at - 1:016x}", "type": "subsegment"} for at in range(1, 3000)]
    trace = assemble(TRACE, "1", [{**GOOD, "id": f"{0:016x}"}, *chain])
    orjson.dumps(trace.segments)
    assert sum(1 + len(list(children(one))) for one in trace.segments) == 3000


def test_headers() -> None:
    header = read_header(f"Root={TRACE};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a:0;Self=x")
    assert header == TraceHeader(TRACE, "53995c3f42cd8ad8", True, ("Lineage=1:a:0", "Self=x"))
    assert write_header(header, 0.0) == f"Root={TRACE};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a:0;Self=x"
    assert read_header("Root=nonsense;Parent=;Sampled=?; a=b") == TraceHeader(None, None, None, ("a=b",))
    begun = read_header(write_header(TraceHeader(), 1467064712.0))
    assert (begun.root or "")[:11] == "1-5771a188-"
    assert (begun.sampled, begun.parent is None) == (False, False)


@given(st.text(max_size=80))
def test_any_header_is_read(text: str) -> None:
    again = read_header(write_header(read_header(text), 0.0))
    assert again.root is not None


REQUEST = Request("shop", "AWS::Lambda::Function", "arn:aws:lambda:us-east-1:1:function:shop")


def rule(name: str = "r", **more: Any) -> SamplingRule:
    given = {"priority": 5, "fixed_rate": 0.0, "reservoir_size": 0, **more}
    return SamplingRule(key=RuleKey("1", "us-east-1", name), **given)


@pytest.mark.parametrize(
    ("more", "fits"),
    [
        ({}, True),
        ({"service_name": "SHOP"}, True),
        ({"service_name": "s?o*"}, True),
        ({"service_name": "shops"}, False),
        ({"service_type": "AWS::Lambda::*"}, True),
        ({"resource_arn": "*:function:sh*"}, True),
        ({"service_name": "s.op"}, False),
        ({"url_path": "/api/*"}, False),
        ({"http_method": "GET"}, False),
        ({"attributes": {"a": "b"}}, False),
    ],
)
def test_which_rules_match_an_invocation(more: dict[str, Any], fits: bool) -> None:
    assert matches(rule(**more), REQUEST) is fits


def test_the_default_rule_traces_the_first_of_a_second_and_a_twentieth_of_the_others() -> None:
    drawn = iter([0.049, 0.05, 0.99, 0.0, 0.5])
    sampler, rules = Sampler(lambda: next(drawn)), [default_rule("1", "us-east-1")]
    decided = [sampler.decide(rules, REQUEST, now) for now in (7.0, 7.1, 7.2, 7.9, 8.0, 8.5)]
    assert decided == [True, True, False, False, True, True]


def test_the_first_rule_that_matches_decides() -> None:
    rules = in_order(
        [default_rule("1", "us-east-1"), rule("b", reservoir_size=9), rule("a"), rule("z", priority=1, host="x")]
    )
    assert [one.key.name for one in rules] == ["z", "a", "b", "Default"]
    assert not any(Sampler(lambda: 0.0).decide(rules, REQUEST, 1.0) for _ in range(3))
