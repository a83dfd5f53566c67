"""PartiQL's UPDATE, as the UpdateItem that it is: moto's own reading of it takes texts and parameters only.

AWS: docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html
"""

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from moto.dynamodb import models
from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.parsing import partiql

_TOKEN = re.compile(
    r"""\s*(?: (?P<text>'(?:[^']|'')*') | (?P<quoted>"(?:[^"]|"")*") | (?P<word>[A-Za-z_]\w*)
        | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?) | (?P<sign><<|>>|<=|>=|<>|!=|[=<>?,.:+*(){}\[\]-]) )""",
    re.VERBOSE | re.ASCII,
)
_KEYWORDS = frozenset({"SET", "REMOVE", "WHERE", "AND", "OR", "NOT", "BETWEEN", "IN", "IS", "RETURNING"})
_COMPARED = frozenset({"=", "<", ">", "<=", ">=", "<>", "!="})
_SETS = {"SET_ADD": "ADD", "SET_DELETE": "DELETE"}
_TESTS = frozenset({"BEGINS_WITH", "CONTAINS", "ATTRIBUTE_TYPE"})
_CONSTANTS = {"TRUE": {"BOOL": True}, "FALSE": {"BOOL": False}, "NULL": {"NULL": True}}

Value = dict[str, Any]
"""As the API has it: `{"S": "a"}`."""


def install() -> None:
    """In moto's place, for this kind of statement."""
    execute, look_at = models.DynamoDBBackend.execute_statement, partiql.get_query_metadata

    def executed(backend: Any, statement: str, parameters: Sequence[Value]) -> list[dict[str, Value]]:
        if _is_update(statement):
            return _update(backend, _read(statement, parameters or ()))
        answer: list[dict[str, Value]] = execute(backend, statement, parameters)
        return answer

    models.DynamoDBBackend.execute_statement = executed
    partiql.get_query_metadata = lambda statement: _Batched(statement) if _is_update(statement) else look_at(statement)


def _is_update(statement: str) -> bool:
    return statement.lstrip()[:6].upper() == "UPDATE"


class _Batched:
    """What BatchExecuteStatement asks of a statement before it executes it."""

    def __init__(self, statement: str) -> None:
        self._tokens = _tokens(statement)

    def get_table_names(self) -> list[str]:
        return [text for _, text in self._tokens[1:2]] or [""]

    def get_filter_names(self) -> list[str]:
        return []

    def is_select_query(self) -> bool:
        return False


@dataclass(slots=True)
class Update:
    """What a statement says, in UpdateItem's words."""

    table: str = ""
    clauses: dict[str, list[str]] = field(default_factory=dict)
    condition: str = ""
    equal: dict[str, Value] = field(default_factory=dict)
    """What the item must have: its key is among it."""
    touched: set[str] = field(default_factory=set)
    returned: tuple[str, str] | None = None
    """ALL or MODIFIED, OLD or NEW."""
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)


def _update(backend: Any, update: Update) -> list[dict[str, Value]]:
    table = backend.get_table(update.table)
    if not set(table.table_key_attrs) <= update.equal.keys():
        raise MockValidationException("Where clause does not contain a mandatory equality on all key attributes")
    key = {name: update.equal[name] for name in table.table_key_attrs}
    before = copy.deepcopy(backend.get_item(update.table, key))
    after = backend.update_item(
        update.table,
        key,
        update_expression=" ".join(f"{clause} {', '.join(parts)}" for clause, parts in update.clauses.items()),
        expression_attribute_names=update.names,
        expression_attribute_values=update.values,
        condition_expression=update.condition,
    )
    if update.returned is None:
        return []
    which, when = update.returned
    attributes = (before if when == "OLD" else after).to_json()["Attributes"]
    return [{name: value for name, value in attributes.items() if which == "ALL" or name in update.touched}]


def _read(statement: str, parameters: Sequence[Value]) -> Update:
    try:
        return _Reader(statement, parameters).update()
    except RecursionError:
        raise _malformed() from None


def _malformed() -> MockValidationException:
    return MockValidationException("Statement wasn't well formed, can't be processed: Unexpected term")


