"""The X-Ray daemon that functions find: what they send comes to their own account's traces, and nothing worse comes of it.

AWS: docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html
"""

import json
import os
import re
from pathlib import Path
from typing import Any

from functions import create
from server import Server
from tracing import TRACER, documents, fields, invoke
from wait import wait_for

ADDRESSES = """
import os
def handler(event, context):
    return {name: os.environ[name] for name in ("AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_PORT",
        "AWS_XRAY_CONTEXT_MISSING")}
"""


def dropped(server: Server, reason: str) -> int:
    text = server.get("/_lambdad/metrics")[1].decode()
    found = re.search(rf'lambdad_trace_segments_dropped_total{{reason="{reason}"}} (\d+)', text)
    assert found is not None
    return int(found[1])


def test_where_it_is(lambdas: Any, isolated: None) -> None:
    assert invoke(lambdas, create(lambdas, ADDRESSES)) == {
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    }


def test_the_process_driver_has_one_too(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--sandbox", "process", "--companion", "off").start()
    try:
        client, xray = server.client(), server.client("xray")
        name = create(client, TRACER)
        header = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
        invoke(client, name, {"send": [{"name": "mine"}]}, header=header)
        wait_for(lambda: "mine" in json.dumps(documents(xray, fields(header)["Root"])))
    finally:
        assert server.stop() == 0


def test_what_is_no_segment_is_dropped_and_counted(traced: Server, lambdas: Any, active: str) -> None:
    before = dropped(traced, "invalid")
    bad = ["", "{", "[]", "nothing", '{"id": "1"}', '{"id": "' + "a" * 16 + '", "trace_id": "x"}', "[" * 30_000]
    invoke(lambdas, active, {"raw": bad})
    wait_for(lambda: dropped(traced, "invalid") == before + len(bad))


def test_a_forged_trace_is_of_the_sender_s_account(traced: Server, lambdas: Any, active: str, xray: Any) -> None:
    """Whatever it writes into the document, another account's trace with the same id gets nothing of it."""
    root = "1-5759e988-" + os.urandom(12).hex()
    others = traced.client("xray", account="111111111111")
    own = {"id": os.urandom(8).hex(), "name": "theirs", "trace_id": root, "start_time": 1.0, "end_time": 2.0}
    others.put_trace_segments(TraceSegmentDocuments=[json.dumps(own)])
    forged = {**own, "id": os.urandom(8).hex(), "name": "forged", "aws": {"account_id": "111111111111"}}
    invoke(lambdas, active, {"raw": [json.dumps(forged)]})
    wait_for(lambda: [one["name"] for one in documents(xray, root)] == ["forged"])
    assert [one["name"] for one in documents(others, root)] == ["theirs"]


def test_a_flood_ends_in_its_own_trace(traced: Server, lambdas: Any, active: str, xray: Any) -> None:
    """It is slowed down, its trace is full at AWS's limit, and others are recorded as ever."""
    root = fields(invoke(lambdas, active))["Root"]

    def trace() -> Any:
        return xray.batch_get_traces(TraceIds=[root])["Traces"][0]

    def full() -> bool:
        """Datagrams of a flood may be lost: another one, until enough have come."""
        invoke(lambdas, active, {"flood": 600}, f"Root={root};Sampled=1")
        quiet = fields(invoke(lambdas, active, {"send": [{"name": "quiet"}]}))
        wait_for(lambda: "quiet" in json.dumps(documents(xray, quiet["Root"])))
        limited: bool = trace()["LimitExceeded"]
        return limited

    wait_for(full)
    assert sum(len(segment["Document"]) for segment in trace()["Segments"]) < 520 * 1024
    assert dropped(traced, "trace full") > 0
