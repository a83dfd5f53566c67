"""PartiQL in DynamoDB, done by the operations that its statements are: moto's own reading takes few of them, and fails at others.

AWS: docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html (what is answered by each statement),
docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html
"""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any

from moto.core.exceptions import JsonRESTError
from moto.dynamodb import models
from moto.dynamodb.comparisons import get_filter_expression
from moto.dynamodb.exceptions import (
    ERROR_TYPE_PREFIX,
    ConditionalCheckFailed,
    DynamodbException,
    MockValidationException,
    TransactionCanceledException,
)
from moto.dynamodb.responses import (
    validate_put_has_empty_attrs,
    validate_put_has_empty_keys,
    validate_put_has_gsi_keys_set_to_none,
)

from lambdad.companion.partiql_statements import Statement, Steps, Value, read

_READS = frozenset({"SELECT"})
_DUPLICATE = "Duplicate primary key exists in table"
_BATCH_CODES = {"ValidationException": "ValidationError"}
"""Others are the exception's name without its end."""

Item = dict[str, Value]


def install() -> None:
    """In moto's place."""
    models.DynamoDBBackend.execute_statement = _execute_statement
    models.DynamoDBBackend.batch_execute_statement = _batch_execute_statement
    models.DynamoDBBackend.execute_transaction = _execute_transaction


def _execute_statement(backend: Any, statement: str, parameters: Sequence[Value] | None) -> list[Item]:
    return _executed(backend, read(statement, parameters or ()))


def _executed(backend: Any, statement: Statement) -> list[Item]:
    if statement.kind == "EXISTS":
        raise MockValidationException("EXISTS can only be used in ExecuteTransaction write requests.")
    return _select(backend, statement) if statement.kind in _READS else _write(backend, statement)


# --- Many ---------------------------------------------------------------------------------------------------------------


