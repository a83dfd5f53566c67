"""What a target is given of an event: constants, parts, templates.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html, whose examples are among these.
"""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.errors.events import ValidationException
from lambdad.resources.json_path import MISSING, found_at, path_of
from lambdad.resources.target_input import Occasion, check_input, input_of

EVENT = {
    "version": "0",
    "id": "7bf73129",
    "detail-type": "EC2 Instance State-change Notification",
    "time": "2015-11-11T21:29:54Z",
    "resources": ["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],
    "detail": {"instance-id": "i-0123456789", "state": "RUNNING", "n": 1.5, "list": [{"a": 1}, {"a": 2}], "no": None},
}
OCCASION = Occasion(EVENT, orjson.dumps(EVENT), "arn:aws:events:us-east-1:1:rule/r", "r", "2020-01-01T00:00:00Z")
PATHS = {
    "instance": "$.detail.instance-id",
    "state": "$.detail.state",
    "detail": "$.detail",
    "n": "$.detail.n",
    "all": "$.detail.list[*].a",
    "first": "$.resources[0]",
    "null": "$.detail.no",
    "missing": "$.detail.nothing",
}


def given_to(**target: Any) -> str:
    return input_of(target, OCCASION).decode()


def transformed(template: str, paths: dict[str, str] = PATHS) -> str:
    return given_to(InputTransformer={"InputPathsMap": paths, "InputTemplate": template})


def test_the_event_a_constant_or_a_part() -> None:
    assert json.loads(given_to()) == EVENT
    assert given_to(Input='{"any": "text"}') == '{"any": "text"}'
    assert given_to(InputPath="$.detail.state") == '"RUNNING"'
    assert json.loads(given_to(InputPath="$.detail.list")) == [{"a": 1}, {"a": 2}]
    assert json.loads(given_to(InputPath="$")) == EVENT
    assert given_to(InputPath="$.nothing") == "null"


@pytest.mark.parametrize(
    ("template", "result"),
    [
        ('"instance <instance> is in state <state>"', '"instance i-0123456789 is in state RUNNING"'),
        ('"instance \\"<instance>\\" is in <state>"', '"instance \\"i-0123456789\\" is in RUNNING"'),
        ('{"instance": <instance>, "state": <state>}', '{"instance": "i-0123456789", "state": "RUNNING"}'),
        ('{"instance": <instance>, "state": "<state>"}', '{"instance": "i-0123456789", "state": "RUNNING"}'),
        ('{"status": "instance \\"<instance>\\" is up"}', '{"status": "instance \\"i-0123456789\\" is up"}'),
        ('{"state": [9, <state>, true], "is": "static"}', '{"state": [9, "RUNNING", true], "is": "static"}'),
        ('{"n": <n>, "of": "<n>"}', '{"n": 1.5, "of": "1.5"}'),
        ('{"all": <all>, "text": "<all>"}', '{"all": [1,2], "text": "[1,2]"}'),
        ('{"first": <first>}', '{"first": "arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"}'),
        ('{"null": <null>}', '{"null": null}'),
        ('{"missing": <missing>, "text": "<missing>"}', '{"missing": "", "text": ""}'),
        ('"<missing>!"', '"!"'),
        ("<detail>", orjson.dumps(EVENT["detail"]).decode()),
        ("<instance>", '"i-0123456789"'),
        (
            '{"rule": <aws.events.rule-arn>, "n": "<aws.events.rule-name>"}',
            f'{{"rule": "{OCCASION.rule_arn}", "n": "r"}}',
        ),
        ('{"at": <aws.events.event.ingestion-time>}', '{"at": "2020-01-01T00:00:00Z"}'),
        ('"one <state>"\n"two <state>"', '"one RUNNING"\n"two RUNNING"'),
        ('"{[/special <state>"', '"{[/special RUNNING"'),
    ],
)
def test_templates(template: str, result: str) -> None:
    assert transformed(template) == result


def test_documents_in_templates() -> None:
    assert json.loads(transformed('{"e": <aws.events.event.json>}')) == {"e": EVENT}
    without_detail = {name: value for name, value in EVENT.items() if name != "detail"}
    assert json.loads(transformed('{"e": <aws.events.event>}')) == {"e": without_detail}
    shown = transformed('"Detail is <detail>"')
    assert shown.startswith('"Detail is {instance-id:i-0123456789,state:RUNNING,n:1.5,list:[{a:1},{a:2}]')


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(-(2**53), 2**53), st.lists, max_leaves=8))
def test_a_json_template_makes_json_of_any_value(value: Any) -> None:
    occasion = Occasion({"detail": {"v": value}}, b"", "", "", "")
    transformer = {"InputPathsMap": {"v": "$.detail.v"}, "InputTemplate": '{"plain": <v>, "quoted": "a <v> b"}'}
    document = json.loads(input_of({"InputTransformer": transformer}, occasion))
    assert document["plain"] == value
    if isinstance(value, str):
        assert document["quoted"] == f"a {value} b"


@pytest.mark.parametrize("text", ["$", "$.a", "$.a.b-c_d", "$.a[0]", "$.a[*].b", "$.*", "$.a/b"])
def test_paths(text: str) -> None:
    assert path_of(text) is not None


@pytest.mark.parametrize(
    "text", ["", "a", "a.$", "$a", "$.", "$.a[", "$.a['b']", '$.a["b"]', "$.a[-1]", "$..a", "$.a b"]
)
def test_what_is_no_path(text: str) -> None:
    assert path_of(text) is None


def test_what_paths_find() -> None:
    document = {"a": [{"b": 1}, {"c": 2}, {"b": 3}], "d": {"x": 1, "y": 2}}

    def found(text: str) -> Any:
        path = path_of(text)
        assert path is not None
        return found_at(path, document)

    assert found("$.a[2].b") == 3
    assert found("$.a[*].b") == [1, 3]
    assert found("$.d.*") == [1, 2]
    assert found("$.a[3]") is MISSING
    assert found("$.a.b") is MISSING
    assert found("$.d[0]") is MISSING


def test_placeholders_are_declared() -> None:
    with pytest.raises(ValidationException, match="contains invalid placeholder y"):
        check_input({"Id": "t", "InputTransformer": {"InputPathsMap": {"x": "$.a"}, "InputTemplate": "<x> <y>"}})
    with pytest.raises(ValidationException, match="valid only for JSON template"):
        check_input({"Id": "t", "InputTransformer": {"InputTemplate": '{"e": "<aws.events.event.json>"}'}})
    check_input({"Id": "t", "InputTransformer": {"InputTemplate": '{"e": <aws.events.event.json>}'}})
