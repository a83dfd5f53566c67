"""What Lambda records of an invocation, and what decides whether it does.

AWS: docs.aws.amazon.com/lambda/latest/dg/services-xray.html
"""

import base64
from typing import Any

from functions import create
from server import Server
from tracing import TRACER, documents, fields, invoke, summaries
from wait import wait_for

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
SAMPLED = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1"


def named(segments: list[dict[str, Any]], origin: str) -> dict[str, Any]:
    return next(one for one in segments if one.get("origin") == origin)


def test_an_active_function_s_segments(lambdas: Any, xray: Any) -> None:
    name = create(lambdas, TRACER, TracingConfig={"Mode": "Active"})
    header = fields(invoke(lambdas, name, {"send": [{"name": "mine", "annotations": {"who": "me"}}]}))
    assert header["Sampled"] == "1"
    service, function = documents(xray, header["Root"])
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
    assert (service["name"], service["origin"], service["resource_arn"]) == (name, "AWS::Lambda", arn)
    assert service["http"] == {"response": {"status": 200}}
    assert set(service["aws"]) == {"request_id"}
    assert "parent_id" not in service
    assert function["id"] == header["Parent"]
    assert (function["parent_id"], function["origin"]) == (service["id"], "AWS::Lambda::Function")
    phases = {one["name"]: one for one in function["subsegments"]}
    assert list(phases) == ["Initialization", "Invocation", "Overhead"]
    assert [one["name"] for one in phases["Invocation"]["subsegments"]] == ["mine"]
    assert phases["Initialization"]["end_time"] <= phases["Invocation"]["start_time"]
    assert phases["Invocation"]["end_time"] == phases["Overhead"]["start_time"]
    second = documents(xray, fields(invoke(lambdas, name))["Root"])
    warm = named(second, "AWS::Lambda::Function")
    assert [one["name"] for one in warm["subsegments"]] == ["Invocation", "Overhead"]


