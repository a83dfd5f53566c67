"""Resource-based policies: statements that say who may do what with one resource.

AWS: docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from lambdad.errors import PolicyLengthExceededException, ResourceConflictException, ResourceNotFoundException
from lambdad.resources.quotas import QUOTAS

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
