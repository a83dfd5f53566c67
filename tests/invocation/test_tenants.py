"""Tenant isolation: whom environments serve, who must be named, what it goes together with.

AWS: docs.aws.amazon.com/lambda/latest/dg/tenant-isolation.html
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from functions import ROLE, call, create, new_name, zip_of
from interpreters import NODES, PYTHON
from refusals import invalid, refused, violation
from server import Server
from wait import wait_for

ISOLATED: dict[str, Any] = {"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}
REMEMBERS = """
import os
served = []
def handler(event, context):
    served.append(context.tenant_id)
    with open("/tmp/served", "a") as file:
        file.write(context.tenant_id + " ")
    return [served, open("/tmp/served").read().split(), os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]]
"""
NO_TENANT = invalid(
    "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again."
)
TENANT_OF_NONE = invalid(
    "The invoked function is not enabled with tenancy configuration. "
    "Remove the tenant ID from your request and try again."
)


def not_with(what: str) -> tuple[str, int, str]:
    return invalid(f"{what} is not supported for functions that are enabled with tenancy configuration.")


@pytest.fixture(scope="module")
def isolating(client: Any) -> str:
    """A function with a version and an alias."""
    name = create(client, REMEMBERS, Publish=True, **ISOLATED)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


@pytest.fixture(scope="module")
def plain(client: Any) -> str:
    return create(client, "def handler(event, context): return context.tenant_id")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A function's tenants have two environments in all there."""
    arguments = ("--concurrency", "200", "--quota", "tenant_environments=10", "--idle-timeout", "1")
    server = Server(tmp_path_factory.mktemp("small") / "data", *arguments).start()
    yield server
    assert server.stop() == 0


def test_each_tenant_has_environments_of_its_own(client: Any, isolating: str) -> None:
    for qualifier in ("$LATEST", "live"):
        seen = {}
        for tenant, times in (("blue", 1), ("green", 1), ("blue", 2), ("green", 2)):
            served, files, stream = call(client, isolating, TenantId=tenant, Qualifier=qualifier)[0]
            assert served == files == [tenant] * times
            assert seen.setdefault(tenant, stream) == stream, "the tenant's own is used again"
        assert seen["blue"] != seen["green"]


def test_names_of_tenants(client: Any, isolating: str) -> None:
    for tenant in ("t", "a b", "x" * 256, "Ab0._:/=+-@"):
        assert call(client, isolating, TenantId=tenant)[0][0] == [tenant]
    constraint = "Member must satisfy regular expression pattern: [a-zA-Z0-9\\._:\\/=+\\-@ ]+"
    for action in (client.invoke, client.invoke_with_response_stream):
        answer = refused(action, FunctionName=isolating, TenantId="no#tenant")
        assert answer == violation(f"Value 'no#tenant' at 'tenantId' failed to satisfy constraint: {constraint}")
        answer = refused(action, FunctionName=isolating, TenantId="x" * 257)
        assert answer[:2] == ("ValidationException", 400)
        assert answer[2].endswith(
            "at 'tenantId' failed to satisfy constraint: Member must have length less than or equal to 256"
        )


@pytest.mark.parametrize("runtime", NODES[:1])
def test_nodejs_has_the_tenant_in_its_context_and_its_log(server: Server, client: Any, runtime: str) -> None:
    code = "exports.handler = async (event, context) => { console.log('said'); return context.tenantId; };"
    logging = {"LogFormat": "JSON"}
    name = create(
        client, runtime=runtime, files={"index.js": code}, handler="index.handler", LoggingConfig=logging, **ISOLATED
    )
    assert call(client, name, TenantId="blue")[0] == "blue"
    lines = [json.loads(line) for line in server.wait_for_log(name, "platform.report") if line]
    (said,) = [line for line in lines if line.get("message") == "said"]
    assert said["tenantId"] == "blue"


def test_json_logs_name_the_tenant(server: Server, client: Any) -> None:
    code = "import logging\ndef handler(event, context):\n    logging.getLogger().error('said')\n"
    name = create(client, code, LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "DEBUG"}, **ISOLATED)
    call(client, name, TenantId="blue")
    lines = [json.loads(line) for line in server.wait_for_log(name, "platform.report") if line]
    of_platform = {line["type"]: line["record"].get("tenantId") for line in lines if "type" in line}
    assert of_platform.pop("platform.initStart") is None
    of_invocation = {"platform.start", "platform.runtimeDone", "platform.report"}
    assert {kind for kind, tenant in of_platform.items() if tenant == "blue"} == of_invocation
    (said,) = [line for line in lines if line.get("message") == "said"]
    assert said["tenantId"] == "blue"


