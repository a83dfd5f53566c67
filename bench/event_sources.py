"""What invokes: how fast queues and streams are worked off, how soon a function has what was sent, what idle mappings cost."""

import base64
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.client import Target, request_once
from bench.queues import ask as call_sqs
from bench.rows import Row, row
from bench.targets import Lambdad

MESSAGES = {1: 2_000, 10: 10_000}
"""By the mapping's batch size."""
RECORDS = 50_000
SENT = 200
IDLE = 1000
_WATCHED = 20.0
_PAUSE = 0.02
_LIMIT = 120.0
_PUT = 500
COUNTS = "def handler(event, context):\n    print('got', len(event['Records']))\n"
SAYS_HOW_LATE = """
import base64, time
def handler(event, context):
    now = time.time()
    for record in event['Records']:
        if 's3' in record:
            sent = record['s3']['object']['key']
        else:
            sent = record['body'] if 'body' in record else base64.b64decode(record['kinesis']['data'])
        print('late', now - float(sent))
"""
_ACCOUNT = "000000000000"


_SIGNED = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


class _KinesisTarget(Target):
    def request(self, payload: bytes) -> bytes:
        head = (
            f"POST / HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: {_SIGNED.format('kinesis')}\r\n"
            f"Content-Type: application/x-amz-json-1.1\r\n{self.headers}Content-Length: {len(payload)}\r\n\r\n"
        )
        return head.encode() + payload


def _call_kinesis(url: str, operation: str, **members: Any) -> Any:
    at = Target.at(url, "/")
    target = _KinesisTarget(at.host, at.port, at.path, f"X-Amz-Target: Kinesis_20131202.{operation}\r\n")
    return json.loads(request_once(target, json.dumps(members).encode()) or b"{}")


class _S3Target(Target):
    def request(self, payload: bytes) -> bytes:
        head = (
            f"PUT {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: {_SIGNED.format('s3')}\r\n"
            f"Content-Length: {len(payload)}\r\n\r\n"
        )
        return head.encode() + payload


def _put_object(url: str, path: str, body: bytes) -> None:
    at = Target.at(url, path)
    request_once(_S3Target(at.host, at.port, at.path), body)


def measure() -> list[Row]:
    """Messages and records a second to a function; how late it is given what is sent one by one."""
    server = Lambdad()
    try:
        rows = [_queue(server, size, count) for size, count in MESSAGES.items()]
        rows += [_stream(server), _late_of_queue(server), _late_of_stream(server), _late_of_bucket(server)]
    finally:
        server.close()
    return rows


def _queue(server: Lambdad, size: int, count: int) -> Row:
    name = f"batch-{size}"
    queue, arn = _new_queue(server, name)
    for start in range(0, count, 10):
        entries = [{"Id": str(number), "MessageBody": "x" * 256} for number in range(start, start + 10)]
        call_sqs(server.url, "SendMessageBatch", {"QueueUrl": queue, "Entries": entries})
    server.create(name, source=COUNTS)
    seconds = _until(server, name, count, lambda: _map(server, name, arn, BatchSize=size))
    return Row(f"messages of a queue to a function, batch {size}", "lambdad", f"{count / seconds:,.0f}/s")


def _stream(server: Lambdad) -> Row:
    arn = _new_stream(server, "records")
    record = {"Data": base64.b64encode(b"x" * 256).decode(), "PartitionKey": "a"}
    for _ in range(0, RECORDS, _PUT):
        _call_kinesis(server.url, "PutRecords", StreamName="records", Records=[record] * _PUT)
    server.create("records", source=COUNTS)
    mapping = {"BatchSize": 100, "StartingPosition": "TRIM_HORIZON"}
    seconds = _until(server, "records", RECORDS, lambda: _map(server, "records", arn, **mapping))
    return Row("records of one Kinesis shard to a function, batch 100", "lambdad", f"{RECORDS / seconds:,.0f}/s")


def _until(server: Lambdad, function: str, count: int, begin: Callable[[], None]) -> float:
    """Seconds from then until the function says that it was given all of them."""
    began = time.perf_counter()
    begin()
    deadline = began + _LIMIT
    while time.perf_counter() < deadline:
        if sum(int(line.split()[1]) for line in _lines(server, function, "got")) >= count:
            return time.perf_counter() - began
        time.sleep(0.1)
    raise TimeoutError(f"{function} was not given {count}")


def _late_of_queue(server: Lambdad) -> Row:
    queue, arn = _new_queue(server, "late")
    server.create("late", source=SAYS_HOW_LATE)
    _map(server, "late", arn, BatchSize=1)
    late = _late(
        server, "late", lambda text: call_sqs(server.url, "SendMessage", {"QueueUrl": queue, "MessageBody": text})
    )
    return row("message sent → handler entered", "lambdad", late, bar="≤ 50 ms")


