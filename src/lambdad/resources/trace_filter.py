"""Filter expressions: which traces are asked for. Read once, held against many. Pure.

AWS: docs.aws.amazon.com/xray/latest/devguide/xray-console-filters.html. What they are held against is in
`trace_view.py`: views of the trace as a whole, of its services, and of the edges between them.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from lambdad.resources.trace_view import BOOLEANS, NUMBERS, STRINGS, TraceView, View

Test = Callable[[View, TraceView], bool]
"""Of a view (the trace, one of its services, one of its edges), and the trace that it is of."""
_DEEPEST: Final = 32
LONGEST: Final = 5000
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\")|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<operator><=|>=|!=|=|<|>)"
    r"|(?P<mark>[!(){}\[\],:])|(?P<word>[A-Za-z_][\w.\-]*))"
)
_TEXT_TESTS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "CONTAINS": lambda one, other: other in one,
    "BEGINSWITH": lambda one, other: one.startswith(other),
    "ENDSWITH": lambda one, other: one.endswith(other),
}
_NUMBER_TESTS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "=": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


class InvalidFilter(Exception):
    """The expression cannot be read; the text says where."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    """text | number | operator | mark | word | end"""
    value: str
    at: int

    def is_word(self, *words: str) -> bool:
        return self.kind == "word" and self.value.upper() in words


def read_filter(expression: str, groups: Mapping[str, str]) -> Callable[[TraceView], bool]:
    """`groups`: the expressions of the groups there are, by name and by ARN. Raises InvalidFilter."""
    if len(expression) > LONGEST:
        raise InvalidFilter("the expression is too long")
    test = _Reader(expression, groups).whole()
    return lambda trace: test(trace.whole, trace)


def _tokens(expression: str) -> list[_Token]:
    found, at = [], 0
    text = expression.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise InvalidFilter(f"unexpected character at position {at}")
        found.append(_Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup)))
        at = match.end()
    return [*found, _Token("end", "", len(text))]


class _Reader:
    """Recursive descent: or → and → not → term."""

    def __init__(self, expression: str, groups: Mapping[str, str], depth: int = 0) -> None:
        self._tokens = _tokens(expression)
        self._groups = groups
        self._at = 0
        self._depth = depth

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self) -> _Token:
        token = self._tokens[self._at]
        self._at += token.kind != "end"
        return token

    def _is(self, mark: str) -> bool:
        return self._next.kind == "mark" and self._next.value == mark

    def _accept(self, mark: str) -> bool:
        accepted = self._is(mark)
        self._at += accepted
        return accepted

    def _expect(self, mark: str) -> None:
        if not self._accept(mark):
            raise self._unexpected(f"'{mark}'")

    def _unexpected(self, wanted: str) -> InvalidFilter:
        return InvalidFilter(f"expected {wanted} at position {self._next.at}")

    def whole(self) -> Test:
        test = self._or()
        if self._next.kind != "end":
            raise self._unexpected("the end")
        return test

    def _or(self) -> Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise InvalidFilter("the expression is nested too deeply")
        tests = [self._and()]
        while self._next.is_word("OR"):
            self._take()
            tests.append(self._and())
        self._depth -= 1
        return tests[0] if len(tests) == 1 else lambda view, trace: any(test(view, trace) for test in tests)

    def _and(self) -> Test:
        """One beside another means both, with or without the word."""
        tests = [self._not()]
        while not self._ends():
            if self._next.is_word("AND"):
                self._take()
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda view, trace: all(test(view, trace) for test in tests)

    def _ends(self) -> bool:
        return self._next.kind == "end" or self._is(")") or self._is("}") or self._next.is_word("OR")

    def _not(self) -> Test:
        negative = False
        while self._is("!") or self._next.is_word("NOT"):
            self._take()
            negative = not negative
        test = self._term()
        return (lambda view, trace: not test(view, trace)) if negative else test

    def _term(self) -> Test:
        if self._accept("("):
            test = self._or()
            self._expect(")")
            return test
        token = self._take()
        if token.kind != "word":
            raise InvalidFilter(f"expected a keyword at position {token.at}")
        name = token.value.lower()
        if name == "annotation" or name.startswith("annotation."):
            return self._annotation(token.value[len("annotation.") :])
        if name in ("service", "edge", "id"):
            return {"service": self._service, "edge": self._edge, "id": self._id}[name]()
        if name in ("group.name", "group.arn"):
            return self._group()
        if name in BOOLEANS:
            return self._boolean(name)
        if name in NUMBERS:
            return self._number(name)
        if name in STRINGS:
            return self._string(name)
        raise InvalidFilter(f"unknown keyword '{token.value}' at position {token.at}")

    # --- Keywords -----------------------------------------------------------------------------------------------------

    def _boolean(self, name: str) -> Test:
        if self._next.kind != "operator":
            return lambda view, trace: view.booleans[name]
        wanted = self._operator(("=", "!=")) == "="
        token = self._take()
        if not token.is_word("TRUE", "FALSE"):
            raise InvalidFilter(f"expected true or false at position {token.at}")
        wanted = wanted == (token.value.lower() == "true")
        return lambda view, trace: view.booleans[name] == wanted

    def _number(self, name: str) -> Test:
        compare = _NUMBER_TESTS[self._operator(_NUMBER_TESTS)]
        number = self._value("number")
        return lambda view, trace: any(compare(value, float(number)) for value in view.numbers[name])

    def _string(self, name: str) -> Test:
        """`!=`: there is none like it; nothing: there is one; else: any is."""
        if not self._compares():
            return lambda view, trace: bool(view.strings[name])
        operator = self._operator(_TEXT_TESTS)
        compare, text = _TEXT_TESTS[operator], self._value("text")
        fits = all if operator == "!=" else any
        return lambda view, trace: fits(compare(value, text) for value in view.strings[name])

    def _compares(self) -> bool:
        return self._next.kind == "operator" or self._next.is_word(*_TEXT_TESTS)

    def _annotation(self, key: str) -> Test:
        if not key:
            self._expect("[")
            token = self._take()
            if token.kind not in ("word", "text", "number"):
                raise InvalidFilter(f"expected a key at position {token.at}")
            key = _unquoted(token)
            while not self._is("]") and self._next.kind in ("word", "mark", "number"):
                key += self._take().value
            self._expect("]")
        if self._next.is_word("EXISTS"):
            self._take()
            return lambda view, trace: key in view.annotations
        if not self._compares():
            return lambda view, trace: key in view.annotations
        return self._compared(key)

    def _compared(self, key: str) -> Test:
        operator = self._operator((*_TEXT_TESTS, *_NUMBER_TESTS))
        token = self._take()
        if token.kind == "text" and operator in _TEXT_TESTS:
            compare, text = _TEXT_TESTS[operator], _unquoted(token)
            return lambda view, _: any(
                compare(value, text) for value in view.annotations.get(key, ()) if isinstance(value, str)
            )
        if token.kind == "number" and operator in _NUMBER_TESTS:
            compare_numbers, number = _NUMBER_TESTS[operator], float(token.value)
            return lambda view, _: any(
                compare_numbers(value, number)
                for value in view.annotations.get(key, ())
                if isinstance(value, int | float) and not isinstance(value, bool)
            )
        if token.is_word("TRUE", "FALSE") and operator in ("=", "!="):
            wanted = (token.value.lower() == "true") == (operator == "=")
            return lambda view, _: any(value is wanted for value in view.annotations.get(key, ()))
        raise InvalidFilter(f"expected a value for '{operator}' at position {token.at}")

    def _operator(self, allowed: object) -> str:
        token = self._take()
        operator = token.value.upper()
        if token.kind not in ("operator", "word") or operator not in allowed:  # type: ignore[operator]
            raise InvalidFilter(f"expected an operator at position {token.at}")
        return operator

    def _value(self, kind: str) -> str:
        token = self._take()
        if token.kind != kind:
            raise InvalidFilter(f"expected a {kind} at position {token.at}")
        return _unquoted(token)

    # --- Services, edges, groups --------------------------------------------------------------------------------------

    def _service(self) -> Test:
        self._expect("(")
        which = self._which()
        self._expect(")")
        inner = self._braces()
        return lambda _, trace: any(which(service) and inner(service, trace) for service in trace.services)

    def _edge(self) -> Test:
        self._expect("(")
        source = self._which()
        target: Callable[[View], bool] = _anything
        if self._accept(","):
            target = self._which()
        self._expect(")")
        inner = self._braces()
        return lambda _, trace: any(
            source(edge.source) and target(edge.target) and inner(edge.view, trace) for edge in trace.edges
        )

    def _id(self) -> Test:
        which = self._identity()
        return lambda _, trace: any(which(service) for service in trace.services)

    def _braces(self) -> Test:
        if not self._accept("{"):
            return lambda view, trace: True
        test = self._or()
        self._expect("}")
        return test

    def _which(self) -> Callable[[View], bool]:
        """Nothing: any; a name; or id(…)."""
        if self._next.kind == "text":
            name = _unquoted(self._take())
            return lambda view: name in view.strings["name"]
        if self._next.is_word("ID"):
            self._take()
            return self._identity()
        if self._is(")") or self._is(","):
            return _anything
        raise self._unexpected("a service")

    def _identity(self) -> Callable[[View], bool]:
        """`(name: "…", type: "…", account.id: "…")`, any of them."""
        self._expect("(")
        wanted: list[tuple[str, str]] = []
        while not self._is(")"):
            token = self._take()
            name = token.value.lower()
            if token.kind != "word" or name not in ("name", "type", "account.id"):
                raise InvalidFilter(f"expected name, type or account.id at position {token.at}")
            self._expect(":")
            wanted.append((name, self._value("text")))
            if not self._accept(","):
                break
        self._expect(")")
        return lambda view: all(value in view.strings[name] for name, value in wanted)

    def _group(self) -> Test:
        wanted = self._operator(("=", "!=")) == "="
        name = self._value("text")
        expression = self._groups.get(name)
        if expression is None:
            raise InvalidFilter(f"there is no group '{name}'")
        if not expression:
            return lambda view, trace: wanted
        test = _Reader(expression, self._groups, self._depth + 1).whole()
        return lambda _, trace: test(trace.whole, trace) == wanted


def _anything(view: View) -> bool:
    return True


def _unquoted(token: _Token) -> str:
    return re.sub(r"\\(.)", r"\1", token.value[1:-1]) if token.kind == "text" else token.value
