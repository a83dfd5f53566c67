"""PublishVersion, ListVersionsByFunction, and what a version keeps."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import call, new_name, zip_of
from refusals import invalid, refused

Settled = Callable[..., None]
Create = Callable[..., dict[str, Any]]
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


def answering(value: str) -> bytes:
    return zip_of({"app.py": f"def handler(event, context):\n    return [{value!r}, context.function_version]\n"})


@pytest.fixture
def function(create_function: Create, settled: Settled) -> str:
    name: str = create_function(Code={"ZipFile": answering("one")}, Description="first")["FunctionName"]
    settled(name)
    return name


def listed(client: Any, name: str, **more: Any) -> list[tuple[str, str]]:
    found = client.list_versions_by_function(FunctionName=name, **more)["Versions"]
    return [(version["Version"], version["Description"]) for version in found]


def test_a_version(client: Any, function: str) -> None:
    latest = client.get_function_configuration(FunctionName=function)
    published = client.publish_version(FunctionName=function, Description="mine")
    assert published["ResponseMetadata"]["HTTPStatusCode"] == 201
    own = {"Version": "1", "Description": "mine", "FunctionArn": f"{ARN}{function}:1"}
    varying = {"RevisionId", "ResponseMetadata"}
    assert {k: v for k, v in published.items() if k not in varying} == {
        k: v for k, v in {**latest, **own}.items() if k not in varying
    }
    assert published["RevisionId"] != latest["RevisionId"]
    for found in (
        client.get_function_configuration(FunctionName=function, Qualifier="1"),
        client.get_function_configuration(FunctionName=f"{ARN}{function}:1"),
        client.get_function(FunctionName=function, Qualifier="1")["Configuration"],
    ):
        assert {**found, "ResponseMetadata": None} == {**published, "ResponseMetadata": None}
    moved = client.get_function_configuration(FunctionName=function)["RevisionId"]
    assert moved not in (latest["RevisionId"], published["RevisionId"])
    assert client.publish_version(FunctionName=function)["Version"] == "1"
    assert client.get_function_configuration(FunctionName=function)["RevisionId"] == moved


def test_a_version_never_changes(client: Any, function: str, settled: Settled) -> None:
    client.publish_version(FunctionName=function)
    before = client.get_function_configuration(FunctionName=function, Qualifier="1")
    client.update_function_code(FunctionName=function, ZipFile=answering("two"))
    settled(function)
    client.update_function_configuration(FunctionName=function, Description="second", Timeout=9)
    settled(function)
    after = client.get_function_configuration(FunctionName=function, Qualifier="1")
    assert {**after, "ResponseMetadata": None} == {**before, "ResponseMetadata": None}
    assert call(client, function, Qualifier="1")[0] == ["one", "1"]
    assert call(client, function)[0] == ["two", "$LATEST"]


def test_nothing_changed_is_the_same_version(client: Any, function: str, settled: Settled) -> None:
    first = client.publish_version(FunctionName=function, Description="mine")
    again = client.publish_version(FunctionName=function, Description="other")
    assert {**again, "ResponseMetadata": None} == {**first, "ResponseMetadata": None}
    client.update_function_configuration(FunctionName=function, Description="second")
    settled(function)
    assert client.publish_version(FunctionName=function)["Version"] == "2"
    assert client.publish_version(FunctionName=function)["Version"] == "2"
    assert listed(client, function) == [("$LATEST", "second"), ("1", "mine"), ("2", "second")]


def test_numbers_are_never_used_again(client: Any, function: str) -> None:
    for number in ("1", "2", "3"):
        assert client.publish_version(FunctionName=function)["Version"] == number
        client.delete_function(FunctionName=function, Qualifier=number)
    assert listed(client, function) == [("$LATEST", "first")]
    missing = f"Function not found: {ARN}{function}:3"
    assert refused(client.get_function, FunctionName=function, Qualifier="3")[2] == missing


def test_a_new_function_is_published_once_it_is_active(client: Any, create_function: Create, settled: Settled) -> None:
    """Whoever meets the short window before is told so in AWS's words."""
    seen = set()
    for _ in range(10):
        name = create_function()["FunctionName"]
        try:
            client.publish_version(FunctionName=name)
        except client.exceptions.ResourceConflictException as error:
            seen.add(error.response["Error"]["Message"])
    assert seen <= {
        "The operation cannot be performed at this time. The function is currently in the following state: Pending"
    }
    settled(name)
    published = client.publish_version(FunctionName=name)
    assert (published["State"], published["LastUpdateStatus"]) == ("Active", "Successful")


