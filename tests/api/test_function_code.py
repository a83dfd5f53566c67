"""Where code comes from, what is refused, UpdateFunctionCode, and the link by which code is given back."""

import base64
import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from functions import ROLE, call, new_name, zip_of
from interpreters import PYTHON
from refusals import invalid, refused
from server import Server

Settled = Callable[..., None]
Create = Callable[..., dict[str, Any]]
IN_PROGRESS = {
    "State": "Active",
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": "The function is being created.",
    "LastUpdateStatusReasonCode": "Creating",
}
BROKEN = "Could not unzip uploaded file. Please check your file, then try to upload again."


def answering(value: str) -> bytes:
    return zip_of({"app.py": f"def handler(event, context):\n    return {value!r}\n"})


def sha(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def states(configuration: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in configuration.items() if name.startswith(("State", "LastUpdate"))}


@pytest.fixture
def function(create_function: Create, settled: Settled) -> str:
    name: str = create_function(Code={"ZipFile": answering("one")})["FunctionName"]
    settled(name)
    return name


def test_new_code_runs(client: Any, function: str, settled: Settled) -> None:
    before = client.get_function_configuration(FunctionName=function)
    assert call(client, function)[0] == "one"
    updated = client.update_function_code(FunctionName=function, ZipFile=answering("two"))
    assert states(updated) == IN_PROGRESS
    assert updated["CodeSha256"] == sha(answering("two"))
    assert updated["CodeSize"] == len(answering("two"))
    assert updated["RevisionId"] != before["RevisionId"]
    assert updated["LastModified"] > before["LastModified"]
    assert call(client, function)[0] == "two"
    settled(function)
    after = client.get_function_configuration(FunctionName=function)
    assert states(after) == {"State": "Active", "LastUpdateStatus": "Successful"}
    assert after["RevisionId"] != updated["RevisionId"]


def test_publish_and_architecture(client: Any, function: str, settled: Settled) -> None:
    updated = client.update_function_code(
        FunctionName=function, ZipFile=answering("two"), Publish=True, Architectures=["arm64"]
    )
    assert updated["Version"] == "1"
    assert updated["FunctionArn"].endswith(f":{function}:1")
    assert updated["Architectures"] == ["arm64"]
    assert updated["State"] == "Pending"
    settled(function)
    settled(function, Qualifier="1")
    client.update_function_code(FunctionName=function, ZipFile=answering("three"))
    assert call(client, function, Qualifier="1")[0] == "two"
    assert call(client, function)[0] == "three"


def test_a_dry_run_changes_nothing(client: Any, function: str) -> None:
    before = client.get_function(FunctionName=function)["Configuration"]
    tried = client.update_function_code(FunctionName=function, ZipFile=answering("two"), DryRun=True, Publish=True)
    assert tried["CodeSha256"] == sha(answering("two"))
    assert tried["Version"] == "$LATEST"
    assert client.get_function(FunctionName=function)["Configuration"] == before
    assert refused(client.update_function_code, FunctionName=function, ZipFile=b"no zip", DryRun=True) == invalid(
        BROKEN
    )


def test_only_what_the_caller_knows_is_updated(client: Any, function: str) -> None:
    known = client.get_function_configuration(FunctionName=function)["RevisionId"]
    client.update_function_code(FunctionName=function, ZipFile=answering("two"), RevisionId=known)
    code, status, message = refused(
        client.update_function_code, FunctionName=function, ZipFile=answering("three"), RevisionId=known
    )
    assert (code, status) == ("PreconditionFailedException", 412)
    assert message == (
        "The Revision Id provided does not match the latest Revision Id. "
        "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
    )


def test_updates_that_are_refused(client: Any, function: str) -> None:
    update = client.update_function_code
    before = client.get_function(FunctionName=function)["Configuration"]
    assert refused(update, FunctionName=function) == invalid("Please provide a source for function code.")
    assert refused(update, FunctionName=function, ImageUri="repository:tag") == invalid(
        "Please don't provide ImageUri when updating a function with packageType Zip."
    )
    assert refused(update, FunctionName=function, ZipFile=b"no zip") == invalid(BROKEN)
    assert refused(update, FunctionName=new_name(), ZipFile=answering("x"))[0] == "ResourceNotFoundException"
    assert client.get_function(FunctionName=function)["Configuration"] == before


def test_nobody_updates_while_an_update_is_in_progress(client: Any, create_function: Create) -> None:
    """The window is short: whoever meets it is told so in AWS's words."""
    name = create_function()["FunctionName"]
    seen = set()
    for number in range(50):
        try:
            client.update_function_configuration(FunctionName=name, Description=str(number))
        except client.exceptions.ResourceConflictException as error:
            seen.add(error.response["Error"]["Message"].split("performed at this time. ")[1])
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert seen <= {
        "The function is currently in the following state: Pending",
        f"An update is in progress for resource: {arn}",
    }


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"this is no zip", BROKEN),
        (answering("x")[:-30], BROKEN),
        (zip_of({"../outside.py": "x = 1"}), BROKEN),
        (zip_of({"/etc/outside.py": "x = 1"}), BROKEN),
        (zip_of({}), "Uploaded file must be a non-empty zip"),
    ],
)
def test_packages_that_are_refused(client: Any, create_function: Create, content: bytes, message: str) -> None:
    name = new_name()
    assert refused(create_function, FunctionName=name, Code={"ZipFile": content}) == invalid(message)
    assert refused(client.get_function, FunctionName=name)[0] == "ResourceNotFoundException"


