"""Filter patterns of CloudWatch Logs: does a message match? Pure.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html. Three languages: terms, `{ … }` over JSON,
`[ … ]` over fields between spaces.
"""

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from itertools import islice
from typing import Any

import orjson

from lambdad.observability.filter_terms import InvalidPattern, Match, compile_terms, expression, unescaped

_DEEPEST = 50
"""Parentheses in one another."""
_MOST_EXPRESSIONS = 2
_MOST_WILDCARDS = 3
"""Of one pattern's selectors; and no selector has more than one."""


def compile_pattern(text: str) -> Match:
    """Raises InvalidPattern."""
    stripped = text.strip()
    if not stripped:
        return lambda message: True
    if stripped.startswith("{"):
        return _json(stripped)
    if stripped.startswith("["):
        return _fields(stripped)
    return compile_terms(stripped)


def keeps_quotas(text: str) -> bool:
    """Has a pattern no more expressions and wildcards than AWS lets it have? Of what is new: one that is in use is not given up
    for it. Raises InvalidPattern."""
    stripped = text.strip()
    if not stripped.startswith(("{", "[")):
        return True
    parts = [stripped[1:-1]] if stripped.startswith("{") else _parts(stripped[1:-1])
    tokens = [token for part in parts for token in _Tokens(part)]
    wildcards = [_steps(token).count(None) for kind, token in tokens if kind == "selector"]
    expressions = sum(kind == "regex" for kind, _ in tokens)
    return expressions <= _MOST_EXPRESSIONS and max(wildcards, default=0) <= 1 and sum(wildcards) <= _MOST_WILDCARDS


# --- Conditions, as both structured languages have them ---------------------------------------------------------------

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class _Value:
    """What a condition compares with."""

    text: str
    quoted: bool = False
    regex: bool = False

    @property
    def number(self) -> float | None:
        return None if self.quoted or self.regex else _number(self.text)


def _condition(sign: str, value: _Value) -> Callable[[Any], bool]:
    """A test of one value that is there. Raises InvalidPattern."""
    if sign in _COMPARISONS:
        bound = value.number
        if bound is None:
            raise InvalidPattern(f"{sign} needs a number")
        compare = _COMPARISONS[sign]

        def compared(given: Any) -> bool:
            number = _number(given)
            return number is not None and compare(number, bound)

        return compared
    equal = _equal(value)
    return equal if sign == "=" else lambda given: not equal(given)


def _equal(value: _Value) -> Callable[[Any], bool]:
    if value.regex:
        search = expression(value.text)
        return lambda given: isinstance(given, (str, int, float)) and search(str(given))
    number = value.number
    if number is not None:
        return lambda given: _number(given) == number
    wanted = re.compile(translate(value.text.replace("[", "[[]").replace("?", "[?]")))
    kinds = (str,) if value.quoted or "*" not in value.text else (str, int, float)

    def equal(given: Any) -> bool:
        return isinstance(given, kinds) and not isinstance(given, bool) and wanted.match(str(given)) is not None

    return equal


def _number(given: Any) -> float | None:
    if isinstance(given, bool):
        return None
    try:
        return float(given)
    except (TypeError, ValueError):
        return None


# --- Tokens -----------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<selector>\$(?:\.(?:[\w$@-]+|\*)|\.?\[(?:"[^"]+"|'[^']+')\]|\[(?:\d+|\*)\])*)
      | (?P<sign><=|>=|!=|=|<|>)
      | (?P<joint>&&|\|\|)
      | (?P<paren>[()])
      | "(?P<quoted>(?:[^"\\]|\\.)*)"
      | %(?P<regex>[^%]+)%
      | (?P<dots>\.\.\.)
      | (?P<comma>,)
      | (?P<word>[\w.*:/@#+'?$-]+)
    )""",
    re.VERBOSE,
)


class _Tokens:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        at = 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise InvalidPattern(text)
            kind = found.lastgroup
            assert kind is not None
            self._tokens.append((kind, found[kind]))
            at = found.end()
        self._at = 0

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._tokens)

    def peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def take(self, *kinds: str) -> tuple[str, str]:
        token = self.peek()
        if kinds and token[0] not in kinds:
            raise InvalidPattern(f"unexpected {token[1] or 'end'}")
        self._at += 1
        return token

    def takes(self, kind: str, text: str) -> bool:
        """If it is that, it is taken."""
        if self.peek() != (kind, text):
            return False
        self._at += 1
        return True

    def value(self) -> _Value:
        kind, text = self.take("quoted", "regex", "word", "selector")
        if kind == "quoted":
            return _Value(unescaped(text), quoted=True)
        return _Value(text, regex=kind == "regex")


Test = Callable[[Any], bool]


def _joined(tokens: _Tokens, one: Callable[[_Tokens, int], Test], depth: int = 0) -> Test:
    """Conditions with && and ||, the first of which binds more."""
    if depth > _DEEPEST:
        raise InvalidPattern("too deep")
    alternatives = [_all_of(tokens, one, depth)]
    while tokens.takes("joint", "||"):
        alternatives.append(_all_of(tokens, one, depth))
    return alternatives[0] if len(alternatives) == 1 else lambda given: any(test(given) for test in alternatives)


def _all_of(tokens: _Tokens, one: Callable[[_Tokens, int], Test], depth: int) -> Test:
    tests = [_single(tokens, one, depth)]
    while tokens.takes("joint", "&&"):
        tests.append(_single(tokens, one, depth))
    return tests[0] if len(tests) == 1 else lambda given: all(test(given) for test in tests)


def _single(tokens: _Tokens, one: Callable[[_Tokens, int], Test], depth: int) -> Test:
    if tokens.takes("paren", "("):
        inner = _joined(tokens, one, depth + 1)
        if not tokens.takes("paren", ")"):
            raise InvalidPattern("a parenthesis is not closed")
        return inner
    return one(tokens, depth)


# --- JSON -------------------------------------------------------------------------------------------------------------

_STEP = re.compile(r"""\.?\[(?:"([^"]+)"|'([^']+)')\]|\.([\w$@-]+)|\[(\d+)\]|\.\*|\[\*\]""")
_Steps = Sequence[str | int | None]
"""Names, numbers; None: every member."""


