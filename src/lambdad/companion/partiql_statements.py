"""PartiQL's statements, in the words of the operations that they are: PutItem, UpdateItem, DeleteItem, and a scan with a filter.

AWS: docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.statements.html
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from moto.dynamodb.exceptions import MockValidationException

from lambdad.companion.partiql_tokens import check, check_depth, grouped, malformed, plain_number, set_of, tokens_of

_KEYWORDS = frozenset(
    {
        "SET",
        "REMOVE",
        "WHERE",
        "AND",
        "OR",
        "NOT",
        "BETWEEN",
        "IN",
        "IS",
        "RETURNING",
        "SELECT",
        "FROM",
        "INTO",
        "ORDER",
    }
)
_COMPARED = frozenset({"=", "<", ">", "<=", ">=", "<>", "!="})
_SETS = {"SET_ADD": "ADD", "SET_DELETE": "DELETE"}
_TESTS = frozenset({"BEGINS_WITH", "CONTAINS", "ATTRIBUTE_TYPE"})
_CONSTANTS = {"TRUE": {"BOOL": True}, "FALSE": {"BOOL": False}, "NULL": {"NULL": True}}
_MOST_PLACES = 9
"""Digits of a place in a list."""

Value = dict[str, Any]
"""As the API has it: `{"S": "a"}`."""
Steps = list[str | int]
"""To a value in an item: the names in maps, the places in lists."""


@dataclass(slots=True)
class Statement:
    """What it says, in the API's words."""

    kind: str = ""
    """SELECT, INSERT, UPDATE, DELETE, or EXISTS."""
    table: str = ""
    index: str | None = None
    item: dict[str, Value] = field(default_factory=dict)
    clauses: dict[str, list[str]] = field(default_factory=dict)
    condition: str = ""
    equal: dict[str, Value] = field(default_factory=dict)
    """What the item must have: its key is among it."""
    touched: set[str] = field(default_factory=set)
    returned: tuple[str, str] | None = None
    """ALL or MODIFIED, OLD or NEW."""
    selected: list[Steps] = field(default_factory=list)
    """Empty: all."""
    order: list[tuple[str, bool]] = field(default_factory=list)
    """(Attribute, whether the greatest is the first)."""
    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)


def read(statement: str, parameters: Sequence[Value]) -> Statement:
    """Raises moto's ValidationException."""
    return _Reader(statement, parameters).statement()


