"""Which filter policies SNS takes, and which messages they let through.

AWS: docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html and its siblings.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.errors.filter_policies import InvalidFilterPolicy
from lambdad.resources.filter_policy import ATTRIBUTES, BODY, Published, check_filter_policy


def attribute(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"Type": "String.Array", "Value": json.dumps(value)}
    return {"Type": "String" if isinstance(value, str) else "Number", "Value": str(value)}


def passes_attributes(policy: Any, **attributes: Any) -> bool:
    typed = {name: value if isinstance(value, dict) else attribute(value) for name, value in attributes.items()}
    return Published(typed).passes(json.dumps(policy), ATTRIBUTES, "no JSON")


def passes_body(policy: Any, body: Any) -> bool:
    return Published(None).passes(json.dumps(policy), BODY, body if isinstance(body, str) else json.dumps(body))


def refusal(policy: Any, scope: str = ATTRIBUTES) -> str:
    """Empty: it is taken."""
    try:
        check_filter_policy(policy if isinstance(policy, str) else json.dumps(policy), scope)
    except InvalidFilterPolicy as error:
        return error.reason
    return ""


BOTH: list[tuple[Any, Any, bool]] = [
    (["rugby", "tennis"], "tennis", True),
    (["rugby"], "Rugby", False),
    (["rugby"], ["tennis", "rugby"], True),
    (["rugby"], ["tennis"], False),
    (["5"], 5, False),
    ([5], "5", False),
    ([301.5], 3.015e2, True),
    ([5], [1, None], False),
    (["ab", 5], [1, None], False),
    ([None], [1, None], True),
    ([True], ["true", 1], False),
    ([True], ["x", True], True),
    ([1], [True], False),
    ([{"anything-but": ["rugby", "tennis"]}], "baseball", True),
    ([{"anything-but": ["rugby", "tennis"]}], "rugby", False),
    ([{"anything-but": ["rugby", "tennis"]}], ["rugby", "baseball"], True),
    ([{"anything-but": ["ab"]}], ["ab"], False),
    ([{"anything-but": [100, 500]}], 100.1, True),
    ([{"anything-but": [100, 500]}], [100, 50], True),
    ([{"anything-but": [100, 500]}], 100, False),
    ([{"anything-but": {"prefix": "order-"}}], "data-entry", True),
    ([{"anything-but": {"prefix": "order-"}}], "order-number", False),
    ([{"anything-but": {"suffix": "b"}}], "ac", True),
    ([{"anything-but": {"suffix": "b"}}], "ab", False),
    ([{"anything-but": {"wildcard": "a*c"}}], "abd", True),
    ([{"anything-but": {"wildcard": "a*c"}}], "abc", False),
    ([{"anything-but": {"equals-ignore-case": "A"}}], "a", False),
    ([{"anything-but": ["a"]}, {"exists": False}], "b", True),
    ([{"anything-but": ["a"]}, {"exists": False}], "a", False),
    ([{"equals-ignore-case": "Q"}], "q", True),
    ([{"suffix": "q"}, {"equals-ignore-case": "ZZ"}], 5, False),
    ([{"prefix": "bas"}], "baseball", True),
    ([{"prefix": "a"}], ["zz", "ab"], True),
    ([{"prefix": "a"}], 5, False),
    ([{"prefix": {"equals-ignore-case": "BAS"}}], "baseball", True),
    ([{"suffix": "b"}], ["ab"], True),
    ([{"wildcard": "*ball"}], "baseball", True),
    ([{"cidr": "10.0.0.0/24"}], "10.0.0.255", True),
    ([{"cidr": "10.0.0.0/24"}], "10.1.1.0", False),
    ([{"cidr": "2001:db8::/32"}], "2001:db8::1", True),
    ([{"numeric": ["=", 301.5]}], 301.5, True),
    ([{"numeric": ["<", 10]}], "free", False),
    ([{"numeric": ["<", 10]}], [None, True, "1"], False),
    ([{"numeric": ["<", 10]}], [11, 9], True),
    ([{"numeric": [">", 0, "<=", 150]}], 150, True),
    ([{"numeric": [">", 0, "<=", 150]}], 0, False),
    ([{"exists": True}], "x", True),
    ([{"exists": True}], [], False),
    ([{"exists": True}], [None], False),
    ([{"exists": False}], "x", False),
    ([{"exists": False}], [], True),
]


@pytest.mark.parametrize(("matchers", "value", "wanted"), BOTH)
def test_values(matchers: Any, value: Any, wanted: bool) -> None:
    """Of attributes and of properties alike."""
    assert refusal({"k": matchers}) == ""
    assert passes_attributes({"k": matchers}, k=value, other="there") is wanted
    assert passes_body({"k": matchers}, {"k": value, "other": "there"}) is wanted


@pytest.mark.parametrize(
    ("policy", "attributes", "wanted"),
    [
        ({"k": [{"anything-but": ["a"]}, {"exists": False}]}, {"other": "x"}, True),
        ({"k": [{"exists": False}]}, {}, False),  # of no attributes at all none is absent
        ({"k": [{"exists": False}]}, {"b": {"Type": "Binary", "Value": "AAAA"}}, False),
        ({"k": [{"exists": True}]}, {"k": {"Type": "Binary", "Value": "AAAA"}}, False),
        ({"k": [{"exists": False}]}, {"k": {"Type": "Binary", "Value": "AAAA"}, "other": "x"}, True),
        ({"k": [5]}, {"k": {"Type": "Number.int", "Value": "5"}}, True),
        ({"k": [5]}, {"k": {"Type": "Number.Array", "Value": "[4, 5]"}}, True),
        ({"k": [5]}, {"k": {"Type": "Number", "Value": "nan"}}, False),
        ({"k": ["a"]}, {"k": {"Type": "String.mine", "Value": "a"}}, True),
        ({"k": ["a"]}, {"k": {"Type": "String", "Value": '["a"]'}}, False),
        ({"k": ["a"]}, {"k": {"Type": "String.Array", "Value": '["a"'}}, False),
        ({"k": ["a"]}, {"k": {"Type": "String.Array", "Value": '"a"'}}, False),
        ({"k": ["a"]}, {"k": {"Type": "String", "Value": None}}, False),
        ({"a.b": ["x"]}, {"a.b": "x"}, True),
        ({"a": ["x"], "b": [1]}, {"a": "x", "b": 1}, True),
        ({"a": ["x"], "b": [1]}, {"a": "x"}, False),
        ({"a": ["x"], "$or": [{"b": [1]}, {"c": [1]}]}, {"a": "x", "c": 1}, True),
        ({"a": ["x"], "$or": [{"b": [1]}, {"c": [1]}]}, {"a": "x", "c": 2}, False),
        ({"$or": ["x"]}, {"$or": "x"}, True),  # a name like any other
        ({}, {}, True),
    ],
)
def test_attributes(policy: Any, attributes: Any, wanted: bool) -> None:
    assert refusal(policy) == ""
    assert passes_attributes(policy, **attributes) is wanted


@pytest.mark.parametrize(
    ("policy", "body", "wanted"),
    [
        ({"a": [None, ""]}, {"a": None}, True),
        ({"a": [1, {"numeric": ["<", 10]}]}, {"a": True}, False),
        ({"a": [{"numeric": ["<", 10]}, {"prefix": "x"}]}, {"a": None}, False),
        ({"a": [{"exists": True}]}, {"a": ""}, False),
        ({"a": [{"exists": False}]}, {}, False),
        ({"a": [{"exists": False}]}, "text", False),
        ({"a": [{"exists": False}]}, '"text"', False),
        ({"a": [{"exists": False}]}, '[{"b": 1}]', False),
        ({"a": [{"exists": False}]}, '{"b": NaN}', False),
        ({"a": [{"exists": False}]}, '{"b":' + "[" * 5000 + "]" * 5000 + "}", False),
        ({"a": {"b": [{"exists": False}]}}, {"a": {"c": 1}}, True),
        ({"a": {"b": ["x"]}}, {"a": {"b": "x"}}, True),
        ({"a": {"b": ["x"]}}, {"a": [{"b": "y"}, {"b": "x"}]}, True),
        ({"a": {"b": ["x"], "c": [1]}}, {"a": [{"b": "x", "c": 2}, {"b": "y", "c": 1}]}, False),
        ({"a": {"b": ["x"], "c": [1]}}, {"a": [{"b": "x", "c": 2}, {"b": "x", "c": 1}]}, True),
        ({"a.b": ["x"]}, {"a": {"b": "x"}}, True),
        ({"$or": [{"a": ["1"]}, {"b": ["2"]}]}, {"b": "2"}, True),
        ({"$or": [{"a": ["1"]}, {"b": ["2"]}]}, {"b": "1"}, False),
        ({"d": {"s": ["x"], "$or": [{"a": [1]}, {"b": [2]}]}}, {"d": {"s": "x", "b": 2}}, True),
        ({}, "text", True),
    ],
)
def test_bodies(policy: Any, body: Any, wanted: bool) -> None:
    assert refusal(policy, BODY) == ""
    assert passes_body(policy, body) is wanted


MANY = [str(number) for number in range(151)]
NESTED = {"a": {"b": {"c": MANY[:4]}}, "d": {"e": MANY[:3]}}
EITHER = {"t": MANY[:4], "$or": [{"i": [1, 2, 3, 4]}, {"s": [1, 2, 3, 4]}]}


@pytest.mark.parametrize(
    ("policy", "scope", "reason"),
    [
        ("{bad", ATTRIBUTES, "FilterPolicy: failed to parse JSON."),
        ("[]", ATTRIBUTES, "FilterPolicy: failed to parse JSON."),
        ({"k": "v"}, ATTRIBUTES, 'FilterPolicy: "k" must be an object or an array'),
        ({"k": [["v"]]}, ATTRIBUTES, "FilterPolicy: Match value must be String, number, true, false, or null"),
        ({"k": [{"wrong": True}]}, ATTRIBUTES, "FilterPolicy: Unrecognized match type wrong"),
        ({"k": [{"suffix": "a", "prefix": "b"}]}, ATTRIBUTES, "FilterPolicy: Only one key allowed in match expression"),
        ({"k": [{"suffix": 100}]}, ATTRIBUTES, "FilterPolicy: suffix match pattern must be a string"),
        ({"k": [{"numeric": []}]}, ATTRIBUTES, "FilterPolicy: Invalid member in numeric match: ]"),
        ({"k": [{"numeric": ["=", "0"]}]}, ATTRIBUTES, "FilterPolicy: Value of equals must be numeric"),
        ({"k": [{"numeric": [">", 3, "<", 1]}]}, ATTRIBUTES, "FilterPolicy: Bottom must be less than top"),
        ({"k": [{"exists": "no"}]}, ATTRIBUTES, "FilterPolicy: exists match pattern must be either true or false."),
        (
            {"k": [{"anything-but": {"exists": False}}]},
            ATTRIBUTES,
            "FilterPolicy: Unsupported anything-but pattern: exists",
        ),
        ({"k": [{"cidr": "10.0.0.0"}]}, ATTRIBUTES, "FilterPolicy: Malformed CIDR, one '/' required"),
        ({"k": []}, ATTRIBUTES, "FilterPolicy: Empty arrays are not allowed"),
        (NESTED, ATTRIBUTES, "Filter policy scope MessageAttributes does not support nested filter policy"),
        (
            {"$or": [{"a": {"b": [1]}}, {"c": [1]}]},
            ATTRIBUTES,
            "Filter policy scope MessageAttributes does not support",
        ),
        (NESTED, BODY, ""),  # 3 × 4 × 2 × 3 = 72
        ({**NESTED, "f": MANY[:2]}, BODY, ""),
        ({**NESTED, "f": MANY[:3]}, BODY, "FilterPolicy: Filter policy is too complex"),
        ({"k": MANY}, ATTRIBUTES, "FilterPolicy: Filter policy is too complex"),
        ({"k": MANY[:150]}, ATTRIBUTES, ""),
        ({"s": MANY[:3], "$or": [{"m": MANY[:6]}, EITHER]}, ATTRIBUTES, ""),  # 3 × (6 + 4 × (4 + 4)) = 114
        ({"s": MANY[:4], "$or": [{"m": MANY[:6]}, EITHER]}, ATTRIBUTES, "FilterPolicy: Filter policy is too complex"),
        ({key: [1] for key in "abcde"}, ATTRIBUTES, ""),
        ({key: [1] for key in "abcdef"}, BODY, "FilterPolicy: Filter policy can not have more than 5 keys"),
        ({"k": [{"wildcard": "*a*b*"}]}, ATTRIBUTES, ""),
        ({"k": [{"wildcard": "*a*b*\\*"}]}, ATTRIBUTES, ""),
        ({"k": [{"wildcard": "*a*b*c*"}]}, ATTRIBUTES, "FilterPolicy: Filter policy is too complex"),
        (
            {"k": [{"anything-but": {"wildcard": ["x", "*a*b*c*"]}}]},
            ATTRIBUTES,
            "FilterPolicy: Filter policy is too complex",
        ),
        ({"k": [{"wildcard": f"*/{n}/*"} for n in range(4)]}, ATTRIBUTES, ""),
        ({"k": [{"wildcard": f"*/{n}/*"} for n in range(5)]}, ATTRIBUTES, "FilterPolicy: Filter policy is too complex"),
        ({"k": ["x" * 262_144]}, ATTRIBUTES, "FilterPolicy: Filter policy is too long"),
    ],
)
def test_what_is_taken(policy: Any, scope: str, reason: str) -> None:
    found = refusal(policy, scope)
    assert found.startswith(reason) if reason else not found


def test_a_refusal_says_where() -> None:
    text = '{"price":[{"numeric":["<","100"]}]}'
    where = f'at [Source: (String)"{text}"; line: 1, column: 28]'
    assert refusal(text) == f"FilterPolicy: Value of < must be numeric\n {where}"


@pytest.mark.parametrize("policy", ["no JSON", "[]", '{"k": "v"}', '{"k": [{"anything-but": true}]}'])
def test_a_policy_that_was_taken_once_lets_nothing_through(policy: str) -> None:
    assert not Published({"k": attribute("v")}).passes(policy, ATTRIBUTES, "{}")


NAMES = st.sampled_from(["a", "b", "c", "$or", "a.b", ""])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
TEXTS = st.sampled_from(["", "a", "A*", "*a*", "10.0.0.0/8", "\\*"]) | st.text(max_size=4)
NUMERIC = st.tuples(st.sampled_from(["=", "<", ">="]), st.integers(-9, 9)).map(list)
TEXTUAL = st.sampled_from(["prefix", "suffix", "wildcard", "equals-ignore-case", "cidr", "anything-but"])
MATCHERS = (
    SCALARS
    | st.dictionaries(TEXTUAL, TEXTS, min_size=1, max_size=1)
    | st.builds(lambda operator, text: {"anything-but": {operator: text}}, TEXTUAL, TEXTS)
    | st.builds(lambda values: {"anything-but": values}, st.lists(SCALARS, min_size=1, max_size=3))
    | st.sampled_from([{"exists": True}, {"exists": False}])
    | NUMERIC.map(lambda operand: {"numeric": operand})
)
POLICIES = st.recursive(
    st.dictionaries(NAMES, st.lists(MATCHERS, min_size=1, max_size=3), max_size=3),
    lambda inner: st.dictionaries(NAMES, inner | st.lists(inner, min_size=2, max_size=3), max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))
TYPES = st.sampled_from(["String", "String.Array", "Number", "Number.Array", "Binary", "String.x"])
VALUES = st.text(max_size=5) | DOCUMENTS.map(json.dumps) | st.none()


@given(POLICIES, DOCUMENTS, st.dictionaries(NAMES, st.fixed_dictionaries({"Type": TYPES, "Value": VALUES}), max_size=3))
def test_no_policy_fails_on_any_message(policy: Any, body: Any, attributes: Any) -> None:
    """Whether it would be taken or not."""
    for scope in (ATTRIBUTES, BODY):
        published = Published(attributes)
        assert refusal(policy, scope) is not None
        assert published.passes(json.dumps(policy), scope, json.dumps(body)) in (True, False)
        assert published.passes(json.dumps(policy), scope, str(body)) in (True, False)
