"""Aliases as resources: CreateAlias, GetAlias, ListAliases, UpdateAlias, DeleteAlias. What they do to invocations:
`invocation/test_alias_routing.py`."""

from collections.abc import Callable
from typing import Any

import pytest

from functions import new_name, zip_of
from refusals import invalid, refused, violation

Settled = Callable[..., None]
Create = Callable[..., dict[str, Any]]
ALREADY = "is already included in routing configuration."
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


@pytest.fixture
def function(client: Any, create_function: Create, settled: Settled) -> str:
    """With versions 1 and 2."""
    name: str = create_function(Publish=True)["FunctionName"]
    settled(name)
    code = zip_of({"app.py": "def handler(event, context):\n    return 'two'\n"})
    client.update_function_code(FunctionName=name, ZipFile=code, Publish=True)
    settled(name)
    return name


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_an_alias(client: Any, function: str) -> None:
    made = client.create_alias(FunctionName=function, Name="live", FunctionVersion="1", Description="what is used")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    alias = without_metadata(made)
    assert alias == {
        "AliasArn": f"{ARN}{function}:live",
        "Name": "live",
        "FunctionVersion": "1",
        "Description": "what is used",
        "RevisionId": alias["RevisionId"],
    }
    assert without_metadata(client.get_alias(FunctionName=function, Name="live")) == alias
    assert without_metadata(client.get_alias(FunctionName=f"{ARN}{function}", Name="live")) == alias


def test_the_function_by_its_alias(client: Any, function: str) -> None:
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    version = client.get_function_configuration(FunctionName=function, Qualifier="1")
    by_alias = without_metadata(client.get_function_configuration(FunctionName=function, Qualifier="live"))
    assert by_alias == {**without_metadata(version), "FunctionArn": f"{ARN}{function}:live"}
    assert client.get_function(FunctionName=f"{ARN}{function}:live")["Configuration"] == by_alias


def test_an_alias_of_latest(client: Any, function: str) -> None:
    client.create_alias(FunctionName=function, Name="newest", FunctionVersion="$LATEST")
    assert client.get_alias(FunctionName=function, Name="newest")["FunctionVersion"] == "$LATEST"
    assert client.get_function_configuration(FunctionName=function, Qualifier="newest")["Version"] == "$LATEST"


def test_weights(client: Any, function: str) -> None:
    weights = {"AdditionalVersionWeights": {"2": 0.25}}
    made = client.create_alias(FunctionName=function, Name="live", FunctionVersion="1", RoutingConfig=weights)
    assert made["RoutingConfig"] == weights
    assert client.get_function_configuration(FunctionName=function, Qualifier="live")["Version"] == "1"
    kept = client.update_alias(FunctionName=function, Name="live", Description="still")
    assert kept["RoutingConfig"] == weights
    cleared = client.update_alias(FunctionName=function, Name="live", RoutingConfig={"AdditionalVersionWeights": {}})
    assert "RoutingConfig" not in cleared
    assert "RoutingConfig" not in client.get_alias(FunctionName=function, Name="live")


def test_an_update_changes_what_it_names(client: Any, function: str) -> None:
    made = client.create_alias(FunctionName=function, Name="live", FunctionVersion="1", Description="first")
    moved = client.update_alias(FunctionName=function, Name="live", FunctionVersion="2")
    assert (moved["FunctionVersion"], moved["Description"]) == ("2", "first")
    assert moved["RevisionId"] != made["RevisionId"]
    told = client.update_alias(FunctionName=function, Name="live", Description="", RevisionId=moved["RevisionId"])
    assert (told["FunctionVersion"], told["Description"]) == ("2", "")


def test_an_update_of_an_older_revision_is_refused(client: Any, function: str) -> None:
    made = client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    client.update_alias(FunctionName=function, Name="live", FunctionVersion="2")
    wanted = {"FunctionName": function, "Name": "live", "FunctionVersion": "1", "RevisionId": made["RevisionId"]}
    assert refused(client.update_alias, **wanted) == (
        "PreconditionFailedException",
        412,
        "The Revision Id provided does not match the latest Revision Id. "
        "Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
    )
    assert client.get_alias(FunctionName=function, Name="live")["FunctionVersion"] == "2"


def test_a_list_is_sorted_filtered_and_paged(client: Any, function: str) -> None:
    for name, version in (("c", "1"), ("a", "2"), ("b", "1")):
        client.create_alias(FunctionName=function, Name=name, FunctionVersion=version)
    names = [alias["Name"] for alias in client.list_aliases(FunctionName=function)["Aliases"]]
    assert names == ["a", "b", "c"]
    of_one = client.list_aliases(FunctionName=function, FunctionVersion="1")["Aliases"]
    assert [alias["Name"] for alias in of_one] == ["b", "c"]
    pages = client.get_paginator("list_aliases").paginate(FunctionName=function, PaginationConfig={"PageSize": 2})
    assert [[alias["Name"] for alias in page["Aliases"]] for page in pages] == [["a", "b"], ["c"]]


def test_a_deleted_alias_is_gone(client: Any, function: str) -> None:
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    for _ in range(2):
        answer = client.delete_alias(FunctionName=function, Name="live")
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    missing = not_found(f"Cannot find alias arn: {ARN}{function}:live")
    assert refused(client.get_alias, FunctionName=function, Name="live") == missing
    missing = not_found(f"Function not found: {ARN}{function}:live")
    assert refused(client.get_function, FunctionName=function, Qualifier="live") == missing


