"""The same traces at an OpenTelemetry collector, by its own protocol.

opentelemetry.io/docs/specs/otlp/#otlphttp
"""

import re
from typing import Any

from collector import Collector
from server import Server
from tracing import documents, fields, invoke
from wait import wait_for


def test_an_invocation_s_spans(lambdas: Any, xray: Any, active: str, collector: Collector) -> None:
    sent = {"name": "mine", "annotations": {"who": "me", "n": 3}, "namespace": "remote"}
    header = fields(invoke(lambdas, active, {"send": [sent]}))
    spans = collector.of_trace(header["Root"], 5)
    assert {name.partition("/")[0] for name in spans} >= {active, "Invocation", "Overhead", "mine"}
    server, function, mine = spans[f"{active}/2"], spans[f"{active}/1"], spans["mine/3"]
    invocation, overhead = spans["Invocation/1"], spans["Overhead/1"]
    assert re.fullmatch("[0-9a-f]{32}", server["traceId"])
    assert "parentSpanId" not in server
    assert function["parentSpanId"] == server["spanId"]
    assert invocation["parentSpanId"] == overhead["parentSpanId"] == function["spanId"]
    assert mine["parentSpanId"] == invocation["spanId"] == header["Parent"]
    assert len({one["spanId"] for one in spans.values()}) == len(spans)
    assert mine["resource"]["service.name"] == active
    attributes = {one["key"]: one["value"] for one in mine["attributes"]}
    assert attributes["who"] == {"stringValue": "me"}
    assert attributes["n"] == {"intValue": "3"}
    (service, _) = documents(xray, header["Root"])[:2]
    assert abs(int(server["startTimeUnixNano"]) - service["start_time"] * 1e9) < 2000
    path, headers = collector.requests[-1]
    assert (path, headers["content-type"], headers["x-key"]) == ("/v1/traces", "application/json", "secret")


def test_errors_and_their_exceptions(lambdas: Any, active: str, collector: Collector) -> None:
    root = "1-5759e988-bd862e3fe1be46a99427279e"
    invoke(lambdas, active, "fail", header=f"Root={root};Sampled=1")
    function = collector.of_trace(root, 4)[f"{active}/1"]
    assert function["status"] == {"code": 2, "message": "that was wrong"}
    assert function["events"][0]["name"] == "exception"


def test_a_collector_that_is_busy_is_asked_again(
    traced: Server, lambdas: Any, active: str, collector: Collector
) -> None:
    before = len(collector.requests)
    collector.answers += [503, 429]
    header = fields(invoke(lambdas, active))
    assert {f"{active}/2", f"{active}/1", "Invocation/1", "Overhead/1"} <= collector.of_trace(header["Root"], 4).keys()
    assert len(collector.requests) >= before + 3


def test_what_it_refuses_for_good_is_counted(traced: Server, lambdas: Any, active: str, collector: Collector) -> None:
    def dropped() -> int:
        found = re.search(r"lambdad_otlp_spans_dropped_total (\d+)", traced.get("/_lambdad/metrics")[1].decode())
        assert found is not None
        return int(found[1])

    for refusal in ("of a request", "of some spans"):
        before = dropped()
        if refusal == "of a request":
            collector.answers.append(400)
        else:
            collector.rejected = 2
        invoke(lambdas, active)
        wait_for(lambda before=before: dropped() >= before + 2)
