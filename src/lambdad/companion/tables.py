"""How DynamoDB describes tables: with an identifier, without what they do not have, and as CREATING when they are made.

They can be used at once, as if AWS had already made them by the time anybody looks.

AWS: docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
"""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from moto.core.utils import utcnow
from moto.dynamodb import models, responses
from moto.dynamodb.models import table as tables

_ON_DEMAND = "PAY_PER_REQUEST"
_SINCE = "lambdad_on_demand_since"
"""Of a table: when it was told to be so, if it was not made so."""
_IF_ANY = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
_LAST_UPDATE = "LastUpdateToPayPerRequestDateTime"


def install() -> None:
    """In moto's place."""
    describe, update = tables.Table.describe, models.DynamoDBBackend.update_table

    def described(table: Any, base_key: str = "TableDescription") -> dict[str, Any]:
        answer: dict[str, Any] = describe(table, base_key)
        answer[base_key] = _described(table, answer[base_key])
        return answer

    def updated(backend: Any, name: str, *given: Any, **named: Any) -> Any:
        before = backend.get_table(name).billing_mode
        table = update(backend, name, *given, **named)
        if table.billing_mode == _ON_DEMAND and before != _ON_DEMAND:
            setattr(table, _SINCE, utcnow())
        return table

    tables.Table.describe = described
    models.DynamoDBBackend.update_table = updated
    handler = responses.DynamoHandler
    handler.create_table = _answering(handler.create_table, _being_made)
    handler.update_table = _answering(handler.update_table, _being_updated)
    handler.delete_table = _answering(handler.delete_table, _being_deleted)


def _described(table: Any, members: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in members.items() if value or name not in _IF_ANY}
    found["TableId"] = str(uuid5(NAMESPACE_URL, f"{table.table_arn}/{table.created_at.isoformat()}"))
    found["ProvisionedThroughput"] = {"NumberOfDecreasesToday": 0, **members["ProvisionedThroughput"]}
    since = getattr(table, _SINCE, table.created_at if table.billing_mode == _ON_DEMAND else None)
    if since is None:
        del found["BillingModeSummary"]  # it was never asked for
    else:
        found["BillingModeSummary"] = {**members["BillingModeSummary"], _LAST_UPDATE: since}
    return found


def _answering(perform: Any, change: Any) -> Any:
    def performed(response: Any) -> Any:
        answer = perform(response)
        change(answer.result["TableDescription"], response.body)
        return answer

    return performed


def _being_made(table: dict[str, Any], asked: dict[str, Any]) -> None:
    table["TableStatus"] = "CREATING"
    table.get("BillingModeSummary", {}).pop(_LAST_UPDATE, None)
    if "WarmThroughput" not in asked:
        del table["WarmThroughput"]
    for index in table.get("GlobalSecondaryIndexes", ()):
        index["IndexStatus"] = "CREATING"


def _being_updated(table: dict[str, Any], asked: dict[str, Any]) -> None:
    table["TableStatus"] = "UPDATING"


def _being_deleted(table: dict[str, Any], asked: dict[str, Any]) -> None:
    table["TableStatus"] = "DELETING"