def _late_of_stream(server: Lambdad) -> Row:
    arn = _new_stream(server, "late")
    server.create("late-records", source=SAYS_HOW_LATE)
    _map(server, "late-records", arn, StartingPosition="TRIM_HORIZON")

    def put(text: str) -> None:
        data = base64.b64encode(text.encode()).decode()
        _call_kinesis(server.url, "PutRecord", StreamName="late", Data=data, PartitionKey="a")

    late = _late(server, "late-records", put)
    return row("record put to Kinesis → handler entered", "lambdad", late, bar="≤ 50 ms")


def _late_of_bucket(server: Lambdad) -> Row:
    server.create("late-objects", source=SAYS_HOW_LATE)
    permission = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    server.call("POST", "/2015-03-31/functions/late-objects/policy", permission)
    _put_object(server.url, "/late", b"")
    function = f"arn:aws:lambda:us-east-1:{_ACCOUNT}:function:late-objects"
    told = f"<CloudFunction>{function}</CloudFunction><Event>s3:ObjectCreated:*</Event>"
    wanted = f"<CloudFunctionConfiguration>{told}</CloudFunctionConfiguration>"
    configuration = f"<NotificationConfiguration>{wanted}</NotificationConfiguration>"
    _put_object(server.url, "/late?notification", configuration.encode())
    late = _late(server, "late-objects", lambda text: _put_object(server.url, f"/late/{text}", b"x" * 1024))
    return row("S3 put → handler entered", "lambdad", late)


def _late(server: Lambdad, function: str, send: Callable[[str], object]) -> list[float]:
    """Seconds of each of those sent one by one; a first one has the function started."""
    send(str(time.time()))
    _wait(server, function, 1)
    for _ in range(SENT):
        send(str(time.time()))
        time.sleep(_PAUSE)
    return [float(line.split()[1]) for line in _wait(server, function, SENT + 1)][1:]


def _wait(server: Lambdad, function: str, count: int) -> list[str]:
    deadline = time.monotonic() + _LIMIT
    while time.monotonic() < deadline:
        lines = _lines(server, function, "late")
        if len(lines) >= count:
            return lines
        time.sleep(0.1)
    raise TimeoutError(f"{function} was not given {count}")


def _lines(server: Lambdad, function: str, beginning: str) -> list[str]:
    return [one["message"] for one in server.logs(function, beginning) if one["message"].startswith(beginning)]


def _new_queue(server: Lambdad, name: str) -> tuple[str, str]:
    """(URL, ARN)."""
    queue: str = call_sqs(server.url, "CreateQueue", {"QueueName": name})["QueueUrl"]
    return queue, f"arn:aws:sqs:us-east-1:{_ACCOUNT}:{name}"


def _new_stream(server: Lambdad, name: str) -> str:
    _call_kinesis(server.url, "CreateStream", StreamName=name, ShardCount=1)
    return f"arn:aws:kinesis:us-east-1:{_ACCOUNT}:stream/{name}"


def _map(server: Lambdad, function: str, arn: str, **settings: Any) -> None:
    mapping = {"FunctionName": function, "EventSourceArn": arn, **settings}
    server.call("POST", "/2015-03-31/event-source-mappings/", mapping)


# --- Idle mappings ----------------------------------------------------------------------------------------------------


def idle() -> list[Row]:
    """What mappings cost that nothing comes for: half of them of queues, half of Kinesis streams."""
    server = Lambdad()
    try:
        server.create("idle")
        for number in range(IDLE // 2):
            _map(server, "idle", _new_queue(server, f"idle-{number}")[1])
            _map(server, "idle", _new_stream(server, f"idle-{number}"), StartingPosition="TRIM_HORIZON")
        processes = [server.process.pid, *_companions(server.process.pid)]
        _until_quiet(processes)
        used = -sum(map(_cpu, processes))
        began = time.perf_counter()
        time.sleep(_WATCHED)
        used += sum(map(_cpu, processes))
        share = used / (time.perf_counter() - began)
    finally:
        server.close()
    return [Row(f"{IDLE:,} idle mappings", "server and companion", f"{share * 100:.1f} % of a core", bar="≤ 5 %")]


def _until_quiet(processes: list[int]) -> None:
    """They have begun: for a second hardly anything is done any more."""
    deadline = time.monotonic() + _LIMIT
    before = sum(map(_cpu, processes))
    while time.monotonic() < deadline:
        time.sleep(1.0)
        now = sum(map(_cpu, processes))
        if now - before < 0.1:
            return
        before = now


def _cpu(pid: int) -> float:
    """Seconds that a process has run."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _companions(parent: int) -> list[int]:
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in children if b"lambdad.companion" in Path(f"/proc/{pid}/cmdline").read_bytes()]
