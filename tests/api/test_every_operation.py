"""Every operation of AWS's service model, with generated requests: what is answered has the shapes that the model says.

The examples are the same in every run: what hypothesis finds when it may search further belongs here as a test of its own.
"""

import contextlib
import http.client
import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import botocore.session
import pytest
from botocore.model import OperationModel, ServiceModel
from botocore.validate import ParamValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from model_inputs import ANYTHING, in_body, least, valid, violating

from functions import PROMPT, create, new_name, zip_of
from server import Server

ROOT = Path(__file__).parents[2]
SERVICE: ServiceModel = botocore.session.get_session().get_service_model("lambda")
OPERATIONS = sorted(SERVICE.operation_names)
SEARCH = settings(
    max_examples=int(os.environ.get("LAMBDAD_TEST_EXAMPLES", "12")),
    derandomize="LAMBDAD_TEST_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
EVERYWHERE = frozenset(
    {"ValidationException", "SerializationException", "InvalidRequestContentException", "UnknownOperationException"}
    | {"InvalidParameterValueException", "RequestEntityTooLargeException", "AccessDeniedException"}
)
"""Errors that AWS answers and its model does not list."""
ARN = "arn:aws:lambda:us-east-1:000000000000:"
CODE = "def handler(event, context):\n    return event\n"
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": {"Sid": "known", "Effect": "Allow", "Principal": "*", "Action": "lambda:*"}}
)
NOT_BUILT = frozenset(re.findall(r"^\| (\w+) \| not yet", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE))
"""By the documentation, which is made from the server's own table."""
MAYBE_NOTHING = frozenset({"GetFunctionCodeSigningConfig", "GetFunctionConcurrency"})
"""What answers nothing at all when there is none, even where the model requires it."""


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Of the module's own: its functions come and go as generated requests say."""
    server = Server(tmp_path_factory.mktemp("every") / "data").start()
    yield server
    assert server.stop() == 0


NAMED: dict[str, str] = {}
"""Resources of the server whose names are its choice."""


