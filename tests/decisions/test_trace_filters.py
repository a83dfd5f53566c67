"""Filter expressions, held against a trace with an error in the middle.

AWS: docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.resources.trace import assemble, summary_of
from lambdad.resources.trace_filter import InvalidFilter, read_filter
from lambdad.resources.trace_view import TraceView, view_of

TRACE = "1-5759e988-bd862e3fe1be46a994272793"
ALL: dict[str, str] = {}


def documents() -> list[dict[str, Any]]:
    front = {"id": "1" * 16, "name": "front", "start_time": 10.0, "end_time": 13.0, "origin": "AWS::Lambda"}
    back = {"id": "2" * 16, "name": "back", "start_time": 10.5, "end_time": 14.0, "origin": "AWS::Lambda::Function"}
    return [
        {
            **front,
            "trace_id": TRACE,
            "http": {"response": {"status": 200}, "request": {"url": "http://a/b", "method": "GET"}},
        },
        {
            **back,
            "trace_id": TRACE,
            "parent_id": "1" * 16,
            "fault": True,
            "user": "alice",
            "annotations": {"text": "v", "number": 5, "truth": True},
        },
        {
            "id": "3" * 16,
            "name": "DynamoDB",
            "type": "subsegment",
            "namespace": "aws",
            "parent_id": "2" * 16,
            "trace_id": TRACE,
            "start_time": 11.0,
            "end_time": 11.5,
            "aws": {"table_name": "t"},
            "throttle": True,
        },
    ]


def view() -> TraceView:
    return view_of(assemble(TRACE, "123456789012", documents()))


@pytest.mark.parametrize(
    "expression",
    [
        "ok",
        "!fault",
        "NOT error AND ok",
        "fault = false",
        "partial != true",
        "responsetime >= 3 AND responsetime <= 3",
        "duration = 4",
        "ok !partial duration <5",
        "fault OR ok",
        "(fault OR ok) AND duration > 1",
        "http.status = 200",
        "http.status != 404",
        'http.url BEGINSWITH "http://a" AND http.url CONTAINS "/b" AND http.method = "GET"',
        'http.url ENDSWITH "b"',
        'user = "alice"',
        'name = "back"',
        'service("back")',
        'service("back") { fault }',
        'service("front") { ok AND responsetime = 3 }',
        "service() { fault }",
        'service(id(name: "t", type: "AWS::DynamoDB::Table")) { throttle }',
        'service(id(account.id: "123456789012"))',
        'id(type: "AWS::Lambda")',
        'edge("front", "back")',
        'edge("front", "back") { fault = true }',
        'edge("back") { throttle }',
        'edge(id(type: "AWS::Lambda"), "back")',
        '!edge("back", "front")',
        '!service("other")',
        "annotation.text",
        "annotation[number] EXISTS",
        'annotation.text = "v"',
        'annotation["text"] BEGINSWITH "v"',
        "annotation.number >= 5 annotation.number < 5.5",
        "annotation.truth = true",
        "annotation[truth] != false",
        "!annotation.other",
        'group.name = "g"',
        'group.arn = "arn:g" AND ok',
        'group.name != "none of these"',
        "http.url AND responseTime > 2",
        "http.url http.method user",
        "!availabilityzone AND !http.useragent",
        'user CONTAINS ""',
        "root AND inferred",
        'service("front") { root }',
        'service("front") { root = true and ok = true }',
        'service("back") { !root and inferred = false }',
        'service(id(name: "t")) { inferred and !root }',
        "service() { inferred }",
        'edge("back") { inferred }',
    ],
)
def test_what_fits(expression: str) -> None:
    groups = {"g": 'service("back")', "arn:g": "", "none of these": "!ok"}
    assert read_filter(expression, groups)(view())
    assert not read_filter(f"!({expression})", groups)(view())


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "color",
            "color = 1",
            "first",
            "index > 5",
            'rootcause.fault.service { name = "Auth" }',
            "responsetime",
            "responsetime > fast",
            "responsetime CONTAINS 3",
            "ok AND",
            "OR ok",
            "()",
        ),
        *(
            '"text"',
            'user > "a"',
            "user = alice",
            "http.status = true",
            "ok = maybe",
            "annotation",
            "annotation[",
            "ok)",
        ),
        *(
            'service("a"',
            'service("a") { ok',
            'service(name: "a")',
            'id(color: "a")',
            'edge("a", )x',
            'group.name = "none"',
        ),
        *('user = "open', "ok # ok", "(" * 60 + "ok" + ")" * 60, "ok " * 3000),
    ],
)
def test_what_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(InvalidFilter):
        read_filter(expression, ALL)


def test_groups_in_a_ring_are_refused() -> None:
    with pytest.raises(InvalidFilter):
        read_filter('group.name = "a"', {"a": 'group.name = "b"', "b": 'group.name = "a"'})


@given(st.text(alphabet='aok(){}[]!<=>",:. 1-_\\service', max_size=40))
def test_whatever_is_written_is_read_or_refused(expression: str) -> None:
    try:
        test = read_filter(expression, ALL)
    except InvalidFilter:
        return
    assert test(view()) in (True, False)


def test_its_summary() -> None:
    summary = summary_of(assemble(TRACE, "123456789012", documents()), 1)
    assert (summary["Duration"], summary["ResponseTime"]) == (4.0, 3.0)
    assert (summary["HasFault"], summary["HasError"], summary["IsPartial"]) == (False, False, False)
    assert [one["Name"] for one in summary["ServiceIds"]] == ["front", "back", "t"]
    assert summary["EntryPoint"]["Type"] == "AWS::Lambda"
    assert summary["Annotations"]["truth"][0]["AnnotationValue"] == {"BooleanValue": True}
    assert [one["Name"] for one in summary["FaultRootCauses"][0]["Services"]] == ["front", "back"]
    assert summary["FaultRootCauses"][0]["ClientImpacting"] is False