def _json(text: str) -> Match:
    if not text.endswith("}"):
        raise InvalidPattern(text)
    tokens = _Tokens(text[1:-1])
    test = _joined(tokens, _json_condition)
    tokens.take("end")

    def match(message: str) -> bool:
        try:
            document = orjson.loads(message)
        except orjson.JSONDecodeError:
            return False
        return isinstance(document, (dict, list)) and test(document)

    return match


def _json_condition(tokens: _Tokens, depth: int) -> Test:
    _, selector = tokens.take("selector")
    steps = _steps(selector)
    if tokens.peek()[0] == "word":
        return _json_keyword(tokens, steps)
    _, sign = tokens.take("sign")
    test = _condition(sign, tokens.value())
    return lambda document: any(test(found) for found in _found(document, steps) if not isinstance(found, (dict, list)))


def _json_keyword(tokens: _Tokens, steps: _Steps) -> Test:
    words = (tokens.take("word")[1].upper(), tokens.take("word")[1].upper())
    if words == ("NOT", "EXISTS"):
        return lambda document: not _found(document, steps)
    wanted = {("IS", "NULL"): None, ("IS", "TRUE"): True, ("IS", "FALSE"): False}
    if words not in wanted:
        raise InvalidPattern(" ".join(words))
    value = wanted[words]
    return lambda document: any(found is value for found in _found(document, steps))


def _steps(selector: str) -> _Steps:
    steps: list[str | int | None] = []
    for double, single, name, index in _STEP.findall(selector):
        steps.append(int(index) if index else double or single or name or None)
    return steps


def _found(document: Any, steps: _Steps) -> list[Any]:
    """The values at the end of a path."""
    found = [document]
    for step in steps:
        found = [below for one in found for below in _below(one, step)]
    return found


def _below(one: Any, step: str | int | None) -> list[Any]:
    if step is None:
        return list(one.values()) if isinstance(one, dict) else list(one) if isinstance(one, list) else []
    if isinstance(step, int):
        return [one[step]] if isinstance(one, list) and step < len(one) else []
    return [one[step]] if isinstance(one, dict) and step in one else []


# --- Fields between spaces --------------------------------------------------------------------------------------------

_FIELD = re.compile(r'"([^"]*)"|\[([^\]]*)\]|(\S+)')


def _fields(text: str) -> Match:
    if not text.endswith("]"):
        raise InvalidPattern(text)
    tests = [_field(part.strip()) for part in _parts(text[1:-1])]
    if tests.count(None) > 1:
        raise InvalidPattern("... may be there once")

    most = len(tests) if None not in tests else None
    return lambda message: _fit(tests, _words(message, most))


def _words(message: str, most: int | None) -> list[str]:
    """The last that there may be is all that is left, as it is written."""
    found = list(islice(_FIELD.finditer(message), most and most + 1))
    words = [next((group for group in one.groups() if group), "") for one in found]
    if most is not None and len(words) > most:
        words[most - 1 :] = [message[found[most - 1].start() :].rstrip()]
    return words


def _parts(text: str) -> list[str]:
    """At commas that are in no quotes."""
    found: list[str] = re.findall(r'((?:"(?:[^"\\]|\\.)*"|%[^%]*%|[^,])+)', text)
    return found or [""]


def _field(text: str) -> Test | None:
    """None: any number of fields."""
    if text == "...":
        return None
    tokens = _Tokens(text)
    if tokens.peek()[0] == "end":
        raise InvalidPattern("a field has no name")
    test = _joined(tokens, _field_condition)
    tokens.take("end")
    return test


def _field_condition(tokens: _Tokens, depth: int) -> Test:
    tokens.take("word", "selector")
    if tokens.peek()[0] != "sign":
        return lambda given: True
    _, sign = tokens.take("sign")
    return _condition(sign, tokens.value())


def _fit(tests: list[Test | None], given: list[str]) -> bool:
    if None not in tests:
        return len(tests) == len(given) and all(test(one) for test, one in zip(tests, given, strict=True) if test)
    gap = tests.index(None)
    before, after = tests[:gap], tests[gap + 1 :]
    if len(given) < len(before) + len(after):
        return False
    ends = given[len(given) - len(after) :] if after else []
    pairs = [*zip(before, given, strict=False), *zip(after, ends, strict=True)]
    return all(test(one) for test, one in pairs if test is not None)