def test_the_report_line_names_the_trace(lambdas: Any, active: str, passing: str) -> None:
    answer = lambdas.invoke(FunctionName=active, LogType="Tail", Payload=b"{}")
    header = dict(part.split("=") for part in answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-trace-id"].split(";"))
    report = base64.b64decode(answer["LogResult"]).decode().partition("REPORT ")[2]
    line = f"XRAY TraceId: {header['Root']}\tSegmentId: {header['Parent']}\tSampled: true\t\n"
    assert report.endswith("\n" + line)
    untraced = lambdas.invoke(FunctionName=passing, LogType="Tail", Payload=b"{}")
    assert b"XRAY" not in base64.b64decode(untraced["LogResult"])


def test_a_caller_s_decision_is_obeyed(lambdas: Any, xray: Any, active: str, passing: str) -> None:
    for name in (active, passing):
        header = fields(invoke(lambdas, name, header=SAMPLED))
        assert (header["Root"], header["Sampled"]) == (ROOT, "1")
        segments = documents(xray, ROOT)
        service = next(one for one in segments if one["name"] == name and one["origin"] == "AWS::Lambda")
        assert service["parent_id"] == "53995c3f42cd8ad8"
    for name in (active, passing):
        header = fields(invoke(lambdas, name, header=SAMPLED.replace("Sampled=1", "Sampled=0")))
        assert (header["Parent"], header["Sampled"]) == ("53995c3f42cd8ad8", "0")
    assert len(documents(xray, ROOT)) == 4


def test_who_passes_through_begins_no_trace(lambdas: Any, xray: Any, passing: str) -> None:
    header = fields(invoke(lambdas, passing))
    assert header["Sampled"] == "0"
    assert documents(xray, header["Root"]) == []
    assert not [one for one in summaries(xray) if one["Id"] == header["Root"]]


def test_an_error_is_a_fault_with_its_cause(lambdas: Any, xray: Any, active: str) -> None:
    root = ROOT[:-1] + "a"
    invoke(lambdas, active, "fail", header=SAMPLED.replace(ROOT, root))
    segments = documents(xray, root)
    function = named(segments, "AWS::Lambda::Function")
    assert named(segments, "AWS::Lambda")["fault"] is True
    (exception,) = function["cause"]["exceptions"]
    assert (exception["type"], exception["message"]) == ("ValueError", "that was wrong")
    assert "in handler" in exception["stack"][-1]["label"]
    found = summaries(xray, f'service("{active}") {{ fault }} AND message CONTAINS "wrong"')
    (summary,) = [one for one in found if one["Id"] == root]
    assert summary["HasFault"] is True
    cause = summary["FaultRootCauses"][0]["Services"][-1]
    assert cause["EntityPath"][0]["Exceptions"] == [{"Name": "ValueError", "Message": "that was wrong"}]


def test_a_throttled_request_is_recorded(lambdas: Any, xray: Any) -> None:
    name = create(lambdas, TRACER, TracingConfig={"Mode": "Active"})
    lambdas.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    root = ROOT[:-1] + "b"
    try:
        invoke(lambdas, name, header=SAMPLED.replace(ROOT, root))
        raise AssertionError("it was not throttled")
    except lambdas.exceptions.TooManyRequestsException:
        (service,) = documents(xray, root)
    assert service["http"]["response"]["status"] == 429
    assert (service["error"], service["throttle"]) == (True, True)


def test_an_event_has_its_dwell_time_and_attempts(lambdas: Any, xray: Any, active: str) -> None:
    root = ROOT[:-1] + "c"
    invoke(lambdas, active, "fail", header=SAMPLED.replace(ROOT, root), InvocationType="Event")
    wait_for(lambda: len(documents(xray, root)) == 4)
    service, *functions = documents(xray, root)
    assert service["http"]["response"]["status"] == 202
    dwell, *attempts = service["subsegments"]
    assert dwell["name"] == "Dwell Time"
    assert [one["name"] for one in attempts] == ["Attempt #1", "Attempt #2", "Attempt #3"]
    assert [one["fault"] for one in attempts] == [True] * 3
    assert [one["parent_id"] for one in functions] == [one["id"] for one in attempts]


def test_an_active_function_s_events_and_urls_are_sampled(lambdas: Any, xray: Any, active: str, traced: Server) -> None:
    invoke(lambdas, active, {}, InvocationType="Event")
    expression = f'service("{active}") AND http.status = 202'
    wait_for(lambda: summaries(xray, expression))
    url = lambdas.create_function_url_config(FunctionName=active, AuthType="NONE")["FunctionUrl"]
    for action, more in (
        ("lambda:InvokeFunctionUrl", {"FunctionUrlAuthType": "NONE"}),
        ("lambda:InvokeFunction", {"InvokedViaFunctionUrl": True}),
    ):
        lambdas.add_permission(FunctionName=active, StatementId=action[7:], Action=action, Principal="*", **more)
    url_id = url.split("//")[1].split(".")[0]
    path = url.partition(traced.url)[2] if url.startswith(traced.url) else f"/_lambdad/function-urls/{url_id}/"
    status, body = traced.get(path)
    assert status == 200, body
    header = fields(body.decode().strip('"'))
    assert header["Sampled"] == "1"
    assert len(documents(xray, header["Root"])) == 2


def test_a_chain_of_functions_is_one_trace(lambdas: Any, xray: Any, active: str) -> None:
    calls = (
        "import boto3, os\ndef handler(event, context):\n    client = boto3.client('lambda')\n"
        "    client.invoke(FunctionName=event, Payload=b'null')\n    return os.environ['_X_AMZN_TRACE_ID']\n"
    )
    caller = create(lambdas, calls, TracingConfig={"Mode": "Active"})
    header = fields(invoke(lambdas, caller, active))
    segments = documents(xray, header["Root"])
    assert sorted(one["name"] for one in segments) == sorted([caller, caller, active, active])
    below = next(one for one in segments if one["name"] == active and one["origin"] == "AWS::Lambda")
    assert below["parent_id"] == header["Parent"]
    graph = xray.get_trace_graph(TraceIds=[header["Root"]])["Services"]
    assert len(graph) == 5  # the client, and two of each
