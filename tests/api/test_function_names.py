"""FunctionName in all its forms, in every operation that has one and only reads: one function is meant, or the same is said."""

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

from functions import new_name
from refusals import refused
from server import Server

Settled = Callable[..., None]
Create = Callable[..., dict[str, Any]]
ACCOUNT = "000000000000"
HERE, ELSEWHERE = "us-east-1", "eu-central-1"
MORE: dict[str, dict[str, Any]] = {
    "GetAlias": {"Name": "7-days"},
    "GetFunctionScalingConfig": {"Qualifier": "1"},
    "GetProvisionedConcurrencyConfig": {"Qualifier": "1"},
    "ListEventSourceMappings": {},
}
"""What an operation wants beside the name."""
NOT_BUILT = frozenset({"ListDurableExecutionsByFunction"})
SERVICE = botocore.session.get_session().get_service_model("lambda")
READING = sorted(
    name
    for name in SERVICE.operation_names
    if name.startswith(("Get", "List"))
    and "FunctionName" in getattr(SERVICE.operation_model(name).input_shape, "members", {})
    and name not in NOT_BUILT
)
FORMS = [
    *("{name}", "function:{name}", f"{ACCOUNT}:{{name}}", f"{ACCOUNT}:function:{{name}}"),
    *(f"{HERE}:{ACCOUNT}:function:{{name}}", f"arn:aws:lambda:{HERE}:{ACCOUNT}:function:{{name}}"),
]


@pytest.fixture
def function(client: Any, create_function: Create, settled: Settled) -> str:
    name: str = create_function(Publish=True)["FunctionName"]
    settled(name)
    client.create_alias(FunctionName=name, Name="7-days", FunctionVersion="1")
    return name


def told(client: Any, operation: str, name: str, **more: Any) -> Any:
    """The answer, or the error, but for what differs each time."""
    try:
        answer = client._make_api_call(operation, {"FunctionName": name, **MORE.get(operation, {}), **more})
    except client.exceptions.ClientError as error:
        answer = error.response
    answer = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    if "Code" in answer:
        del answer["Code"]["Location"]  # it ends at another second
    return answer


@pytest.mark.parametrize("operation", READING)
def test_every_form_means_the_same_function(client: Any, function: str, operation: str) -> None:
    answers = [told(client, operation, form.format(name=function)) for form in FORMS]
    assert answers == [answers[0]] * len(FORMS)
    assert "Function not found" not in str(answers[0])


@pytest.mark.parametrize("operation", READING)
def test_functions_of_others(client: Any, function: str, operation: str) -> None:
    other = f"arn:aws:lambda:{HERE}:123456789012:function:{function}"
    for form in (other, f"123456789012:function:{function}"):
        error = told(client, operation, form)["Error"]
        assert error["Code"] == "AccessDeniedException"
        assert f"perform: lambda:{operation} on resource: {other}" in error["Message"]
    for form in (
        f"arn:aws:lambda:{ELSEWHERE}:{ACCOUNT}:function:{function}",
        f"{ELSEWHERE}:{ACCOUNT}:function:{function}",
    ):
        error = told(client, operation, form)["Error"]
        assert error == {
            "Code": "ResourceNotFoundException",
            "Message": f"Functions from '{ELSEWHERE}' are not reachable in this region ('{HERE}')",
        }


@pytest.mark.parametrize(
    "operation", ["GetFunction", "GetFunctionConfiguration", "GetPolicy", "GetFunctionEventInvokeConfig"]
)
@pytest.mark.parametrize("qualifier", ["$LATEST", "1", "7-days"])
def test_a_qualifier_in_the_name_or_beside_it(client: Any, function: str, operation: str, qualifier: str) -> None:
    beside = told(client, operation, function, Qualifier=qualifier)
    for form in FORMS:
        within = form.format(name=function) + f":{qualifier}"
        assert told(client, operation, within) == told(client, operation, within, Qualifier=qualifier) == beside
        error = told(client, operation, within, Qualifier="another")["Error"]
        assert (
            error["Message"] == "The derived qualifier from the function name does not match the specified qualifier."
        )


def test_another_account_invokes_by_every_form(server: Server, client: Any, function: str) -> None:
    invoke = {"Action": "lambda:InvokeFunction", "Principal": "123456789012", "StatementId": "them"}
    client.add_permission(FunctionName=function, **invoke)
    them = server.client(account="123456789012")
    for form in FORMS[3:]:
        assert them.invoke(FunctionName=form.format(name=function), Payload=b"1")["Payload"].read() == b"1"
        code, status, message = refused(them.invoke, FunctionName=form.format(name=new_name()))
        assert (code, status) == ("AccessDeniedException", 403)
        assert "perform: lambda:InvokeFunction on resource: arn:aws:lambda" in message
