"""Filter patterns of CloudWatch Logs: AWS's own examples, and anything at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.observability.filter_pattern import compile_pattern, keeps_quotas
from lambdad.observability.filter_terms import InvalidPattern

WEB = '127.0.0.1 Prod frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'
EVENT = (
    '{"eventType": "UpdateTrail", "sourceIPAddress": "123.123.123.123", "arrayKey": ["value", "another value"], '
    '"objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}], "SomeObject": null, "isDeleted": true, '
    '"user": {"id": 1, "email": "John.Stiles@example.com"}, "bandwidth": 75.5, "a key": "x", "cluster.name": "c", '
    '"number": [1000], "errorCode": 400}'
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
        ('" "', "nothing", True),
        ('" " -nothing', "nothing", False),
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
        ("{ $.['cluster.name'] = \"c\" }", EVENT, True),
        ("{ $['cluster.name'] = \"d\" }", EVENT, False),
        ("{ $.['*'] = \"c\" }", EVENT, False),
        ("{ $.* = c }", EVENT, True),
        ("{ $.errorCode = 400 }", EVENT, True),
        ("{ $.errorCode = 4* }", EVENT, True),
        ("{ $.errorCode != 4* }", EVENT, False),
        ("{ $.errorCode = 5* }", EVENT, False),
        ("{ $.bandwidth = 75.* }", EVENT, True),
        ("{ $.errorCode = * }", EVENT, True),
        ('{ $.errorCode = "4*" }', EVENT, False),
        ("{ $.isDeleted = T* }", EVENT, False),
        ("{ $.number[0] = 1e+3 }", EVENT, True),
        ("{ $.eventType = %Trail$% }", EVENT, True),
        ("{ $.eventType = UpdateTrail }", "no JSON", False),
        ("[ip, server, username, timestamp, request, status_code = 404, bytes]", WEB, True),
        ("[ip, server, username, timestamp, request, status_code = 4*, bytes > 1000]", WEB, True),
        ("[ip, server, username, timestamp, request, status_code = 4*, bytes > 2000]", WEB, False),
        ("[ip != 127.0.0.*, ...]", WEB, False),
        ("[..., status_code = 404 || status_code = 410, bytes]", WEB, True),
        ("[..., request =*html*, status_code = 4*, ]", WEB, False),
        ("[w1 = ERROR, w2]", "ERROR here too", True),
        ("[w1 = ERROR, w2]", "ERROR", False),
        ("[w1 = ERROR]", "ERROR here", False),
        ("[w1=ERROR || w1=WARNING, w2]", "WARNING 09/25/2014 12:00:02 Invalid user request", True),
        ("[w1=ERROR || w1=WARNING, w2]", "INFO 09/25/2014 12:00:00 GET /service/resource/67 1200", False),
        ("[w1!=ERROR && w1!=WARNING, w2]", "INFO 09/25/2014 12:00:00 GET /service/resource/67 1200", True),
        ("[w1!=ERROR && w1!=WARNING, w2]", "ERROR 09/25/2014 12:00:02 Failed to process request", False),
        ('[w1, w2 = "here [too] *"]', "ERROR here [too]  and there\n", True),
        ("[w1, w2 = here]", "ERROR here too", False),
        ("[w1, w2 = here]", "ERROR [here]\n", True),
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


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("%a% %b% %c%", True),
        ("{ $.a = %a% && $.b = %b% }", True),
        ("{ $.a = %a% && $.b = %b% && $.c = %c% }", False),
        ("[a = %a%, b = %b%]", True),
        ("[a = %a% || a = %b%, ..., c = %c%]", False),
        ("{ $.a[*].b = 1 && $.b.* = 1 && $.c[*] = 1 }", True),
        ("{ $.a[*] = 1 || $.b[*] = 1 || $.c[*] = 1 || $.d[*] = 1 }", False),
        ("{ $.a[*].* = 1 }", False),
        ("{ $.a.*.* = 1 }", False),
        ('{ $.a.["*"].["[*]"] = "*" }', True),
    ],
)
def test_quotas(pattern: str, wanted: bool) -> None:
    compile_pattern(pattern)
    assert keeps_quotas(pattern) is wanted


@given(st.text(max_size=60), st.text(max_size=60))
def test_anything_is_a_pattern_or_not(pattern: str, message: str) -> None:
    try:
        match = compile_pattern(pattern)
    except InvalidPattern:
        return
    assert keeps_quotas(pattern) in (True, False)
    assert match(message) in (True, False)


@given(st.text(st.characters(categories=["L", "N"], include_characters=" -_"), min_size=1).map(str.strip).filter(bool))
def test_a_quoted_term_is_found_where_it_is(term: str) -> None:
    match = compile_pattern(f'"{term}"')
    assert match(f"before {term} after")
    assert not match("")


def test_an_expression_takes_no_longer_than_its_text() -> None:
    """The kind that engines with backtracking need ages for."""
    assert not compile_pattern("%(a*)*(a*)*(a*)*b%")("a" * 100_000)
