"""DynamoDB: statements of PartiQL do what UpdateItem, PutItem, DeleteItem and Scan would, and refuse what is not one."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import new_name
from refusals import refused
from server import Server

ITEM = {"id": {"S": "a"}, "n": {"N": "1"}, "list": {"L": []}, "tags": {"SS": ["x"]}, "map": {"M": {"y": {"N": "1"}}}}


class Things:
    def __init__(self, server: Server, **given: Any) -> None:
        self.dynamodb = server.client("dynamodb")
        self.streams = server.client("dynamodbstreams")
        self.name = new_name("things")
        self.dynamodb.create_table(
            TableName=self.name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            **given,
        )

    def statement(self, text: str) -> str:
        return text.replace("things", f'"{self.name}"', 1)

    def execute(self, text: str, *parameters: dict[str, Any]) -> Any:
        given = {"Parameters": list(parameters)} if parameters else {}
        return self.dynamodb.execute_statement(Statement=self.statement(text), **given)["Items"]

    def records(self) -> Any:
        (stream,) = self.streams.list_streams(TableName=self.name)["Streams"]
        (shard,) = self.streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
        iterator = self.streams.get_shard_iterator(
            StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        return self.streams.get_records(ShardIterator=iterator["ShardIterator"])["Records"]


@pytest.fixture(scope="module")
def table(aws: Server) -> Things:
    return Things(aws)


@pytest.fixture
def things(table: Things) -> Things:
    table.dynamodb.put_item(TableName=table.name, Item=ITEM)
    return table


@pytest.fixture
def streamed(aws: Server) -> Things:
    made = Things(aws, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    made.dynamodb.put_item(TableName=made.name, Item=ITEM)
    return made


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
        ("UPDATE things SET map.y=map SET q=list WHERE id='a' AND NOT n < 'a'", [],
         {"map": {"M": {"y": ITEM["map"]}}, "q": {"L": []}}),
        ("UPDATE things REMOVE map.y SET n=5 WHERE ((n > 4) OR ((NOT n = 2))) AND id='a'", [],
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
        ("UPDATE things SET n=" + "[" * 3000 + " WHERE id='a'", "ValidationException", "Nesting Levels"),
        ("UPDATE things WHERE id='a'", "ValidationException", "Statement wasn't well formed"),
        ("UPDATE things SET q=5 REMOVE n.k WHERE id='a'", "ValidationException", "The document path provided"),
        ("rubbish", "ValidationException", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
        ("SELECT * FROM", "ValidationException", "Statement wasn't well formed, can't be processed: "),
        ("SELECT * FROM things WHERE n IN []", "ValidationException", "IN operator must have"),
        ("SELECT * FROM things WHERE n BETWEEN 1 AND null", "ValidationException", "Statement wasn't well formed"),
        ("SELECT * FROM things WHERE 1 IS MISSING", "ValidationException", "Statement wasn't well formed"),
        ("SELECT * FROM things ORDER BY n", "ValidationException", "must be part of the primary key"),
        ("SELECT * FROM things.other", "ValidationException", "The table does not have the specified index"),
        ("SELECT * FROM elsewhere", "ResourceNotFoundException", "Requested resource not found"),
        ("INSERT INTO things VALUE {'id':'a'}", "DuplicateItemException", "Duplicate primary key exists in table"),
        ("INSERT INTO things VALUE {'n':1}", "ValidationException", "Key attribute should be present"),
        ("INSERT INTO things VALUE {'id':[1]}", "ValidationException", "data type should match"),
        ("INSERT INTO things VALUE {'id':'b','n':1e126}", "ValidationException", "Number overflow"),
        ("INSERT INTO things VALUE 'b'", "ValidationException", "Unsupported format in item expression"),
        ("DELETE FROM things WHERE id='a' AND n = 77", "ConditionalCheckFailedException", "conditional request failed"),
        ("DELETE FROM things WHERE n = 1", "ValidationException", "mandatory equality on all key attributes"),
        ("DELETE FROM things WHERE id='a' RETURNING MODIFIED OLD *", "ValidationException", "Only RETURNING ALL OLD *"),
    ],
)  # fmt: skip
def test_what_is_refused(things: Things, text: str, code: str, words: str) -> None:
    found = refused(things.dynamodb.execute_statement, Statement=things.statement(text))
    assert found[:2] == (code, 400)
    assert words in found[2]
    assert things.dynamodb.scan(TableName=things.name)["Items"] == [ITEM]


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        ({"N": "x"}, "cannot be converted to a numeric value: x"),
        ({"NS": ["1", "y"]}, "cannot be converted to a numeric value: y"),
        ({"L": [{"M": {"k": {"N": "1e200"}}}]}, "Number overflow"),
        ({}, "must contain exactly one of the supported datatypes"),
        ({"S": "a", "N": "1"}, "must contain exactly one of the supported datatypes"),
    ],
)
def test_parameters_that_cannot_be(aws: Server, things: Things, parameter: dict[str, Any], words: str) -> None:
    dynamodb = aws.client("dynamodb", parameter_validation=False)
    text = things.statement("UPDATE things SET p = ? WHERE id='a'")
    found = refused(dynamodb.execute_statement, Statement=text, Parameters=[parameter])
    assert found[:2] == ("ValidationException", 400)
    assert words in found[2]


def test_an_item_is_made_and_deleted(things: Things) -> None:
    made = "{'id':'i','s':<<'a'>>,'b':true,'z':null,'n':-1.5e3,'q':[1,{'a':<<2.50>>}],'p':?}"
    assert things.execute(f"INSERT INTO things VALUE {made}", {"B": b"p"}) == []
    item = {
        "id": {"S": "i"},
        "s": {"SS": ["a"]},
        "b": {"BOOL": True},
        "z": {"NULL": True},
        "n": {"N": "-1500"},
        "q": {"L": [{"N": "1"}, {"M": {"a": {"NS": ["2.5"]}}}]},
        "p": {"B": b"p"},
    }
    delete = "DELETE FROM things WHERE id='i' AND n < 0 RETURNING ALL OLD *"
    assert [things.execute(delete), things.execute(delete)] == [[item], []]
    assert things.execute("SELECT * FROM things") == [ITEM]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SELECT id FROM things WHERE id='a'", [{"id": {"S": "a"}}]),
        ("select map.y, n, q from things where map.y = 1 and n in [1, 2]", [{"y": {"N": "1"}, "n": {"N": "1"}}]),
        ("SELECT id FROM things WHERE id > 5 OR n < 'a' OR map <= [1] OR n <> 1 OR size(q) <> 1", []),
        ("SELECT id FROM things WHERE begins_with(id, 'a') AND q IS MISSING ORDER BY id DESC", [{"id": {"S": "a"}}]),
    ],
)  # fmt: skip
def test_what_is_selected(things: Things, text: str, found: list[Any]) -> None:
    assert things.execute(text) == found


def test_a_statement_of_a_batch_fails_alone(things: Things) -> None:
    texts = [
        "rubbish",
        "SELECT * FROM things WHERE n=1",
        "INSERT INTO things VALUE {'id':'a'}",
        "DELETE FROM things WHERE id='a' AND n=2",
        "SELECT n FROM things WHERE id='a'",
        "SELECT n FROM elsewhere WHERE id='a'",
    ]
    statements = [{"Statement": things.statement(text)} for text in texts]
    answers = things.dynamodb.batch_execute_statement(Statements=statements)["Responses"]
    codes = [answer.get("Error", {}).get("Code") for answer in answers]
    assert codes == [
        "ValidationError", "ValidationError", "DuplicateItem", "ConditionalCheckFailed", None, "ResourceNotFound",
    ]  # fmt: skip
    assert answers[0]["Error"]["Message"].endswith("Expected data manipulation")
    assert [answer.get("TableName") for answer in answers] == [None, None, *[things.name] * 3, None]
    assert answers[4]["Item"] == {"n": {"N": "1"}}


def test_a_transaction_is_done_whole_or_not_at_all(streamed: Things) -> None:
    def transaction(*texts: str) -> Any:
        statements = [{"Statement": streamed.statement(text)} for text in texts]
        return streamed.dynamodb.execute_transaction(TransactStatements=statements)["Responses"]

    insert, exists = "INSERT INTO things VALUE {'id':'%s'}", "EXISTS(SELECT * FROM things WHERE id='%s' AND n=1)"
    with pytest.raises(ClientError) as caught:
        transaction(insert % "b", insert % "a", exists % "e", "DELETE FROM things WHERE id='c'")
    assert caught.value.response["Error"]["Code"] == "TransactionCanceledException"
    codes = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert codes == ["None", "DuplicateItem", "ConditionalCheckFailed", "None"]
    assert transaction(exists % "a", insert % "d") == [{}, {}]
    reads = [f"SELECT * FROM things WHERE id='{key}'" for key in "abd"]
    assert transaction(*reads) == [{"Item": ITEM}, {}, {"Item": {"id": {"S": "d"}}}]
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in streamed.records()] == ["a", "d"]


def test_in_batches_and_transactions(things: Things) -> None:
    statements = [{"Statement": things.statement(f"UPDATE things SET {name}=7 WHERE id='a'")} for name in ("p", "q")]
    things.dynamodb.batch_execute_statement(Statements=statements[:1])
    things.dynamodb.execute_transaction(TransactStatements=statements[1:])
    assert things.dynamodb.scan(TableName=things.name)["Items"] == [{**ITEM, "p": {"N": "7"}, "q": {"N": "7"}}]
