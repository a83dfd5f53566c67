"""Expressions of DynamoDB that moto fails at, or does wrongly: types that do not go together, and values that are copied.

AWS: docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import copy
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodb import comparisons
from moto.dynamodb.exceptions import InvalidUpdateExpressionInvalidDocumentPath
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.parsing.executors import NodeExecutor, UpdateExpressionExecutor

_COMPARISONS = (
    comparisons.OpEqual,
    comparisons.OpNotEqual,
    comparisons.OpLessThan,
    comparisons.OpLessThanOrEqual,
    comparisons.OpGreaterThan,
    comparisons.OpGreaterThanOrEqual,
    comparisons.FuncBetween,
    comparisons.FuncIn,
)


def install() -> None:
    """In moto's place."""
    for one in _COMPARISONS:
        one.expr = _of_one_type(one.expr)
    value, pop, execute = NodeExecutor.get_action_value, DynamoType.pop, UpdateExpressionExecutor.execute

    def executed(update: Any, *given: Any) -> None:
        """All of its clauses, or none. Of one clause it is asked by itself."""
        if given:
            execute(update, *given)
            return
        before = copy.deepcopy(update.item.attrs)
        try:
            execute(update)
        except JsonRESTError:
            update.item.attrs = before
            raise

    def removed(inside: Any, key: str | int, *given: Any) -> None:
        if not (inside.is_map() if isinstance(key, str) else inside.is_list()):
            raise InvalidUpdateExpressionInvalidDocumentPath
        pop(inside, key, *given)

    NodeExecutor.get_action_value = lambda executor: copy.deepcopy(value(executor))  # `SET m.k = m` holds no circle
    DynamoType.pop = removed
    UpdateExpressionExecutor.execute = executed


def _of_one_type(compare: Any) -> Any:
    """No text is less than a number, nor greater; and what has no size has none to compare."""

    def compared(operator: Any, item: Any) -> bool:
        try:
            return bool(compare(operator, item))
        except (TypeError, ValueError):
            return False

    return compared
