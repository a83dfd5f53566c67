"""The X-Ray API by boto3 and by the AWS CLI: segments, summaries page by page, filters, graphs, rules, groups, tags, refusals.

AWS: docs.aws.amazon.com/xray/latest/api/Welcome.html
"""

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import new_name
from refusals import refused
from server import Server
from tracing import documents


def trace_id(now: float | None = None) -> str:
    return f"1-{int(now or time.time()):08x}-{os.urandom(12).hex()}"


def segment(trace: str, name: str, seconds: float = 0.1, **more: Any) -> dict[str, Any]:
    now = time.time()
    return {
        "trace_id": trace,
        "id": os.urandom(8).hex(),
        "name": name,
        "start_time": now - seconds,
        "end_time": now,
        **more,
    }


def put(xray: Any, *segments: dict[str, Any]) -> Any:
    answer = xray.put_trace_segments(TraceSegmentDocuments=[json.dumps(one) for one in segments])
    return answer["UnprocessedTraceSegments"]


@pytest.fixture(scope="module")
def own(traced: Server) -> Any:
    """Of an account of its own: its traces are the tests' here."""
    return traced.client("xray", account="222222222222")


def ids(xray: Any, expression: str, **more: Any) -> list[str]:
    now = time.time()
    pages = xray.get_paginator("get_trace_summaries").paginate(
        **{"StartTime": now - 600, "EndTime": now + 60, "FilterExpression": expression, **more}
    )
    return [summary["Id"] for page in pages for summary in page["TraceSummaries"]]


def test_segments_that_are_refused_are_named(own: Any) -> None:
    trace = trace_id()
    good = segment(trace, "good")
    bad = {**segment(trace, "bad"), "end_time": None}
    nameless = {name: value for name, value in segment(trace, "x").items() if name != "name"}
    assert put(own, good, bad, nameless) == [
        {"Id": bad["id"], "ErrorCode": "MissingEndTime", "Message": "Invalid segment. ErrorCode: MissingEndTime"},
        {"Id": nameless["id"], "ErrorCode": "MissingName", "Message": "Invalid segment. ErrorCode: MissingName"},
    ]
    (refused_one,) = own.put_trace_segments(TraceSegmentDocuments=["{"])["UnprocessedTraceSegments"]
    assert refused_one["ErrorCode"] == "ParseError"
    assert documents(own, trace) == [good]


def test_a_segment_in_progress_is_replaced_by_the_whole_one_and_never_the_other_way(own: Any) -> None:
    trace = trace_id()
    whole = segment(trace, "long")
    begun = {name: value for name, value in whole.items() if name != "end_time"} | {"in_progress": True}
    put(own, begun)
    assert ids(own, "partial") == [trace]
    put(own, whole)
    put(own, begun)
    assert documents(own, trace) == [whole]
    assert ids(own, "partial") == []


def test_subsegments_that_come_apart_are_put_into_their_parents(own: Any) -> None:
    trace = trace_id()
    root = segment(trace, "root")
    child = segment(trace, "child", type="subsegment", parent_id=root["id"])
    grandchild = segment(trace, "grandchild", type="subsegment", parent_id=child["id"])
    call = segment(trace, "DynamoDB", type="subsegment", namespace="aws", parent_id=child["id"])
    put(own, grandchild, call, child, root)
    found = documents(own, trace)
    (inner,) = next(one for one in found if one["name"] == "root")["subsegments"]
    assert {one["name"] for one in inner["subsegments"]} == {"grandchild", "DynamoDB"}
    (inferred,) = [one for one in found if one.get("inferred")]
    assert (inferred["name"], inferred["parent_id"]) == ("DynamoDB", call["id"])


def test_an_array_of_subsegments_is_as_many_as_are_in_it(own: Any) -> None:
    """Model of PutTraceSegments: a document may be "an array of subsegments"."""
    trace = trace_id()
    root = segment(trace, "root")
    names = ("one", "another", "")
    array = [segment(trace, name, type="subsegment", parent_id=root["id"]) for name in names]
    answer = own.put_trace_segments(TraceSegmentDocuments=[json.dumps(root), json.dumps(array)])
    (refused_one,) = answer["UnprocessedTraceSegments"]
    assert (refused_one["Id"], refused_one["ErrorCode"]) == (array[2]["id"], "MissingName")
    (found,) = documents(own, trace)
    assert {one["name"] for one in found["subsegments"]} == {"one", "another"}


def test_a_trace_with_an_id_of_w3c_s_is_found_by_when_it_began(own: Any) -> None:
    """Model of PutTraceSegments: the time in a trace's id "is not required or validated"."""
    name, trace = new_name("w3c"), f"1-4efaaf4d-{os.urandom(12).hex()}"
    root = segment(trace, name, 5.0)
    put(own, segment(trace, name, parent_id=root["id"]), root)
    for kind in ("TraceId", "Event", "Service"):
        assert ids(own, f'service("{name}")', TimeRangeType=kind) == [trace], kind
    ends = {"StartTime": root["start_time"] - 60, "EndTime": root["start_time"] - 1}
    assert ids(own, f'service("{name}")', **ends) == []