def test_conditions(client: Any, function: str) -> None:
    latest = client.get_function_configuration(FunctionName=function)
    sha256 = latest["CodeSha256"]
    assert refused(client.publish_version, FunctionName=function, CodeSha256="a" * 32) == invalid(
        f"CodeSHA256 ({'a' * 32}) is different from current CodeSHA256 in $LATEST ({sha256}). "
        "Please try again with the CodeSHA256 in $LATEST."
    )
    code, status, _ = refused(client.publish_version, FunctionName=function, RevisionId=new_name())
    assert (code, status) == ("PreconditionFailedException", 412)
    assert listed(client, function) == [("$LATEST", "first")]
    conditions = {"CodeSha256": sha256, "RevisionId": latest["RevisionId"]}
    assert client.publish_version(FunctionName=function, **conditions)["Version"] == "1"


def test_lists(client: Any, function: str, settled: Settled) -> None:
    for number in range(1, 13):
        client.update_function_configuration(FunctionName=function, Description=f"number {number}")
        settled(function)
        client.publish_version(FunctionName=function)
    versions = ["$LATEST", *(str(number) for number in range(1, 13))]
    assert [version for version, _ in listed(client, function)] == versions
    pages = client.get_paginator("list_versions_by_function").paginate(
        FunctionName=function, PaginationConfig={"PageSize": 5}
    )
    found = [page["Versions"] for page in pages]
    assert [len(page) for page in found] == [5, 5, 3]
    assert [version["Version"] for page in found for version in page] == versions
    arns = [version["FunctionArn"] for page in found for version in page]
    assert arns == [f"{ARN}{function}:{version}" for version in versions]
    assert not any(re.match("State|LastUpdate|RuntimeVersion", key) for page in found for v in page for key in v)


def test_what_is_not_there(client: Any) -> None:
    name = new_name()
    missing = ("ResourceNotFoundException", 404, f"Function not found: {ARN}{name}")
    assert refused(client.publish_version, FunctionName=name) == missing
    assert refused(client.list_versions_by_function, FunctionName=name) == missing


def test_clients_that_race_are_told(client: Any, create_function: Create, settled: Settled) -> None:
    """Of many changes made with one revision one is done; the others leave nothing changed."""
    name = create_function()["FunctionName"]
    settled(name)
    revision = client.get_function_configuration(FunctionName=name)["RevisionId"]

    def change(number: int) -> str:
        try:
            client.update_function_configuration(FunctionName=name, Description=f"number {number}", RevisionId=revision)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return f"number {number}"

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(change, range(8)))
    done = [result for result in results if result.startswith("number ")]
    assert len(done) == 1
    assert {*results} - {*done} <= {"PreconditionFailedException", "ResourceConflictException"}
    settled(name)
    assert client.get_function_configuration(FunctionName=name)["Description"] == done[0]


def test_versions_published_at_once_have_numbers_of_their_own(
    client: Any, create_function: Create, settled: Settled
) -> None:
    name = create_function()["FunctionName"]
    settled(name)
    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(lambda _: client.publish_version(FunctionName=name)["Version"], range(8)))
    assert set(numbers) == {"1"}  # nothing had changed since the first of them
    listed = client.list_versions_by_function(FunctionName=name)["Versions"]
    assert [version["Version"] for version in listed] == ["$LATEST", "1"]
