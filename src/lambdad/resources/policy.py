"""Resource-based policies: statements that say who may do what with one resource.

AWS: docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lambdad.errors import ResourceConflictException, ResourceNotFoundException


@dataclass(frozen=True, slots=True)
class Policy:
    statements: tuple[Mapping[str, Any], ...]
    """As they are answered; each has a `Sid` of its own."""
    revision_id: str

    @property
    def document(self) -> dict[str, Any]:
        return {"Version": "2012-10-17", "Id": "default", "Statement": [dict(one) for one in self.statements]}


def with_statement(policy: Policy | None, statement: Mapping[str, Any], revision_id: str) -> Policy:
    """Raises ResourceConflictException if there is one of that id."""
    statements = policy.statements if policy is not None else ()
    if any(one["Sid"] == statement["Sid"] for one in statements):
        raise ResourceConflictException.statement_exists(statement["Sid"])
    return Policy((*statements, statement), revision_id)


def without_statement(policy: Policy | None, sid: str, revision_id: str) -> Policy | None:
    """None when that was the last. Raises ResourceNotFoundException."""
    if policy is None:
        raise ResourceNotFoundException.no_policy()
    left = tuple(one for one in policy.statements if one["Sid"] != sid)
    if len(left) == len(policy.statements):
        raise ResourceNotFoundException.statement(sid)
    return Policy(left, revision_id) if left else None
