"""DynamoDB's tables, described as DynamoDB does."""

import re
from typing import Any

import pytest

from functions import new_name
from server import Server

UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
KEYS = {
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
}
THROUGHPUT = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}


@pytest.fixture
def dynamodb(aws: Server) -> Any:
    return aws.client("dynamodb")


def test_a_table_on_demand(dynamodb: Any) -> None:
    name = new_name("table")
    made = dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **KEYS)["TableDescription"]
    assert re.fullmatch(UUID, made["TableId"])
    at = made.pop("CreationDateTime")
    assert made == {
        **KEYS,
        "TableName": name,
        "TableArn": f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}",
        "TableId": made["TableId"],
        "TableStatus": "CREATING",
        "TableSizeBytes": 0,
        "ItemCount": 0,
        "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
        "ProvisionedThroughput": {"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
        "DeletionProtectionEnabled": False,
    }
    found = dynamodb.describe_table(TableName=name)["Table"]
    assert (found["TableStatus"], found["TableId"]) == ("ACTIVE", made["TableId"])
    assert found["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] == at
    assert found["WarmThroughput"]["Status"] == "ACTIVE"
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    updated = dynamodb.update_table(TableName=name, StreamSpecification=stream)["TableDescription"]
    assert (updated["TableStatus"], updated["TableId"]) == ("UPDATING", made["TableId"])
    assert updated["StreamSpecification"] == stream
    assert updated["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"] == at
    assert dynamodb.delete_table(TableName=name)["TableDescription"]["TableStatus"] == "DELETING"


def test_a_table_with_provisioned_throughput_and_an_index(dynamodb: Any) -> None:
    name = new_name("table")
    index = {"IndexName": "by-id", "KeySchema": KEYS["KeySchema"], "Projection": {"ProjectionType": "ALL"}}
    indexes = [{**index, "ProvisionedThroughput": THROUGHPUT}]
    made = dynamodb.create_table(
        TableName=name, ProvisionedThroughput=THROUGHPUT, GlobalSecondaryIndexes=indexes, **KEYS
    )["TableDescription"]
    assert not {"BillingModeSummary", "LocalSecondaryIndexes", "WarmThroughput"} & made.keys()
    assert [one["IndexStatus"] for one in made["GlobalSecondaryIndexes"]] == ["CREATING"]
    found = dynamodb.describe_table(TableName=name)["Table"]
    assert [one["IndexStatus"] for one in found["GlobalSecondaryIndexes"]] == ["ACTIVE"]
    assert "BillingModeSummary" not in found
    summary = dynamodb.update_table(TableName=name, BillingMode="PAY_PER_REQUEST")["TableDescription"][
        "BillingModeSummary"
    ]
    assert summary["BillingMode"] == "PAY_PER_REQUEST"
    assert summary["LastUpdateToPayPerRequestDateTime"] >= made["CreationDateTime"]
    back = {"BillingMode": "PROVISIONED", "ProvisionedThroughput": THROUGHPUT}
    again = dynamodb.update_table(TableName=name, **back)["TableDescription"]
    assert again["BillingModeSummary"] == {**summary, "BillingMode": "PROVISIONED"}
    assert again["ProvisionedThroughput"] == {**THROUGHPUT, "NumberOfDecreasesToday": 0}


def test_a_table_of_the_same_name_is_another(dynamodb: Any) -> None:
    name, ids = new_name("table"), []
    for _ in range(2):
        made = dynamodb.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **KEYS)["TableDescription"]
        ids.append(made["TableId"])
        dynamodb.delete_table(TableName=name)
    assert ids[0] != ids[1]