class _Reader:
    """Of one statement, from its first word to its last. Raises moto's ValidationException."""

    def __init__(self, statement: str, parameters: Sequence[Value]) -> None:
        self._tokens = _tokens(statement)
        self._parameters = list(parameters)
        self._update = Update()

    def update(self) -> Update:
        self._expect("UPDATE")
        self._update.table = self._name()
        while (clause := self._next_if("SET", "REMOVE")) is not None:
            self._change(clause)
            while self._next_if(","):
                self._change(clause)
        if not self._update.clauses:
            raise _malformed()
        self._expect("WHERE")
        self._update.condition = self._all_of(top=True)
        if self._next_if("RETURNING"):
            which, when = self._one_of("ALL", "MODIFIED"), self._one_of("OLD", "NEW")
            self._update.returned = (which, when)
            self._expect("*")
        if self._tokens:
            raise _malformed()
        if self._parameters:
            raise MockValidationException("Number of parameters in request and statement don't match.")
        return self._update

    # --- What is changed ----------------------------------------------------------------------------------------------

    def _change(self, clause: str) -> None:
        path, name = self._path()
        self._update.touched.add(name)
        if clause == "REMOVE":
            self._part("REMOVE", path)
            return
        self._expect("=")
        function = self._function(*_SETS)
        if function is None:
            self._part("SET", f"{path} = {self._sum()}")
            return
        if self._path()[0] != path:
            raise _malformed()  # UpdateItem's ADD and DELETE change where they read
        self._expect(",")
        self._part(_SETS[function], f"{path} {self._literal()}")
        self._expect(")")

    def _part(self, clause: str, text: str) -> None:
        self._update.clauses.setdefault(clause, []).append(text)

    def _sum(self) -> str:
        text = self._operand()
        while (sign := self._next_if("+", "-")) is not None:
            text += f" {sign} {self._operand()}"
        return text

    def _operand(self) -> str:
        """A path, a value, or a function of those."""
        function = self._function("LIST_APPEND", "SIZE")
        if function is None:
            return self._path()[0] if self._is_path() else self._literal()
        arguments = [self._operand()]
        while self._next_if(","):
            arguments.append(self._operand())
        self._expect(")")
        return f"{function.lower()}({', '.join(arguments)})"

    # --- The condition ------------------------------------------------------------------------------------------------

    def _any_of(self) -> str:
        return self._joined("OR", self._all_of(top=False))

    def _all_of(self, top: bool) -> str:
        """`top`: what is said here holds for the item in any case, unless an OR follows."""
        text = self._term(top)
        while self._next_if("AND"):
            text += f" AND {self._term(top)}"
        if top and self._peek() == "OR":
            self._update.equal.clear()
            return self._joined("OR", text)
        return text

    def _joined(self, word: str, text: str) -> str:
        while self._next_if(word):
            text += f" {word} {self._all_of(top=False)}"
        return text

    def _term(self, top: bool) -> str:
        if self._next_if("NOT"):
            return f"NOT {self._term(top=False)}"
        if self._next_if("("):
            text = self._any_of()
            self._expect(")")
            return f"({text})"
        test = self._function(*_TESTS)
        if test is not None:
            path, _ = self._path()
            self._expect(",")
            text = f"{test.lower()}({path}, {self._literal()})"
            self._expect(")")
            return text
        return self._comparison(top)

    def _comparison(self, top: bool) -> str:
        left = self._operand()
        word = self._next_if("IS", "BETWEEN", "IN", *_COMPARED)
        if word == "IS":
            missing = "attribute_exists" if self._next_if("NOT") else "attribute_not_exists"
            self._expect("MISSING")
            return f"{missing}({left})"
        if word == "BETWEEN":
            low = self._operand()
            self._expect("AND")
            return f"{left} BETWEEN {low} AND {self._operand()}"
        if word == "IN":
            end = {"[": "]", "(": ")"}[self._one_of("[", "(")]
            return f"{left} IN ({', '.join(self._several(end, self._literal))})"
        if word is None:
            raise _malformed()
        right = self._operand()
        if top and word == "=" and left in self._update.names and right in self._update.values:
            self._update.equal[self._update.names[left]] = self._update.values[right]
        return f"{left} {word.replace('!=', '<>')} {right}"

    # --- Names and values ---------------------------------------------------------------------------------------------

    def _path(self) -> tuple[str, str]:
        """(With placeholders, the attribute's name)."""
        name = self._name()
        text = self._placeholder(name)
        while (sign := self._next_if(".", "[")) is not None:
            if sign == ".":
                text += f".{self._placeholder(self._name())}"
                continue
            kind, index = self._next()
            if kind != "number" or not index.isdigit():
                raise _malformed()
            text += f"[{index}]"
            self._expect("]")
        return text, name

    def _placeholder(self, name: str) -> str:
        found = next(
            (one for one, known in self._update.names.items() if known == name), f"#n{len(self._update.names)}"
        )
        self._update.names[found] = name
        return found

    def _literal(self) -> str:
        name = f":v{len(self._update.values)}"
        self._update.values[name] = self._value()
        return name

    def _value(self) -> Value:
        kind, text = self._next()
        if kind == "text":
            return {"S": text}
        if kind == "number":
            return {"N": text}
        if kind == "word" and text.upper() in _CONSTANTS:
            return dict(_CONSTANTS[text.upper()])
        if text == "?" and kind == "sign":
            if not self._parameters:
                raise MockValidationException("Number of parameters in request and statement don't match.")
            return self._parameters.pop(0)
        if text == "-" and kind == "sign" and self._tokens[:1] and self._tokens[0][0] == "number":
            return {"N": f"-{self._next()[1]}"}
        if text == "[" and kind == "sign":
            return {"L": self._several("]", self._value)}
        if text == "{" and kind == "sign":
            return {"M": dict(self._several("}", self._member))}
        if text == "<<" and kind == "sign":
            return _set_of(self._several(">>", self._value))
        raise _malformed()

    def _member(self) -> tuple[str, Value]:
        kind, name = self._next()
        if kind != "text":
            raise _malformed()
        self._expect(":")
        return name, self._value()

    def _several(self, end: str, read: Any) -> list[Any]:
        found: list[Any] = []
        while not self._next_if(end):
            if found:
                self._expect(",")
            found.append(read())
        return found

    # --- Tokens -------------------------------------------------------------------------------------------------------

    def _peek(self) -> str | None:
        """A sign or, in capitals, a word."""
        if not self._tokens or self._tokens[0][0] not in ("sign", "word"):
            return None
        return self._tokens[0][1].upper()

    def _next(self) -> tuple[str, str]:
        if not self._tokens:
            raise _malformed()
        return self._tokens.pop(0)

    def _next_if(self, *wanted: str) -> str | None:
        found = self._peek()
        if found is None or found not in wanted:
            return None
        self._tokens.pop(0)
        return found

    def _one_of(self, *wanted: str) -> str:
        found = self._next_if(*wanted)
        if found is None:
            raise _malformed()
        return found

    def _expect(self, wanted: str) -> None:
        self._one_of(wanted)

    def _function(self, *wanted: str) -> str | None:
        """Its name, if one of these is called here."""
        if self._peek() not in wanted or self._tokens[1:2] != [("sign", "(")]:
            return None
        del self._tokens[1]
        return self._next()[1].upper()

    def _is_path(self) -> bool:
        kind, text = self._tokens[0] if self._tokens else ("", "")
        return kind == "quoted" or (kind == "word" and text.upper() not in _CONSTANTS)

    def _name(self) -> str:
        kind, text = self._next()
        if kind not in ("quoted", "word") or (kind == "word" and text.upper() in _KEYWORDS):
            raise _malformed()
        return text


def _set_of(values: Sequence[Value]) -> Value:
    kinds = {kind for value in values for kind in value}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise _malformed()
    (kind,) = kinds
    return {f"{kind}S": [value[kind] for value in values]}


def _tokens(statement: str) -> list[tuple[str, str]]:
    """(Kind, text without its quotes)."""
    found, place = [], 0
    statement = statement.strip()
    while place < len(statement):
        token = _TOKEN.match(statement, place)
        if token is None or token.lastgroup is None:
            raise _malformed()
        kind, text, place = token.lastgroup, token[token.lastgroup], token.end()
        if kind in ("text", "quoted"):
            text = text[1:-1].replace(text[0] * 2, text[0])
        found.append((kind, text))
    return found