def test_summaries_come_page_by_page(own: Any) -> None:
    name = new_name("many")
    made = [trace_id() for _ in range(230)]
    for start in range(0, len(made), 50):
        put(own, *(segment(one, name) for one in made[start : start + 50]))
    found = ids(own, f'service("{name}")')
    assert sorted(found) == sorted(made)
    first = own.get_trace_summaries(StartTime=time.time() - 600, EndTime=time.time() + 60)
    assert len(first["TraceSummaries"]) == 100
    half = ids(own, f'service("{name}")', SamplingStrategy={"Name": "FixedRate", "Value": 0.5})
    assert 60 < len(half) < 170
    later = ids(own, f'service("{name}")', StartTime=time.time() + 30, EndTime=time.time() + 60)
    assert later == []


def test_filters_find_what_they_say(own: Any) -> None:
    name = new_name("shop")
    slow, broken, refused_one = trace_id(), trace_id(), trace_id()
    request = {"request": {"url": f"http://{name}/v2/orders", "method": "GET"}, "response": {"status": 200}}
    root = segment(slow, name, 6.0, http=request, user="alice", annotations={"account": "12345", "size": 7})
    put(own, root, segment(slow, "backend", parent_id=root["id"], http={"response": {"status": 503}}))
    put(own, segment(broken, name, http={"response": {"status": 500}}))
    put(own, segment(refused_one, name, http={"response": {"status": 429}}))
    here = f'service("{name}")'
    for expression, wanted in {
        f"{here} AND responsetime > 5": {slow},
        f"{here} fault": {broken},
        f"{here} AND throttle": {refused_one},
        f"{here} AND ok": {slow},
        f"{here} AND http.status >= 429 AND NOT http.status = 500": {refused_one},
        f'http.url BEGINSWITH "http://{name}/" AND http.url CONTAINS "/v2/"': {slow},
        f'edge("{name}", "backend") {{ fault = true }} AND annotation.account = "12345"': {slow},
        f'{here} AND annotation[size] > 6 AND user = "alice"': {slow},
        f'{here} AND !service("backend")': {broken, refused_one},
        f'service(id(name: "{name}", type: "AWS::Lambda"))': set(),
        f"{here} AND http.url AND responseTime > 2": {slow},
        f"{here} AND !http.url": {broken, refused_one},
        f'service("{name}") {{root = true and fault = true}}': {broken},
        f'service("backend") {{ root }} AND {here}': set(),
        f'group.name = "Default" AND {here} AND !user': {broken, refused_one},
    }.items():
        assert set(ids(own, expression)) == wanted, expression
    own.create_group(GroupName=name, FilterExpression=f"{here} AND fault")
    assert set(ids(own, f'group.name = "{name}"')) == {broken}
    now = time.time()
    services = own.get_service_graph(StartTime=now - 600, EndTime=now + 60, GroupName=name)["Services"]
    shop = next(one for one in services if one.get("Name") == name)
    assert shop["SummaryStatistics"]["FaultStatistics"]["TotalCount"] == 1
    assert shop["SummaryStatistics"]["TotalCount"] == 1


def test_expressions_that_cannot_be_read_are_refused(own: Any) -> None:
    for expression in ("color = 1", "responsetime >", 'service("a"', "ok AND", 'group.name = "none"', "(" * 100):
        assert refused(ids, xray=own, expression=expression)[0] == "InvalidRequestException", expression