def test_more_than_a_request_may_carry(create_function: Create) -> None:
    assert refused(create_function, Code={"ZipFile": os.urandom(51 * 1024 * 1024)}) == (
        "RequestEntityTooLargeException",
        413,
        "Request must be smaller than 70167211 bytes for the CreateFunction operation",
    )


# --- Links to the code --------------------------------------------------------------------------------------------------


def fetch(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=120) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_the_code_can_be_downloaded(client: Any, function: str) -> None:
    url = client.get_function(FunctionName=function)["Code"]["Location"]
    assert fetch(url) == (200, answering("one"))


def test_links_cannot_be_made_up(client: Any, function: str, server: Server) -> None:
    url = client.get_function(FunctionName=function)["Code"]["Location"]
    path, query = url.split("?")
    expires, signature = (part.partition("=")[2] for part in query.split("&"))
    forged = [
        path,
        f"{path}?Expires={expires}",
        f"{path}?Expires={int(expires) + 1}&Signature={signature}",
        f"{path}?Expires=1&Signature={signature}",
        f"{path}?Expires=%C2%B2&Signature={signature}",
        f"{path}?Expires={'9' * 5000}&Signature={signature}",
        f"{path}?Expires={expires}&Signature=%C3%A9",
        f"{server.url}/_lambdad/code/{'0' * 64}?{query}",
        f"{server.url}/_lambdad/code/..%2f..%2flambdad.sqlite3?{query}",
    ]
    assert [fetch(link)[0] for link in forged] == [403] * len(forged)


# --- S3 -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture(scope="module")
def with_s3(tmp_path_factory: pytest.TempPathFactory, s3_url: str) -> Iterator[Server]:
    own = Server(Path(tmp_path_factory.mktemp("with-s3")) / "data", "--endpoint", f"s3={s3_url}").start()
    yield own
    assert own.stop() == 0


def test_code_from_s3(with_s3: Server, s3_url: str) -> None:
    s3 = boto3.client(
        "s3", endpoint_url=s3_url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    s3.create_bucket(Bucket="packages")
    s3.put_bucket_versioning(Bucket="packages", VersioningConfiguration={"Status": "Enabled"})
    old = s3.put_object(Bucket="packages", Key="dir/app.zip", Body=answering("one"))["VersionId"]
    s3.put_object(Bucket="packages", Key="dir/app.zip", Body=answering("two"))
    s3.put_object(Bucket="packages", Key="broken.zip", Body=b"no zip")
    place = {"S3Bucket": "packages", "S3Key": "dir/app.zip"}
    client = with_s3.client()
    rest = {"Runtime": "python3.12", "Role": ROLE, "Handler": "app.handler"}
    created = client.create_function(FunctionName="f", Code={**place, "S3ObjectVersion": old}, **rest)
    assert created["CodeSha256"] == sha(answering("one"))
    assert call(client, "f")[0] == "one"
    client.update_function_code(FunctionName="f", **place)
    assert call(client, "f")[0] == "two"

    error = "Error occurred while GetObject. S3 Error Code: "
    no_key = invalid(f"{error}NoSuchKey. S3 Error Message: The specified key does not exist.")
    no_bucket = invalid(f"{error}NoSuchBucket. S3 Error Message: The specified bucket does not exist")
    update = client.update_function_code
    assert refused(update, FunctionName="f", S3Bucket="packages", S3Key="none") == no_key
    assert refused(update, FunctionName="f", S3Bucket="no-bucket", S3Key="none") == no_bucket
    assert refused(update, FunctionName="f", S3Bucket="packages", S3Key="broken.zip") == invalid(BROKEN)
    create = client.create_function
    assert refused(create, FunctionName="g", Code={"S3Bucket": "no-bucket", "S3Key": "x"}, **rest) == no_bucket
    assert [f["FunctionName"] for f in client.list_functions()["Functions"]] == ["f"]


def test_no_s3_endpoint(tmp_path: Path) -> None:
    alone = Server(tmp_path / "data", "--companion", "off").start()
    rest = {"Runtime": PYTHON, "Role": ROLE, "Handler": "app.handler"}
    create = alone.client().create_function
    code, status, message = refused(create, FunctionName="f", Code={"S3Bucket": "bucket", "S3Key": "key"}, **rest)
    assert alone.stop() == 0
    assert (code, status) == ("InvalidParameterValueException", 400)
    assert "No S3 endpoint is configured" in message
