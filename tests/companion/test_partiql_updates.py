"""DynamoDB: UPDATE statements of PartiQL change one item, as UpdateItem would."""

from typing import Any

import pytest

from functions import new_name
from refusals import refused
from server import Server

ITEM = {"id": {"S": "a"}, "n": {"N": "1"}, "list": {"L": []}, "tags": {"SS": ["x"]}, "map": {"M": {"y": {"N": "1"}}}}


class Things:
    def __init__(self, server: Server) -> None:
        self.dynamodb = server.client("dynamodb")
        self.name = new_name("things")
        self.dynamodb.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def statement(self, text: str) -> str:
        return text.replace("things", f'"{self.name}"', 1)

    def execute(self, text: str, *parameters: dict[str, Any]) -> Any:
        given = {"Parameters": list(parameters)} if parameters else {}
        return self.dynamodb.execute_statement(Statement=self.statement(text), **given)["Items"]


@pytest.fixture(scope="module")
def table(aws: Server) -> Things:
    return Things(aws)


@pytest.fixture
def things(table: Things) -> Things:
    table.dynamodb.put_item(TableName=table.name, Item=ITEM)
    return table


@pytest.mark.parametrize(
    ("text", "parameters", "changed"),
    [
        ("UPDATE things SET n=2 WHERE id='a'", [], {"n": {"N": "2"}}),
        ("update things set \"n\" = ?, q = 'it''s' where id = ?", [{"N": "3"}, {"S": "a"}],
         {"n": {"N": "3"}, "q": {"S": "it's"}}),
        ("UPDATE things SET map.y = map.y - -2 SET b = FALSE WHERE id='a' AND n BETWEEN 0 AND 1", [],
         {"map": {"M": {"y": {"N": "3"}}}, "b": {"BOOL": False}}),
        ("UPDATE things SET list=list_append(list,[1.5]) SET tags=set_add(tags,<<'z'>>) WHERE id='a' AND q IS MISSING", [],
         {"list": {"L": [{"N": "1.5"}]}, "tags": {"SS": ["x", "z"]}}),
        ("UPDATE things REMOVE map.y SET n=5 WHERE (n > 4 OR NOT n = 2) AND id='a'", [],
         {"map": {"M": {}}, "n": {"N": "5"}}),
    ],
)  # fmt: skip
def test_what_is_changed(things: Things, text: str, parameters: list[Any], changed: dict[str, Any]) -> None:
    assert things.execute(text, *parameters) == []
    (item,) = things.dynamodb.scan(TableName=things.name)["Items"]
    for kept in (item, changed):
        kept.get("tags", {}).get("SS", []).sort()
    assert item == {**ITEM, **changed}


def test_what_is_returned(things: Things) -> None:
    text = "UPDATE things SET n=n+1 REMOVE list WHERE id='a' RETURNING"
    assert things.execute(f"{text} ALL OLD *") == [ITEM]
    assert things.execute(f"{text} MODIFIED OLD *") == [{"n": {"N": "2"}}]
    assert things.execute(f"{text} MODIFIED NEW *") == [{"n": {"N": "4"}}]
    (new,) = things.execute(f"{text} ALL NEW *")
    assert new == {**{name: value for name, value in ITEM.items() if name != "list"}, "n": {"N": "5"}}


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("UPDATE things SET n=2 WHERE id='b'", "ConditionalCheckFailedException", "The conditional request failed"),
        ("UPDATE things SET n=2 WHERE id='a' AND n=7", "ConditionalCheckFailedException", "conditional request failed"),
        ("UPDATE things SET n=2 WHERE n=1", "ValidationException", "mandatory equality on all key attributes"),
        ("UPDATE things SET n=2 WHERE id='a' OR n=1", "ValidationException", "equality on all key attributes"),
        ("UPDATE things SET n=? WHERE id='a'", "ValidationException", "Number of parameters in request and statement"),
        ("UPDATE things SET n= WHERE id='a'", "ValidationException", "Statement wasn't well formed"),
        ("UPDATE things SET n=" + "[" * 3000 + " WHERE id='a'", "ValidationException", "Statement wasn't well formed"),
        ("UPDATE things WHERE id='a'", "ValidationException", "Statement wasn't well formed"),
    ],
)  # fmt: skip
def test_what_is_refused(things: Things, text: str, code: str, words: str) -> None:
    found = refused(things.dynamodb.execute_statement, Statement=things.statement(text))
    assert found[:2] == (code, 400)
    assert words in found[2]
    assert things.dynamodb.scan(TableName=things.name)["Items"] == [ITEM]


def test_in_batches_and_transactions(things: Things) -> None:
    statements = [{"Statement": things.statement(f"UPDATE things SET {name}=7 WHERE id='a'")} for name in ("p", "q")]
    things.dynamodb.batch_execute_statement(Statements=statements[:1])
    things.dynamodb.execute_transaction(TransactStatements=statements[1:])
    assert things.dynamodb.scan(TableName=things.name)["Items"] == [{**ITEM, "p": {"N": "7"}, "q": {"N": "7"}}]
