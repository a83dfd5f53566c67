"""The wording of one violated constraint, as AWS's services say it: what a ValidationException lists."""

from collections.abc import Sequence


def violation(value: object, member: str, must: str) -> str:
    return f"Value '{value}' at '{member}' failed to satisfy constraint: Member must {must}"


def of_enum(value: str, member: str, allowed: Sequence[str]) -> str:
    return violation(value, member, must_be_one_of(allowed))


def of_maximum(value: float, member: str, limit: int) -> str:
    return violation(value, member, f"have value less than or equal to {limit}")


def of_length(value: str, member: str, limit: int) -> str:
    return violation(value, member, f"have length less than or equal to {limit}")


def of_null(member: str) -> str:
    return f"Value null at '{member}' failed to satisfy constraint: Member must not be null"


def of_contents(value: str | None, member: str, what: str, musts: Sequence[str]) -> str:
    """Of a list's members, a map's keys or values: all that they must be. `value`: None if it is sensitive."""
    shown = "Value" if value is None else f"Value '{value}'"
    listed = ", ".join(f"Member must {must}" for must in musts)
    return f"{shown} at '{member}' failed to satisfy constraint: {what} must satisfy constraint: [{listed}]"


def must_be_one_of(allowed: Sequence[str]) -> str:
    return f"satisfy enum value set: [{', '.join(allowed)}]"