@pytest.fixture
def own(own_server: Server) -> Server:
    """With something of everything, as far as earlier tests have left it."""
    client = own_server.client()
    there = {one["FunctionName"] for one in client.list_functions()["Functions"]}
    for name in {"one", "two"} - there:
        create(client, CODE, name=name, Publish=True)
    for name in ("one", "two"):
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    versions = [one["Version"] for one in client.list_versions_by_function(FunctionName="one")["Versions"]]
    NAMED["version"] = versions[-1] if len(versions) > 1 else client.publish_version(FunctionName="one")["Version"]
    arn = f"{ARN}function:one"
    again: list[tuple[Any, dict[str, Any]]] = [
        (client.create_alias, {"FunctionName": "one", "Name": "live", "FunctionVersion": NAMED["version"]}),
        (client.put_function_event_invoke_config, {"FunctionName": "one", "MaximumRetryAttempts": 0}),
        (client.create_function_url_config, {"FunctionName": "one", "AuthType": "NONE"}),
        (client.put_resource_policy, {"ResourceArn": arn, "Policy": POLICY}),
        (
            client.put_provisioned_concurrency_config,
            {"FunctionName": "one", "Qualifier": NAMED["version"], "ProvisionedConcurrentExecutions": 1},
        ),
    ]
    for action, parameters in again:
        with contextlib.suppress(client.exceptions.ResourceConflictException):  # it is there
            action(**parameters)
    layer = client.publish_layer_version(LayerName="layer", Content={"ZipFile": zip_of({"a": "b"})})
    NAMED["layer version"] = layer["LayerVersionArn"]
    number = layer["Version"]
    more = {"StatementId": "known", "Action": "lambda:GetLayerVersion", "Principal": "*"}
    client.add_layer_version_permission(LayerName="layer", VersionNumber=number, **more)
    sources = [f"arn:aws:sqs:us-east-1:000000000000:{new_name()}" for _ in range(2)]
    for source in sources:
        queue = {"QueueName": source.rpartition(":")[2], "Attributes": {"VisibilityTimeout": "900"}}
        own_server.client("sqs").create_queue(**queue)
    NAMED["mapping"] = client.create_event_source_mapping(FunctionName="one", EventSourceArn=sources[0])["UUID"]
    NAMED["queue"] = sources[1]
    publishers = {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/v"]}
    config = client.create_code_signing_config(AllowedPublishers=publishers)["CodeSigningConfig"]
    NAMED["code signing config"] = config["CodeSigningConfigArn"]
    return own_server


def named(kind: str) -> st.SearchStrategy[str]:
    return st.builds(lambda: NAMED[kind])


NAMES = st.sampled_from(["one", "two", f"{ARN}function:one", "function:two", "nobody"])
NEEDED: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "CreateFunction": {
        "FunctionName": st.builds(new_name),
        "Runtime": st.just("python3.12"),
        "Handler": st.just("app.handler"),
    },
    "CreateEventSourceMapping": {
        "FunctionName": st.just("one"),
        "EventSourceArn": named("queue"),
    },
    "PutFunctionEventInvokeConfig": {"FunctionName": st.just("one"), "MaximumRetryAttempts": st.integers(0, 2)},
    "UpdateFunctionEventInvokeConfig": {"FunctionName": st.just("one"), "MaximumRetryAttempts": st.integers(0, 2)},
    "UpdateFunctionCode": {"FunctionName": st.just("two"), "ZipFile": st.just(zip_of({"app.py": CODE}))},
}
"""What AWS wants where the model leaves it open, so that there is something to answer."""
KNOWN: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("FunctionName", "NamespacedFunctionName", "UnqualifiedFunctionName"), NAMES),
    "FunctionUrlFunctionName": NAMES,
    "Qualifier": st.sampled_from(["$LATEST", "live", "nobody", "77"]) | named("version"),
    "NumericLatestPublishedOrAliasQualifier": st.sampled_from(["$LATEST", "live", "nobody", "77"]) | named("version"),
    "FunctionUrlQualifier": st.sampled_from(["live", "nobody"]),
    "TaggableResource": st.sampled_from([f"{ARN}function:one", f"{ARN}function:nobody"]),
    "PolicyResourceArn": st.sampled_from([f"{ARN}function:one", f"{ARN}function:nobody"]),
    "RoleArn": st.just("arn:aws:iam::000000000000:role/lambda-role"),
    "Runtime": st.sampled_from(["python3.12", "nodejs22.x"]),
    "Date": st.integers(0, 2_000_000_000).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    "UUIDString": st.uuids().map(str) | named("mapping"),
    "CodeSigningConfigArn": named("code signing config"),
    "LayerVersionArn": named("layer version"),
    **dict.fromkeys(("LayerName", "LayerNameOrArn"), st.sampled_from(["layer", "nobody"])),
    "LayerVersionNumber": st.builds(lambda: int(NAMED["layer version"].rpartition(":")[2])),
    "StatementId": st.sampled_from(["known", "new"]),
    "NamespacedStatementId": st.sampled_from(["known", "new"]),
    "Version": st.just("$LATEST") | named("version"),
    "VersionWithLatestPublished": st.just("$LATEST") | named("version"),
    "Alias": st.sampled_from(["live", "other"]),
    "Code": st.just({"ZipFile": zip_of({"app.py": CODE})}),
    "FunctionCode": st.just({"ZipFile": zip_of({"app.py": CODE})}),
    "LayerVersionContentInput": st.just({"ZipFile": zip_of({"app.py": CODE})}),
    "Principal": st.sampled_from(["*", "s3.amazonaws.com", "000000000000"]),
    "LayerPermissionAllowedPrincipal": st.just("*"),
    "ResourcePolicy": st.just(POLICY),
    "PositiveInteger": st.integers(1, 3),
    "Arn": st.just("arn:aws:sqs:us-east-1:000000000000:queue"),
    "EventSourcePosition": st.sampled_from(["LATEST", "TRIM_HORIZON"]),
    "BlobStream": st.just(b"{}"),
    "Blob": st.just(zip_of({"app.py": CODE})),
    "ServiceClientContext": st.just("e30="),
}


def shapes_of_errors(operation: OperationModel) -> set[str]:
    return {shape.name for shape in operation.error_shapes} | EVERYWHERE


@pytest.mark.parametrize("name", OPERATIONS)
def test_valid_requests(own: Server, name: str) -> None:
    operation = SERVICE.operation_model(name)
    client = own.client(parameter_validation=False)
    shape = operation.input_shape
    requests = valid(shape, KNOWN) | least(shape, KNOWN, NEEDED.get(name, {})) if shape is not None else st.just({})
    done: list[dict[str, Any]] = []

    @SEARCH
    @given(requests)
    def search(request: dict[str, Any]) -> None:
        try:
            answer = client._make_api_call(name, request)
        except client.exceptions.ClientError as error:
            response = error.response
            status = response["ResponseMetadata"]["HTTPStatusCode"]
            assert 400 <= status < 500, (request, response)
            assert response["Error"]["Code"] in shapes_of_errors(operation), (request, response)
            assert response["Error"]["Message"], (request, response)
            assert response["ResponseMetadata"]["RequestId"], (request, response)
        else:
            done.append(answer)
            assert 200 <= answer["ResponseMetadata"]["HTTPStatusCode"] < 300
            assert answer["ResponseMetadata"]["RequestId"]
            check_answer(operation, answer)

    search()
    assert bool(done) != (name in NOT_BUILT), "what is built does what it is asked for, and nothing else pretends to"
    told = operation.output_shape.members.keys() if operation.output_shape is not None else {}
    assert not told or name in NOT_BUILT | MAYBE_NOTHING or any(told & answer.keys() for answer in done)