def test_a_version_that_an_alias_refers_to_stays(client: Any, function: str) -> None:
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1", RoutingConfig=weights)
    client.create_alias(FunctionName=function, Name="old", FunctionVersion="1")
    for version, names in (("1", "live, old"), ("2", "live")):
        assert refused(client.delete_function, FunctionName=function, Qualifier=version) == (
            "ResourceConflictException",
            409,
            f"Unable to delete version because the following aliases reference it: [{names}]",
        )
    client.delete_alias(FunctionName=function, Name="live")
    client.delete_function(FunctionName=function, Qualifier="2")
    assert refused(client.get_function, FunctionName=function, Qualifier="2") == not_found(
        f"Function not found: {ARN}{function}:2"
    )


def test_aliases_go_with_their_function(client: Any, create_function: Create, settled: Settled) -> None:
    name = new_name()
    for _ in range(2):
        create_function(FunctionName=name)
        settled(name)
        assert client.list_aliases(FunctionName=name)["Aliases"] == []
        client.create_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")
        client.delete_function(FunctionName=name)


def test_what_is_not_there(client: Any, function: str) -> None:
    nothing = new_name()
    missing = not_found(f"Function not found: {ARN}{nothing}")
    assert refused(client.create_alias, FunctionName=nothing, Name="live", FunctionVersion="1") == missing
    assert refused(client.update_alias, FunctionName=nothing, Name="live", FunctionVersion="1") == missing
    assert refused(client.list_aliases, FunctionName=nothing) == missing
    assert refused(client.get_alias, FunctionName=nothing, Name="live") == missing
    assert refused(client.delete_alias, FunctionName=nothing, Name="live") == missing
    missing = not_found(f"Function not found: {ARN}{function}:9")
    assert refused(client.create_alias, FunctionName=function, Name="live", FunctionVersion="9") == missing
    missing = not_found(f"Alias not found: {ARN}{function}:live")
    assert refused(client.update_alias, FunctionName=function, Name="live", FunctionVersion="1") == missing
    assert client.list_aliases(FunctionName=function)["Aliases"] == []


def test_the_same_name_twice_is_refused(client: Any, function: str) -> None:
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    assert refused(client.create_alias, FunctionName=function, Name="live", FunctionVersion="2") == (
        "ResourceConflictException",
        409,
        f"Alias already exists: {ARN}{function}:live",
    )
    assert client.get_alias(FunctionName=function, Name="live")["FunctionVersion"] == "1"


def test_a_name_may_begin_with_a_digit(client: Any, function: str) -> None:
    client.create_alias(FunctionName=function, Name="2024-01-02", FunctionVersion="1")
    assert client.get_function(FunctionName=f"{function}:2024-01-02")["Configuration"]["Version"] == "1"
    code, _, message = refused(client.create_alias, FunctionName=function, Name="2024", FunctionVersion="1")
    assert code == "ValidationException"
    assert message.endswith("Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)")


@pytest.mark.parametrize(
    ("version", "weights", "message"),
    [
        ("1", {"2": 0.1, "3": 0.1}, "Number of items in AdditionalVersionWeights cannot be greater than 1"),
        ("1", {"1": 0.1}, f"Invalid function version 1. Function version 1 {ALREADY}"),
        ("$LATEST", {"1": 0.1}, "$LATEST is not supported for an alias pointing to more than 1 version"),
    ],
)
def test_weights_that_are_refused(
    client: Any, function: str, version: str, weights: dict[str, float], message: str
) -> None:
    wanted = {"FunctionVersion": version, "RoutingConfig": {"AdditionalVersionWeights": weights}}
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="2")
    assert refused(client.create_alias, FunctionName=function, Name="new", **wanted) == invalid(message)
    assert refused(client.update_alias, FunctionName=function, Name="live", **wanted) == invalid(message)
    assert [alias["FunctionVersion"] for alias in client.list_aliases(FunctionName=function)["Aliases"]] == ["2"]


def test_an_update_is_checked_with_what_it_keeps(client: Any, function: str) -> None:
    weights = {"AdditionalVersionWeights": {"2": 0.5}}
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1", RoutingConfig=weights)
    assert refused(client.update_alias, FunctionName=function, Name="live", FunctionVersion="2") == invalid(
        f"Invalid function version 2. Function version 2 {ALREADY}"
    )


def test_bad_names_and_weights(client: Any, function: str) -> None:
    wanted = {"FunctionName": function, "FunctionVersion": "1"}
    assert refused(client.create_alias, Name="17", **wanted) == violation(
        "Value '17' at 'name' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
    )
    at = "at 'routingConfig.additionalVersionWeights' failed to satisfy constraint"
    assert refused(
        client.create_alias, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": 1.5}}, **wanted
    ) == violation(
        f"Value '{{2=1.5}}' {at}: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, "
        "Member must have value greater than or equal to 0.0, Member must not be null]"
    )
    assert refused(
        client.create_alias, Name="live", RoutingConfig={"AdditionalVersionWeights": {"$LATEST": 0.5}}, **wanted
    ) == violation(
        f"Value '{{$LATEST=0.5}}' {at}: Map keys must satisfy constraint: [Member must have length less than or equal to "
        "1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: "
        "[0-9]+, Member must not be null]"
    )


def not_found(message: str) -> tuple[str, int, str]:
    return "ResourceNotFoundException", 404, message