class _Reader:
    """Of one statement, from its first word to its last. Raises moto's ValidationException."""

    def __init__(self, statement: str, parameters: Sequence[Value]) -> None:
        self._tokens = tokens_of(statement)
        self._parameters = list(parameters)
        for one in self._parameters:
            check(one)
        self._found = Statement()
        self._depth = 0

    def statement(self) -> Statement:
        kinds = {
            "SELECT": self._select,
            "INSERT": self._insert,
            "UPDATE": self._update,
            "DELETE": self._delete,
            "EXISTS": self._exists,
        }
        kind = self._next_if(*kinds)
        if kind is None:
            raise malformed("Expected data manipulation")
        self._found.kind = kind
        kinds[kind]()
        if self._tokens:
            raise malformed()
        if self._parameters:
            raise MockValidationException("Number of parameters in request and statement don't match.")
        return self._found

    def _select(self) -> None:
        if not self._next_if("*"):
            self._found.selected.append(self._steps())
            while self._next_if(","):
                self._found.selected.append(self._steps())
        self._expect("FROM")
        self._found.table = self._name()
        if self._next_if("."):
            self._found.index = self._name()
        if self._next_if("WHERE"):
            self._found.condition = self._all_of(top=True)
        if self._next_if("ORDER"):
            self._expect("BY")
            self._order()
            while self._next_if(","):
                self._order()

    def _order(self) -> None:
        name = self._name()
        self._found.order.append((name, self._next_if("ASC", "DESC") == "DESC"))

    def _exists(self) -> None:
        for word in ("(", "SELECT"):
            self._expect(word)
        self._select()
        self._expect(")")

    def _insert(self) -> None:
        self._expect("INTO")
        self._found.table = self._name()
        self._expect("VALUE")
        if self._peek() != "{":
            raise MockValidationException(
                "Unsupported format in item expression. Please use struct format {...} to express item values for insert "
                "statement."
            )
        self._found.item = self._value()["M"]
        if self._peek() == "RETURNING":
            raise MockValidationException("RETURNING is not supported in INSERT")

    def _update(self) -> None:
        self._found.table = self._name()
        while (clause := self._next_if("SET", "REMOVE")) is not None:
            self._change(clause)
            while self._next_if(","):
                self._change(clause)
        if not self._found.clauses:
            raise malformed()
        self._of_one_item()

    def _delete(self) -> None:
        self._expect("FROM")
        self._found.table = self._name()
        self._of_one_item()
        if self._found.returned not in (None, ("ALL", "OLD")):
            raise MockValidationException(
                f"Invalid returning clause: RETURNING {' '.join(self._found.returned or ())} *. "
                "Only RETURNING ALL OLD * is allowed in DELETE statements."
            )

    def _of_one_item(self) -> None:
        self._expect("WHERE")
        self._found.condition = self._all_of(top=True)
        if self._next_if("RETURNING"):
            which, when = self._one_of("ALL", "MODIFIED"), self._one_of("OLD", "NEW")
            self._found.returned = (which, when)
            self._expect("*")

    # --- What is changed ----------------------------------------------------------------------------------------------

    def _change(self, clause: str) -> None:
        path, name = self._path()
        self._found.touched.add(name)
        if clause == "REMOVE":
            self._part("REMOVE", path)
            return
        self._expect("=")
        function = self._function(*_SETS)
        if function is None:
            self._part("SET", f"{path} = {self._sum()}")
            return
        if self._path()[0] != path:
            raise malformed()  # UpdateItem's ADD and DELETE change where they read
        self._expect(",")
        self._part(_SETS[function], f"{path} {self._literal()}")
        self._expect(")")

    def _part(self, clause: str, text: str) -> None:
        self._found.clauses.setdefault(clause, []).append(text)

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
        arguments = [self._nested(self._operand)]
        while self._next_if(","):
            arguments.append(self._nested(self._operand))
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
            self._found.equal.clear()
            return self._joined("OR", text)
        return text

    def _joined(self, word: str, text: str) -> str:
        while self._next_if(word):
            text += f" {word} {self._all_of(top=False)}"
        return text

    def _term(self, top: bool) -> str:
        if self._next_if("NOT"):
            return f"NOT {self._nested(lambda: self._term(top=False))}"
        if self._next_if("("):
            text = self._nested(self._any_of)
            self._expect(")")
            return grouped(text)
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
            if not left.startswith("#"):
                raise malformed()
            missing = "attribute_exists" if self._next_if("NOT") else "attribute_not_exists"
            self._expect("MISSING")
            return f"{missing}({left})"
        if word == "BETWEEN":
            low = self._operand()
            self._expect("AND")
            high = self._operand()
            if any(self._found.values.get(limit) == {"NULL": True} for limit in (low, high)):
                raise malformed()
            return f"{left} BETWEEN {low} AND {high}"
        if word == "IN":
            end = {"[": "]", "(": ")"}[self._one_of("[", "(")]
            members = self._several(end, self._literal)
            if not members:
                raise MockValidationException(
                    "IN operator must have a left hand argument of type Variable Reference and right hand argument of type "
                    "Seq with at least one member"
                )
            return f"{left} IN ({', '.join(members)})"
        if word is None:
            raise malformed()
        right = self._operand()
        if top and word == "=" and left in self._found.names and right in self._found.values:
            self._found.equal[self._found.names[left]] = self._found.values[right]
        return f"{left} {word.replace('!=', '<>')} {right}"

    # --- Names and values ---------------------------------------------------------------------------------------------

    def _path(self) -> tuple[str, str]:
        """(With placeholders, the attribute's name)."""
        first, *others = self._steps()
        text = self._placeholder(str(first))
        for step in others:
            text += f"[{step}]" if isinstance(step, int) else f".{self._placeholder(step)}"
        return text, str(first)

    def _steps(self) -> Steps:
        steps: Steps = [self._name()]
        while (sign := self._next_if(".", "[")) is not None:
            if sign == ".":
                steps.append(self._name())
                continue
            kind, index = self._next()
            if kind != "number" or not index.isdigit() or len(index) > _MOST_PLACES:
                raise malformed()
            steps.append(int(index))
            self._expect("]")
        return steps

    def _placeholder(self, name: str) -> str:
        found = next((one for one, known in self._found.names.items() if known == name), f"#n{len(self._found.names)}")
        self._found.names[found] = name
        return found

    def _literal(self) -> str:
        name = f":v{len(self._found.values)}"
        self._found.values[name] = self._value()
        return name

    def _value(self) -> Value:
        kind, text = self._next()
        if kind == "text":
            return {"S": text}
        if kind == "number":
            return {"N": plain_number(text)}
        if kind == "word" and text.upper() in _CONSTANTS:
            return dict(_CONSTANTS[text.upper()])
        if text == "?" and kind == "sign":
            if not self._parameters:
                raise MockValidationException("Number of parameters in request and statement don't match.")
            return self._parameters.pop(0)
        if text == "-" and kind == "sign" and self._tokens[:1] and self._tokens[0][0] == "number":
            return {"N": plain_number(f"-{self._next()[1]}")}
        if text == "[" and kind == "sign":
            return {"L": self._several("]", self._value)}
        if text == "{" and kind == "sign":
            return {"M": dict(self._several("}", self._member))}
        if text == "<<" and kind == "sign":
            return set_of(self._several(">>", self._value))
        raise malformed()

    def _member(self) -> tuple[str, Value]:
        kind, name = self._next()
        if kind != "text":
            raise malformed()
        self._expect(":")
        return name, self._value()

    def _several(self, end: str, read: Callable[[], Any]) -> list[Any]:
        found: list[Any] = []
        while not self._next_if(end):
            if found:
                self._expect(",")
            found.append(self._nested(read))
        return found

    def _nested(self, read: Callable[[], Any]) -> Any:
        self._depth += 1
        check_depth(self._depth)
        found = read()
        self._depth -= 1
        return found

    # --- Tokens -------------------------------------------------------------------------------------------------------

    def _peek(self) -> str | None:
        """A sign or, in capitals, a word."""
        if not self._tokens or self._tokens[0][0] not in ("sign", "word"):
            return None
        return self._tokens[0][1].upper()

    def _next(self) -> tuple[str, str]:
        if not self._tokens:
            raise malformed()
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
            raise malformed()
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
            raise malformed()
        return text