# --- Who must be named --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["RequestResponse", "Event", "DryRun"])
def test_a_tenant_is_named_where_there_are_tenants_and_only_there(
    client: Any, isolating: str, plain: str, kind: str
) -> None:
    assert refused(client.invoke, FunctionName=isolating, InvocationType=kind) == NO_TENANT
    assert refused(client.invoke, FunctionName=plain, InvocationType=kind, TenantId="blue") == TENANT_OF_NONE
    client.invoke(FunctionName=isolating, InvocationType=kind, TenantId="blue")
    client.invoke(FunctionName=plain, InvocationType=kind)


def test_streams_name_a_tenant_too(client: Any, isolating: str, plain: str) -> None:
    stream = client.invoke_with_response_stream
    assert refused(stream, FunctionName=isolating) == NO_TENANT
    assert refused(stream, FunctionName=plain, TenantId="blue") == TENANT_OF_NONE
    pieces = stream(FunctionName=isolating, TenantId="streamed")["EventStream"]
    answer = b"".join(piece["PayloadChunk"]["Payload"] for piece in pieces if "PayloadChunk" in piece)
    assert json.loads(answer)[0] == ["streamed"]


def test_our_own_command_names_one(server: Server, isolating: str) -> None:
    command = [
        sys.executable,
        "-m",
        "lambdad",
        "invoke",
        isolating,
        "--tenant-id",
        "typed",
        "--endpoint-url",
        server.url,
    ]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert json.loads(printed)[0] == ["typed"]


def test_the_old_way_to_send_an_event_names_none(client: Any, isolating: str) -> None:
    assert refused(client.invoke_async, FunctionName=isolating, InvokeArgs=b"{}") == NO_TENANT


def test_an_event_that_waits_keeps_its_tenant(server: Server, client: Any) -> None:
    name = create(client, "def handler(event, context): print('of', context.tenant_id)", **ISOLATED)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    for tenant in ("blue", "green"):
        client.invoke(FunctionName=name, InvocationType="Event", TenantId=tenant)
    client.delete_function_concurrency(FunctionName=name)  # they have been tried, and are read from the queue again
    for tenant in ("blue", "green"):
        server.wait_for_log(name, f"of {tenant}")


def test_services_name_none_and_are_refused_at_once(server: Server, client: Any, isolating: str) -> None:
    """docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html: what a target refuses for good is dead."""
    events, sqs = server.client("events"), server.client("sqs")
    queue, rule = sqs.create_queue(QueueName=new_name("dead"))["QueueUrl"], new_name("rule")
    arn = events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))["RuleArn"]
    client.add_permission(
        FunctionName=isolating,
        StatementId=new_name("s"),
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=arn,
    )
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    function = client.get_function_configuration(FunctionName=isolating)["FunctionArn"]
    target = {"Id": "1", "Arn": function, "DeadLetterConfig": {"Arn": attributes["QueueArn"]}}
    events.put_targets(Rule=rule, Targets=[target])
    events.put_events(Entries=[{"Source": rule, "DetailType": "x", "Detail": "{}"}])
    got: list[dict[str, Any]] = []

    def dead() -> bool:
        received = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1, MessageAttributeNames=["All"])
        got.extend(received.get("Messages", []))
        return bool(got)

    wait_for(dead)
    assert got[0]["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"] == NO_TENANT[2]
    events.remove_targets(Rule=rule, Ids=["1"])
    events.delete_rule(Name=rule)


# --- Configuration ------------------------------------------------------------------------------------------------------