def test_sampling_rules(own: Any) -> None:
    name = new_name("rule")[:32]
    rule = {
        "RuleName": name,
        "ResourceARN": "*",
        "Priority": 7,
        "FixedRate": 0.5,
        "ReservoirSize": 3,
        "ServiceName": "x",
        "ServiceType": "*",
        "Host": "*",
        "HTTPMethod": "*",
        "URLPath": "*",
        "Version": 1,
    }
    made = own.create_sampling_rule(SamplingRule=rule, Tags=[{"Key": "a", "Value": "b"}])["SamplingRuleRecord"]
    arn = made["SamplingRule"]["RuleARN"]
    assert arn == f"arn:aws:xray:us-east-1:222222222222:sampling-rule/{name}"
    assert own.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    own.tag_resource(ResourceARN=arn, Tags=[{"Key": "c", "Value": "d"}])
    own.untag_resource(ResourceARN=arn, TagKeys=["a"])
    assert own.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "c", "Value": "d"}]
    assert refused(own.create_sampling_rule, SamplingRule=rule)[0] == "InvalidRequestException"
    own.update_sampling_rule(SamplingRuleUpdate={"RuleName": name, "FixedRate": 0.25})
    pages = own.get_paginator("get_sampling_rules").paginate()
    found = [record["SamplingRule"] for page in pages for record in page["SamplingRuleRecords"]]
    assert [(one["RuleName"], one["FixedRate"]) for one in found] == [(name, 0.25), ("Default", 0.05)]
    asked = {"ClientID": "a" * 24, "Timestamp": time.time(), "RequestCount": 1, "SampledCount": 1}
    targets = own.get_sampling_targets(
        SamplingStatisticsDocuments=[{**asked, "RuleName": name}, {**asked, "RuleName": "none"}]
    )
    (target,) = targets["SamplingTargetDocuments"]
    assert (target["RuleName"], target["FixedRate"], target["ReservoirQuota"]) == (name, 0.25, 3)
    assert [one["RuleName"] for one in targets["UnprocessedStatistics"]] == ["none"]
    assert refused(own.delete_sampling_rule, RuleName="Default")[0] == "InvalidRequestException"
    own.delete_sampling_rule(RuleName=name)
    assert refused(own.update_sampling_rule, SamplingRuleUpdate={"RuleName": name})[0] == "InvalidRequestException"


def test_groups(own: Any) -> None:
    name = new_name("group")[:32]
    arn = own.create_group(GroupName=name, FilterExpression="error")["Group"]["GroupARN"]
    assert refused(own.create_group, GroupName=name)[0] == "InvalidRequestException"
    assert refused(own.create_group, GroupName=name + "x", FilterExpression="nonsense")[0] == "InvalidRequestException"
    own.update_group(GroupARN=arn, FilterExpression="fault")
    assert own.get_group(GroupName=name)["Group"]["FilterExpression"] == "fault"
    names = [one["GroupName"] for page in own.get_paginator("get_groups").paginate() for one in page["Groups"]]
    assert names[0] == "Default"
    assert name in names
    own.delete_group(GroupName=name)
    assert refused(own.get_group, GroupName=name)[0] == "InvalidRequestException"


def test_tokens_that_nobody_was_given_are_refused(own: Any) -> None:
    now, arn = time.time(), own.create_group(GroupName=new_name("group")[:32])["Group"]["GroupARN"]
    span = {"StartTime": now - 600, "EndTime": now}
    for operation, request in (
        (own.get_groups, {}),
        (own.get_sampling_rules, {}),
        (own.list_tags_for_resource, {"ResourceARN": arn}),
        (own.batch_get_traces, {"TraceIds": [trace_id()]}),
        (own.get_trace_graph, {"TraceIds": [trace_id()]}),
        (own.get_service_graph, span),
        (own.get_trace_summaries, span),
    ):
        operation(**request)
        assert refused(operation, NextToken="q", **request)[0] == "InvalidRequestException", operation
    for forged in ("é", "[]", '["a", 1]', "[1.5, 99999999999999999999]", "[1.5, 18446744073709551615]", "[0, -1]"):
        token = base64.urlsafe_b64encode(forged.encode()).decode()
        assert refused(own.get_trace_summaries, NextToken=token, **span)[0] == "InvalidRequestException", forged
    own.delete_group(GroupARN=arn)


def test_what_is_not_built_says_so(own: Any) -> None:
    with pytest.raises(ClientError, match="lambdad does not perform GetInsightSummaries of X-Ray"):
        own.get_insight_summaries(StartTime=0, EndTime=1)
    assert own.get_encryption_config()["EncryptionConfig"] == {"Status": "ACTIVE", "Type": "NONE"}
    own.put_telemetry_records(TelemetryRecords=[{"Timestamp": time.time()}])


def test_the_aws_cli(traced: Server, own: Any) -> None:
    name, trace = new_name("cli"), trace_id()
    put(own, segment(trace, name, annotations={"k": "v"}))
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": traced.url,
        "AWS_ACCESS_KEY_ID": "222222222222",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }

    def aws(*arguments: str) -> Any:
        program = str(Path(sys.executable).parent / "aws")
        ran = subprocess.run(
            [program, "xray", *arguments], capture_output=True, text=True, env=environment, timeout=120
        )
        assert ran.returncode == 0, ran.stderr
        return json.loads(ran.stdout)

    now = int(time.time())
    span = ("--start-time", str(now - 600), "--end-time", str(now + 60))
    found = aws("get-trace-summaries", *span, "--filter-expression", f'service("{name}") AND annotation.k = "v"')
    assert [one["Id"] for one in found["TraceSummaries"]] == [trace]
    whole = aws("batch-get-traces", "--trace-ids", trace)
    assert json.loads(whole["Traces"][0]["Segments"][0]["Document"])["name"] == name
