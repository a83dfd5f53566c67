"""Resource-based policies: statements that say who may do what with one resource.

AWS: docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from lambdad.errors import (
    InvalidParameterValueException,
    PolicyLengthExceededException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from lambdad.resources.policy_statement import objection_to
from lambdad.resources.quotas import QUOTAS

_POLICY_LANGUAGES = ("2012-10-17", "2008-10-17")
_STATEMENT = frozenset({"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "Condition"})

Statements = tuple[Mapping[str, Any], ...]
"""As they are answered; each has a `Sid` of its own."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One with a revision of its own."""

    statements: Statements
    revision_id: str


def document_of(statements: Statements) -> str:
    """JSON."""
    return orjson.dumps({"Version": "2012-10-17", "Id": "default", "Statement": statements}).decode()


def statements_of(document: str, arn: str) -> Statements:
    """Of a whole document for one resource. Raises InvalidParameterValueException, PolicyLengthExceededException."""
    size = len(document.encode())
    if size > QUOTAS.policy:
        raise PolicyLengthExceededException.limit(size, QUOTAS.policy)
    try:
        policy = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise InvalidParameterValueException.policy_document("it is not valid JSON") from error
    if not isinstance(policy, dict) or policy.get("Version") not in _POLICY_LANGUAGES:
        raise InvalidParameterValueException.policy_document("Version must be 2012-10-17 or 2008-10-17")
    given = policy.get("Statement")
    statements: list[Any] = given if isinstance(given, list) else [given]
    if not statements:
        raise InvalidParameterValueException.policy_document("it has no Statement")
    for number, statement in enumerate(statements):
        _check_statement(statement, arn)
        statement.setdefault("Sid", f"statement-{number + 1}")
    if len({statement["Sid"] for statement in statements}) < len(statements):
        raise InvalidParameterValueException.policy_document("each Sid must be unique")
    try:
        document_of(tuple(statements))
    except (TypeError, RecursionError) as error:  # orjson.JSONEncodeError is a TypeError
        raise InvalidParameterValueException.policy_document("it is nested too deeply") from error
    return tuple(statements)


def _check_statement(statement: Any, arn: str) -> None:
    if not isinstance(statement, dict):
        raise InvalidParameterValueException.policy_document("a Statement must be an object")
    unknown = statement.keys() - _STATEMENT
    if unknown:
        raise InvalidParameterValueException.policy_document(f"a Statement has no {min(unknown)}")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise InvalidParameterValueException.policy_document("Effect must be Allow or Deny")
    for member in ("Principal", "Action"):
        if not statement.get(member) and not statement.get(f"Not{member}"):
            raise InvalidParameterValueException.policy_document(f"a Statement needs {member}")
    objection = objection_to(statement)
    if objection is not None:
        raise InvalidParameterValueException.policy_document(objection)
    resources = statement.setdefault("Resource", arn)
    if not isinstance(statement.get("Sid", ""), str):
        raise InvalidParameterValueException.policy_document("Sid must be a string")
    if not all(one == arn for one in (resources if isinstance(resources, list) else [resources])):
        raise InvalidParameterValueException.policy_document(f"Resource must be {arn}")


def with_statement(statements: Statements, statement: Mapping[str, Any]) -> Statements:
    """Raises ResourceConflictException if there is one of that id, PolicyLengthExceededException."""
    if any(one["Sid"] == statement["Sid"] for one in statements):
        raise ResourceConflictException.statement_exists(statement["Sid"])
    after = (*statements, statement)
    size = len(document_of(after).encode())
    if size > QUOTAS.policy:
        raise PolicyLengthExceededException.limit(size, QUOTAS.policy)
    return after


def without_statement(statements: Statements, sid: str) -> Statements:
    """Raises ResourceNotFoundException."""
    if not statements:
        raise ResourceNotFoundException.no_policy()
    left = tuple(one for one in statements if one["Sid"] != sid)
    if len(left) == len(statements):
        raise ResourceNotFoundException.statement(sid)
    return left