def _batch_execute_statement(backend: Any, statements: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [_batched(backend, one) for one in statements]


def _batched(backend: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """A statement that fails fails alone. What was refused before it came to its table does not name it."""
    answer: dict[str, Any] = {}
    try:
        statement = _read_in("BatchExecuteStatement", backend, given)
        answer["TableName"] = statement.table
        for item in _executed(backend, statement):
            answer["Item"] = item
    except JsonRESTError as refused:
        code = refused.error_type.rpartition("#")[2]
        answer["Error"] = {
            "Code": _BATCH_CODES.get(code, code.removesuffix("Exception")),
            "Message": refused.message,
        }
    return answer


def _read_in(operation: str, backend: Any, given: Mapping[str, Any]) -> Statement:
    """One that reads reads one item."""
    statement = read(given["Statement"], given.get("Parameters") or ())
    keys = backend.get_table(statement.table).table_key_attrs
    if statement.kind in _READS and (statement.index or not set(keys) <= statement.equal.keys()):
        raise MockValidationException(
            f"Select statements within {operation} must specify the primary key in the where clause."
        )
    return statement


def _execute_transaction(backend: Any, statements: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All or nothing, as TransactWriteItems does it."""
    wanted = [_read_in("ExecuteTransaction", backend, one) for one in statements]
    reads = [one.kind in _READS for one in wanted]
    if all(reads):
        return [{"Item": item} if item else {} for one in wanted for item in _select(backend, one) or [{}]]
    if any(reads):
        raise MockValidationException("Unsupported operation in transaction.")
    try:
        backend.transact_write_items([dict([_request(backend, one)]) for one in wanted])
    except TransactionCanceledException as cancelled:
        reasons = json.loads(cancelled.description)["CancellationReasons"]
        raise TransactionCanceledException(
            [_reason(one, why) for one, why in zip(wanted, reasons, strict=True)]
        ) from None
    return [{} for _ in wanted]


def _reason(statement: Statement, why: Mapping[str, Any]) -> tuple[str | None, str | None, None]:
    if why["Code"] == "ConditionalCheckFailed" and statement.kind == "INSERT":
        return "DuplicateItem", _DUPLICATE, None
    return (None if why["Code"] == "None" else why["Code"]), why.get("Message"), None


# --- Writing ------------------------------------------------------------------------------------------------------------


def _request(backend: Any, statement: Statement) -> tuple[str, dict[str, Any]]:
    """As TransactWriteItems has it. Raises moto's errors."""
    table = backend.get_table(statement.table)
    asked: dict[str, Any] = {"TableName": statement.table}
    if statement.kind == "INSERT":
        _key(table, statement.item, "Key attribute should be present in the item: Key {}")
        validate_put_has_empty_keys(statement.item, table)
        validate_put_has_empty_attrs(statement.item, table)
        validate_put_has_gsi_keys_set_to_none(statement.item, table)
        names = {"#key": table.hash_key_attr}
        condition = {"ConditionExpression": "attribute_not_exists(#key)", "ExpressionAttributeNames": names}
        return "Put", {**asked, "Item": statement.item, **condition}
    asked["Key"] = _key(
        table, statement.equal, "Where clause does not contain a mandatory equality on all key attributes"
    )
    condition = {
        "ConditionExpression": statement.condition,
        "ExpressionAttributeNames": statement.names,
        "ExpressionAttributeValues": statement.values,
    }
    if statement.kind == "UPDATE":
        clauses = " ".join(f"{clause} {', '.join(parts)}" for clause, parts in statement.clauses.items())
        return "Update", {**asked, "UpdateExpression": clauses, **condition}
    if statement.kind == "EXISTS":
        return "ConditionCheck", {**asked, **condition}
    if backend.get_item(statement.table, asked["Key"]) is None:
        return "Delete", asked  # what is not there need not be as is said
    return "Delete", {**asked, **condition}


def _key(table: Any, given: Item, missing: str) -> Item:
    types = {table.hash_key_attr: table.hash_key_type, table.range_key_attr: table.range_key_type}
    for name in table.table_key_attrs:
        if name not in given:
            raise MockValidationException(missing.format(name))
        if types[name] not in given[name]:
            raise MockValidationException(
                f"Key attribute's data type should match its data type in table's schema: Key {name}"
            )
    return {name: given[name] for name in table.table_key_attrs}


def _write(backend: Any, statement: Statement) -> list[Item]:
    kind, asked = _request(backend, statement)
    condition = {
        "condition_expression": asked.get("ConditionExpression"),
        "expression_attribute_names": asked.get("ExpressionAttributeNames"),
        "expression_attribute_values": asked.get("ExpressionAttributeValues"),
    }
    if kind == "Put":
        try:
            backend.put_item(statement.table, asked["Item"], **condition)
        except ConditionalCheckFailed:
            raise DynamodbException(f"{ERROR_TYPE_PREFIX}DuplicateItemException", _DUPLICATE) from None
        return []
    before = copy.deepcopy(backend.get_item(statement.table, asked["Key"]))
    if kind == "Delete":
        after = backend.delete_item(statement.table, asked["Key"], **condition)
    else:
        after = backend.update_item(
            statement.table, asked["Key"], update_expression=asked["UpdateExpression"], **condition
        )
    if statement.returned is None or before is None:
        return []
    which, when = statement.returned
    attributes = (before if when == "OLD" else after).to_json()["Attributes"]
    return [{name: value for name, value in attributes.items() if which == "ALL" or name in statement.touched}]


# --- Reading ------------------------------------------------------------------------------------------------------------


def _select(backend: Any, statement: Statement) -> list[Item]:
    table = backend.get_table(statement.table)
    items, keys = table.all_items(), table.table_key_attrs
    if statement.index is not None:
        index = next((one for one in table.all_indexes() if one.name == statement.index), None)
        if index is None:
            raise MockValidationException("The table does not have the specified index")
        keys = index.schema_key_attrs
        items = [index.project(item) for item in items if all(name in item.attrs for name in keys)]
    wanted = get_filter_expression(statement.condition or None, statement.names, statement.values)
    found = [item for item in items if wanted.expr(item)]
    within = [(name, False) for name in keys[1:] if keys[0] in statement.equal]
    for name, greatest_first in reversed(statement.order or within):
        if name not in keys:
            raise MockValidationException(
                f"Variable reference {name} in ORDER BY clause must be part of the primary key"
            )
        found.sort(key=lambda item, name=name: item.attrs[name].cast_value, reverse=greatest_first)
    return [_projected(item.to_json()["Attributes"], statement.selected) for item in found]


def _projected(item: Item, selected: Sequence[Steps]) -> Item:
    """What was asked for and is there, by the last name on the way to it."""
    if not selected:
        return item
    found = {}
    for steps in selected:
        value = _value_at({"M": item}, steps)
        if value is not None:
            found[next(str(step) for step in reversed(steps) if isinstance(step, str))] = value
    return found


def _value_at(value: Value | None, steps: Steps) -> Value | None:
    for step in steps:
        inside: Any = (value or {}).get("L" if isinstance(step, int) else "M", {})
        known: Any = dict(enumerate(inside)) if isinstance(inside, list) else inside
        value = known.get(step)
    return value