def check_answer(operation: OperationModel, answer: dict[str, Any]) -> None:
    shape = operation.output_shape
    if shape is None:
        return
    members = {key: value for key, value in answer.items() if key in shape.members}
    payload = shape.serialization.get("payload")
    if payload in members:
        stream = members.pop(payload)
        events = [stream.read()] if payload == "Payload" else [*stream]
        assert payload == "Payload" or not events or events[-1].keys() == {"InvokeComplete"}  # none of a dry run
    if operation.name in MAYBE_NOTHING and not members:
        return
    report = ParamValidator().validate(members, shape)
    assert not report.has_errors(), (operation.name, answer, report.generate_report())


# --- What violates the model ----------------------------------------------------------------------------------------


def send(server: Server, operation: OperationModel, request: dict[str, Any], body: bytes) -> tuple[int, dict[str, Any]]:
    """The request's path and query members where they belong, and a body as it is; status and document of the answer."""
    shape = operation.input_shape
    members = shape.members if shape is not None else {}
    path, _, fixed = operation.http["requestUri"].partition("?")
    query: list[tuple[str, str]] = []
    for member, value in request.items():
        serialization = members[member].serialization
        place, wire_name = serialization.get("location"), serialization.get("name", member)
        if place == "uri":
            path = path.replace("{" + wire_name + "}", quote(str(value), safe=""))
        elif place == "querystring":
            query += [(wire_name, str(one)) for one in (value if isinstance(value, list) else [value])]
    target = "?".join(part for part in (path, "&".join(part for part in (fixed, urlencode(query)) if part)) if part)
    address = urlsplit(server.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port or 0, timeout=120)
    try:
        connection.request(operation.http["method"], target, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        return answer.status, {"code": answer.headers.get("x-amzn-ErrorType"), "body": content}
    finally:
        connection.close()


def check_refusal(operation: OperationModel, status: int, answer: dict[str, Any], sent: Any) -> None:
    assert 400 <= status < 500, (sent, answer)
    assert answer["code"] in shapes_of_errors(operation), (sent, answer)
    document = json.loads(answer["body"])
    assert document.get("message") or document.get("Message"), (sent, answer)


def violations(operation: OperationModel) -> list[str]:
    """The members of its requests that have a constraint of their own."""
    shape = operation.input_shape
    if shape is None:
        return []
    places = ("uri", "querystring", None)
    return [
        name
        for name, member in shape.members.items()
        if member.serialization.get("location") in places
        and name != shape.serialization.get("payload")
        and violating(member) is not None
    ]


@pytest.mark.parametrize("name", [name for name in OPERATIONS if violations(SERVICE.operation_model(name))])
def test_requests_that_violate_a_constraint(own: Server, name: str) -> None:
    operation = SERVICE.operation_model(name)
    assert operation.input_shape is not None
    shape = operation.input_shape
    body_members = in_body(operation)

    @st.composite
    def requests(draw: st.DrawFn) -> dict[str, Any]:
        request: dict[str, Any] = {
            member: draw(valid(shape.members[member], KNOWN)) for member in shape.required_members
        }
        broken = draw(st.sampled_from(violations(operation)))
        strategy = violating(shape.members[broken])
        assert strategy is not None
        # An empty segment of a path makes it another path.
        in_path = shape.members[broken].serialization.get("location") == "uri"
        request[broken] = draw(strategy.filter(bool) if in_path else strategy)
        return request

    @SEARCH
    @given(requests())
    def search(request: dict[str, Any]) -> None:
        document = {member: value for member, value in request.items() if member in body_members}
        status, answer = send(own, operation, request, json.dumps(document, default=str).encode())
        check_refusal(operation, status, answer, request)

    search()


@pytest.mark.parametrize("name", [name for name in OPERATIONS if in_body(SERVICE.operation_model(name))])
def test_documents_of_any_kind(own: Server, name: str) -> None:
    """Whatever JSON is sent: an answer of the model, or a refusal of it; never an internal failure."""
    operation = SERVICE.operation_model(name)
    assert operation.input_shape is not None
    shape = operation.input_shape
    body_members = in_body(operation)
    wire_names = [member.serialization.get("name", key) for key, member in body_members.items()]
    documents = ANYTHING | st.dictionaries(st.sampled_from(wire_names), ANYTHING, max_size=4)
    elsewhere = {key: valid(shape.members[key], KNOWN) for key in shape.required_members if key not in body_members}

    @SEARCH
    @given(st.fixed_dictionaries(elsewhere), documents)
    def search(request: dict[str, Any], document: Any) -> None:
        status, answer = send(own, operation, request, json.dumps(document).encode())
        if not 200 <= status < 300:
            check_refusal(operation, status, answer, (request, document))

    search()
