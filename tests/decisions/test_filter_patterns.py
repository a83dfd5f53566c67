"""Filter patterns of CloudWatch Logs: AWS's own examples, and anything at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.observability.filter_pattern import InvalidPattern, compile_pattern

WEB = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
EVENT = (
    '{"eventType": "UpdateTrail", "sourceIPAddress": "123.123.123.123", "arrayKey": ["value", "another value"], '
    '"objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "isDeleted": true, '
    '"user": {"id": 1, "email": "John.Stiles@example.com"}, "bandwidth": 75.5, "a key": "x"}'
)


@pytest.mark.parametrize(
    ("pattern", "message", "wanted"),
    [
        ("", "anything", True),
        ("ERROR", "[ERROR 400] BAD REQUEST", True),
        ("ERROR", "[error 400] BAD REQUEST", False),
        ("ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", True),
        ("ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", False),
        ("?ERROR ?ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
        ("?ERROR ?ARGUMENTS", "fine", False),
        ("ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", True),
        ("ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", False),
        ('"INTERNAL SERVER ERROR"', "[ERROR 500] INTERNAL SERVER ERROR", True),
        ('"INTERNAL SERVER ERROR"', "INTERNAL ERROR SERVER", False),
        ('"say \\"hi\\""', 'they say "hi"', True),
        ("%ERR[A-Z]R%", "an ERROR", True),
        ("%^ERR%", "an ERROR", False),
        ('{ $.eventType = "UpdateTrail" }', EVENT, True),
        ('{ $.eventType = "Update*" }', EVENT, True),
        ("{ $.eventType = UpdateTrail }", EVENT, True),
        ('{ $.eventType != "UpdateTrail" }', EVENT, False),
        ("{ $.sourceIPAddress != 123.123.* }", EVENT, False),
        ('{ $.arrayKey[0] = "value" }', EVENT, True),
        ('{ $.arrayKey[1] = "value" }', EVENT, False),
        ('{ $.arrayKey[*] = "another value" }', EVENT, True),
        ("{ $.objectList[1].id = 2 }", EVENT, True),
        ("{ $.SomeObject IS NULL }", EVENT, True),
        ("{ $.SomeOtherObject NOT EXISTS }", EVENT, True),
        ("{ $.user NOT EXISTS }", EVENT, False),
        ("{ $.isDeleted IS TRUE }", EVENT, True),
        ("{ $.isDeleted IS FALSE }", EVENT, False),
        ("{ $.bandwidth > 75 && $.bandwidth <= 75.5 }", EVENT, True),
        ("{ $.bandwidth < 75 || $.user.id = 1 }", EVENT, True),
        ("{ ($.bandwidth < 75 || $.user.id = 1) && $.eventType = Other }", EVENT, False),
        ('{ $.user.email = "John.Stiles@*" }', EVENT, True),
        ('{ $.["a key"] = "x" }', EVENT, True),
        ("{ $.eventType = %Trail$% }", EVENT, True),
        ("{ $.eventType = UpdateTrail }", "no JSON", False),
        ("[ip, server, username, timestamp, request, status_code = 404, bytes]", WEB, True),
        ("[ip, server, username, timestamp, request, status_code = 4*, bytes > 1000]", WEB, True),
        ("[ip, server, username, timestamp, request, status_code = 4*, bytes > 2000]", WEB, False),
        ("[ip != 127.0.0.*, ...]", WEB, False),
        ("[..., status_code = 404 || status_code = 410, bytes]", WEB, True),
        ("[..., request =*html*, status_code = 4*, ]", WEB, False),
        ("[w1 = ERROR, w2]", "ERROR here too", False),
        ("[w1 = ERROR && w1 != %WARN%, w2]", "ERROR here", True),
    ],
)
def test_what_matches(pattern: str, message: str, wanted: bool) -> None:
    if pattern.endswith(", ]"):
        with pytest.raises(InvalidPattern):
            compile_pattern(pattern)
        return
    assert compile_pattern(pattern)(message) is wanted


@pytest.mark.parametrize(
    "pattern",
    ["{", "{ $.a }", "{ $.a = }", "{ a = 1 }", "{ $.a = 1 && }", "{ ($.a = 1 }", "[a, ..., b, ...]", "[", 'say "hi', "a&b|c(",
     "{ $.a > text }", "%[%", "{ $.a IS MAYBE }", "{" + "(" * 100 + "$.a = 1" + ")" * 100 + "}"],
)  # fmt: skip
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)


@given(st.text(max_size=60), st.text(max_size=60))
def test_anything_is_a_pattern_or_not(pattern: str, message: str) -> None:
    try:
        match = compile_pattern(pattern)
    except InvalidPattern:
        return
    assert match(message) in (True, False)


@given(st.text(st.characters(categories=["L", "N"], include_characters=" -_"), min_size=1).map(str.strip).filter(bool))
def test_a_quoted_term_is_found_where_it_is(term: str) -> None:
    match = compile_pattern(f'"{term}"')
    assert match(f"before {term} after")
    assert not match("")


def test_an_expression_takes_no_longer_than_its_text() -> None:
    """The kind that engines with backtracking need ages for."""
    assert not compile_pattern("%(a*)*(a*)*(a*)*b%")("a" * 100_000)
