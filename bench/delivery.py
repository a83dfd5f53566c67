"""Queues and buckets that invoke: how many messages a second, and how soon after they were sent."""

import time
from collections.abc import Callable

from bench.client import Target, request_once
from bench.queues import ask
from bench.rows import Row, row
from bench.targets import Lambdad

MESSAGES = 2000
LATE = 300
_ENTRIES = 10
_PAUSE = 0.02
"""Seconds between messages that come one by one."""
_LIMIT = 120.0
_ARN = "arn:aws:sqs:us-east-1:000000000000:"
_SCOPE = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"

SAYS_WHEN = "import time\ndef handler(event, context):\n    print('at', time.time(), len(event['Records']))\n"
SAYS_HOW_LATE = """
import time
from collections.abc import Callable
def handler(event, context):
    now = time.time()
    for record in event['Records']:
        print('late', now - float(record['body'] if 'body' in record else record['s3']['object']['key']))
"""


def measure() -> list[Row]:
    rows = []
    for size in (1, 10):
        rows.append(Row(f"messages through a queue to a function, batch of {size}", "lambdad", f"{_rate(size):,.0f}/s"))
    rows.append(row("message sent → handler entered", "lambdad", _lateness_of_messages(), bar="≤ 50 ms"))
    rows.append(row("S3 put → handler entered", "lambdad", _lateness_of_objects()))
    return rows


def _lines(server: Lambdad, function: str, word: str, enough: int) -> list[list[str]]:
    """What the handler has printed, once it is enough: of each line the words behind the first."""
    deadline = time.monotonic() + _LIMIT
    while time.monotonic() < deadline:
        found = [one["message"].split() for one in server.logs(function)]
        lines = [words[1:] for words in found if words and words[0] == word]
        if len(lines) >= enough:
            return lines
        time.sleep(0.1)
    raise TimeoutError(f"{function} has not printed {enough} lines")


def _mapping(server: Lambdad, function: str, queue: str, size: int) -> None:
    mapping = {"FunctionName": function, "EventSourceArn": _ARN + queue, "BatchSize": size}
    server.call("POST", "/2015-03-31/event-source-mappings/", mapping)


def _rate(size: int) -> float:
    """A queue that is full when its mapping is made, from the first batch to the last."""
    server = Lambdad()
    try:
        server.create("work", source=SAYS_WHEN)
        url = ask(server.url, "CreateQueue", {"QueueName": "work"})["QueueUrl"]
        entries = [{"Id": str(n), "MessageBody": "x" * 256} for n in range(_ENTRIES)]
        for _ in range(MESSAGES // _ENTRIES):
            ask(server.url, "SendMessageBatch", {"QueueUrl": url, "Entries": entries})
        _mapping(server, "work", "work", size)
        lines = _lines(server, "work", "at", -(-MESSAGES // size))
        while sum(int(count) for _, count in lines) < MESSAGES:
            lines = _lines(server, "work", "at", len(lines) + 1)
    finally:
        server.close()
    moments = [float(moment) for moment, _ in lines]
    return MESSAGES / (max(moments) - min(moments))


def _lateness_of_messages() -> list[float]:
    server = Lambdad()
    try:
        server.create("late", source=SAYS_HOW_LATE)
        url = ask(server.url, "CreateQueue", {"QueueName": "late"})["QueueUrl"]
        _mapping(server, "late", "late", 1)

        def send() -> None:
            ask(server.url, "SendMessage", {"QueueUrl": url, "MessageBody": str(time.time())})

        return _one_by_one(server, send)
    finally:
        server.close()


def _lateness_of_objects() -> list[float]:
    server = Lambdad()
    try:
        server.create("late", source=SAYS_HOW_LATE)
        permission = {"StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
        server.call("POST", "/2015-03-31/functions/late/policy", permission)
        _put(server, "/bench", b"")
        function = "arn:aws:lambda:us-east-1:000000000000:function:late"
        told = f"<CloudFunction>{function}</CloudFunction><Event>s3:ObjectCreated:*</Event>"
        wanted = f"<CloudFunctionConfiguration>{told}</CloudFunctionConfiguration>"
        _put(server, "/bench?notification", f"<NotificationConfiguration>{wanted}</NotificationConfiguration>".encode())
        return _one_by_one(server, lambda: _put(server, f"/bench/{time.time()}", b"x" * 1024))
    finally:
        server.close()


def _one_by_one(server: Lambdad, send: Callable[[], None]) -> list[float]:
    """Seconds until the handler has each, after a first that starts everything."""
    send()
    _lines(server, "late", "late", 1)
    for _ in range(LATE):
        send()
        time.sleep(_PAUSE)
    return [float(late) for (late,) in _lines(server, "late", "late", LATE + 1)[1:]]


class _Put(Target):
    """Of S3."""

    def request(self, payload: bytes) -> bytes:
        head = (
            f"PUT {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nAuthorization: {_SCOPE.format('s3')}\r\n"
            f"Content-Length: {len(payload)}\r\n\r\n"
        )
        return head.encode() + payload


def _put(server: Lambdad, path: str, body: bytes) -> None:
    at = Target.at(server.url, path)
    request_once(_Put(at.host, at.port, at.path), body)