def test_it_is_said_wherever_the_function_is(client: Any, isolating: str) -> None:
    wanted = ISOLATED["TenancyConfig"]
    assert client.get_function(FunctionName=isolating)["Configuration"]["TenancyConfig"] == wanted
    assert client.update_function_configuration(FunctionName=isolating, Timeout=59)["TenancyConfig"] == wanted
    listed = client.get_paginator("list_functions").paginate().build_full_result()["Functions"]
    assert next(one for one in listed if one["FunctionName"] == isolating)["TenancyConfig"] == wanted
    versions = client.list_versions_by_function(FunctionName=isolating)["Versions"]
    assert [version["TenancyConfig"] for version in versions] == [wanted] * 2


def test_a_function_without_has_no_such_member(client: Any, plain: str) -> None:
    assert "TenancyConfig" not in client.get_function_configuration(FunctionName=plain)


def test_there_is_one_mode(client: Any) -> None:
    answer = refused(create, client=client, code="", TenancyConfig={"TenantIsolationMode": "SHARED"})
    assert answer == violation(
        "Value 'SHARED' at 'tenancyConfig.tenantIsolationMode' failed to satisfy constraint: "
        "Member must satisfy enum value set: [PER_TENANT]"
    )


def test_what_it_does_not_go_together_with(client: Any, isolating: str) -> None:
    snap_start = {"SnapStart": {"ApplyOn": "PublishedVersions"}}
    new = {"FunctionName": new_name(), "Runtime": PYTHON, "Role": ROLE, "Handler": "app.handler"}
    code = {"ZipFile": zip_of({"app.py": ""})}
    mapping = {"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q"}
    refusals: list[tuple[str, Callable[..., Any], dict[str, Any]]] = [
        ("Function URL", client.create_function_url_config, {"AuthType": "NONE"}),
        (
            "Provisioned Concurrency",
            client.put_provisioned_concurrency_config,
            {"Qualifier": "1", "ProvisionedConcurrentExecutions": 1},
        ),
        ("Event source mapping", client.create_event_source_mapping, mapping),
    ]
    if PYTHON >= "python3.12":
        refusals += [
            ("SnapStart", client.update_function_configuration, snap_start),
            ("SnapStart", client.create_function, {**new, **ISOLATED, **snap_start, "Code": code}),
        ]
    for what, action, parameters in refusals:
        assert refused(action, **{"FunctionName": isolating, **parameters}) == not_with(what)


# --- How many -----------------------------------------------------------------------------------------------------------


def test_a_functions_tenants_have_so_many_environments_in_all(small: Server) -> None:
    client = small.client()
    isolating, other = (create(client, REMEMBERS, **ISOLATED) for _ in range(2))

    def gone() -> bool:
        return b"lambdad_environments{" not in small.get("/_lambdad/metrics")[1]

    client.put_function_concurrency(FunctionName=other, ReservedConcurrentExecutions=100)
    call(client, other, TenantId="t1")
    assert refused(client.invoke, FunctionName=other, TenantId="t2")[:2] == ("TooManyRequestsException", 429)
    wait_for(gone)
    for first in (0, 10):
        for tenant in (first, first + 1):
            assert call(client, isolating, TenantId=str(tenant))[0][0] == [str(tenant)]
        assert refused(client.invoke, FunctionName=isolating, TenantId="more")[:2] == ("TooManyRequestsException", 429)
        wait_for(gone)  # the idle ones: others' tenants have their places


def test_an_update_is_for_all_tenants(client: Any) -> None:
    name = create(client, "def handler(event, context): return 'old'", **ISOLATED)
    assert [call(client, name, TenantId=tenant)[0] for tenant in ("blue", "green")] == ["old"] * 2
    client.update_function_code(
        FunctionName=name, ZipFile=zip_of({"app.py": "def handler(event, context): return 'new'"})
    )
    assert [call(client, name, TenantId=tenant)[0] for tenant in ("blue", "green")] == ["new"] * 2


# --- Durable executions -------------------------------------------------------------------------------------------------


def test_the_name_of_a_durable_execution_is_refused_by_what_is_none(client: Any, plain: str) -> None:
    wanted = invalid(
        "The invoked function is not enabled with durable configuration. "
        "Remove the durable execution name from your request and try again."
    )
    for kind in ("RequestResponse", "Event", "DryRun"):
        answer = refused(client.invoke, FunctionName=plain, InvocationType=kind, DurableExecutionName="one")
        assert answer == wanted
    assert refused(client.invoke, FunctionName=plain, DurableExecutionName="a b")[0] == "ValidationException"
