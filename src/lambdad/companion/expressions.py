"""Expressions of DynamoDB that moto fails at, or does wrongly: types that do not go together, and values that are copied.

AWS: docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import copy
from typing import Any

from moto.dynamodb import comparisons
from moto.dynamodb.exceptions import InvalidUpdateExpressionInvalidDocumentPath
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.parsing.executors import NodeExecutor

_ORDERS = (
    comparisons.OpLessThan,
    comparisons.OpLessThanOrEqual,
    comparisons.OpGreaterThan,
    comparisons.OpGreaterThanOrEqual,
    comparisons.FuncBetween,
)


def install() -> None:
    """In moto's place."""
    for one in _ORDERS:
        one.expr = _of_one_type(one.expr)
    value, pop = NodeExecutor.get_action_value, DynamoType.pop

    def removed(inside: Any, key: str | int, *given: Any) -> None:
        if not (inside.is_map() if isinstance(key, str) else inside.is_list()):
            raise InvalidUpdateExpressionInvalidDocumentPath
        pop(inside, key, *given)

    NodeExecutor.get_action_value = lambda executor: copy.deepcopy(value(executor))  # `SET m.k = m` holds no circle
    DynamoType.pop = removed


def _of_one_type(compare: Any) -> Any:
    """No text is less than a number, nor greater."""

    def compared(operator: Any, item: Any) -> bool:
        try:
            return bool(compare(operator, item))
        except TypeError:
            return False

    return compared
