"""What is wrong with an event pattern, in the words of AWS's own matcher.

AWS: github.com/aws/event-ruler (what EventBridge, Lambda's filters and others compile patterns with)
"""

from typing import Self

from lambdad.errors.base import ServiceError

Step = str | int
_MOST_SHOWN = 500
"""Characters of a pattern that a message repeats."""


class InvalidEventPatternException(ServiceError):
    status = 400
    kind = None

    @classmethod
    def of(cls, explanation: str) -> Self:
        return cls(f"Event pattern is not valid. Reason: {explanation}")


def located(reason: str, source: str, line: int, column: int) -> str:
    """`line` and `column`: where the parser was, counted from one."""
    shown = f'"{source[:_MOST_SHOWN]}"'
    if len(source) > _MOST_SHOWN:
        shown += f"[truncated {len(source) - _MOST_SHOWN} chars]"
    return f"{reason}\n at [Source: (String){shown}; line: {line}, column: {column}]"


class PatternObjection(Exception):
    """A reason, and the place in the pattern (member names, indexes) that it is about."""

    def __init__(self, reason: str, *path: Step) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path: tuple[Step, ...] = path
        self.position: int | None = None
        """Of a text that is no JSON: the index where its parser stopped."""

    def within(self, *path: Step) -> Self:
        """Of something further out."""
        self.path = (*path, *self.path)
        return self

    @classmethod
    def no_json(cls, text: str, position: int) -> Self:
        character = text[position : position + 1]
        if character:
            objection = cls(f"Unexpected character ('{character}' (code {ord(character)})): expected a valid value")
        else:
            objection = cls("Unexpected end-of-input")
        objection.position = position
        return objection

    @classmethod
    def too_deep(cls) -> Self:
        return cls("Filter is nested too deeply")

    @classmethod
    def no_object(cls) -> Self:
        return cls("Filter is not an object")

    @classmethod
    def empty_object(cls) -> Self:
        return cls("Empty objects are not allowed")

    @classmethod
    def empty_array(cls) -> Self:
        return cls("Empty arrays are not allowed")

    @classmethod
    def no_array(cls, name: str) -> Self:
        return cls(f'"{name}" must be an object or an array')

    @classmethod
    def value(cls) -> Self:
        return cls("Match value must be String, number, true, false, or null")

    @classmethod
    def no_operator(cls) -> Self:
        return cls("Match expression name not found")

    @classmethod
    def two_operators(cls) -> Self:
        return cls("Only one key allowed in match expression")

    @classmethod
    def operator(cls, name: str) -> Self:
        return cls(f"Unrecognized match type {name}")

    @classmethod
    def no_string(cls, operator: str) -> Self:
        return cls(f"{operator} match pattern must be a string")

    @classmethod
    def exists(cls) -> Self:
        return cls("exists match pattern must be either true or false.")

    @classmethod
    def numeric(cls) -> Self:
        return cls("Value of numeric must be an array.")

    @classmethod
    def numeric_member(cls, member: object) -> Self:
        return cls(f"Invalid member in numeric match: {member}")

    @classmethod
    def numeric_operator(cls, operator: str) -> Self:
        return cls(f"Unrecognized numeric range operator: {operator}")

    @classmethod
    def no_number(cls, operator: str) -> Self:
        return cls(f"Value of {'equals' if operator == '=' else operator} must be numeric")

    @classmethod
    def numeric_elements(cls) -> Self:
        return cls("Too many elements in numeric expression")

    @classmethod
    def range_value(cls, value: object) -> Self:
        return cls(f"Bad value in numeric range: {value}")

    @classmethod
    def range_operator(cls, operator: str) -> Self:
        return cls(f"Bad numeric range operator: {operator}")

    @classmethod
    def range_terms(cls) -> Self:
        return cls("Too many terms in numeric range expression")

    @classmethod
    def empty_range(cls) -> Self:
        return cls("Bottom must be less than top")

    @classmethod
    def number_bounds(cls) -> Self:
        return cls("Value must be between -5.0E9 and 5.0E9, inclusive")

    @classmethod
    def exclusion(cls) -> Self:
        return cls("Value of anything-but must be an array or single string/number value.")

    @classmethod
    def exclusion_member(cls) -> Self:
        return cls("Inside anything but list, start|null|boolean is not supported.")

    @classmethod
    def exclusion_kinds(cls) -> Self:
        return cls("Inside anything but list, either all values are number or string, mixed type is not supported")

    @classmethod
    def exclusion_operator(cls, operator: str) -> Self:
        return cls(f"Unsupported anything-but pattern: {operator}")

    @classmethod
    def excluded_text(cls, operator: str) -> Self:
        return cls(f"Inside anything-but/{operator} list, number|start|null|boolean is not supported.")

    @classmethod
    def excluded_nothing(cls) -> Self:
        return cls("Null prefix/suffix/wildcard not allowed")

    @classmethod
    def wildcards(cls, position: int) -> Self:
        return cls(f"Consecutive wildcard characters at pos {position}")

    @classmethod
    def escape(cls, position: int) -> Self:
        return cls(f"Invalid escape character at pos {position}")

    @classmethod
    def network(cls) -> Self:
        return cls("Malformed CIDR, one '/' required")

    @classmethod
    def network_mask(cls) -> Self:
        return cls("Malformed CIDR, mask bits must be an integer")

    @classmethod
    def network_bits(cls, version: int, most: int) -> Self:
        return cls(f"IPv{version} mask bits must be < {most + 1}")

    @classmethod
    def address(cls, text: str) -> Self:
        return cls(f"Nonstandard IP address: {text}")

    @classmethod
    def reserved(cls, name: str) -> Self:
        return cls(f"{name} is Ruler reserved fieldName which cannot be used inside $or.")

    @classmethod
    def combinations(cls, most: int) -> Self:
        return cls(f"Rule is too complex - $or makes more than {most} combinations of it")
