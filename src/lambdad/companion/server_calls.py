"""Asking the server: by a socket in a directory that only its own user can enter. `services/companion/calls.py` answers."""

import base64
import http.client
import json
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from lambdad.companion import current

_TIMEOUT = 960.0
"""Seconds: a function may run for fifteen minutes."""


class Refused(Exception):
    """By the server, with AWS's type and words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class ToFunction:
    """An event, accepted like any asynchronous one if the function's policy lets `principal` do it for `source`."""

    target: str
    body: str
    principal: str
    source: str
    account: str
    kind: str = "function"


@dataclass(frozen=True, slots=True)
class ToQueue:
    target: str
    body: str
    source: str
    account: str
    attributes: dict[str, Any] = field(default_factory=dict)
    """As SendMessage has them."""
    group: str = ""
    deduplication: str = ""
    kind: str = "queue"


@dataclass(frozen=True, slots=True)
class ToBus:
    """An event of an AWS service, for the account's default bus. `body`: what is in `detail`."""

    target: str
    body: str
    source: str
    account: str
    detail_type: str
    kind: str = "bus"


@dataclass(frozen=True, slots=True)
class Answer:
    """A function's."""

    payload: bytes
    error: str | None
    """The kind, if it failed."""


Notice = ToFunction | ToQueue | ToBus


class ServerCalls:
    def __init__(self, path: str) -> None:
        self._path = path

    def notify(self, notices: Sequence[Notice]) -> list[str]:
        """Durable when it returns: why each was refused, or an empty string."""
        told = {"notices": [asdict(notice) for notice in notices], "trace_id": current.trace_id()}
        answer = self._ask("notify", told)
        refused: list[str] = answer["refused"]
        return refused

    def written(self, sources: Sequence[str]) -> None:
        """Streams that there is something new in; an empty name: any may have."""
        self._ask("written", {"sources": list(sources)})

    def permits(self, function: str, principal: str, source: str, account: str) -> str:
        """Why `principal` may not invoke it for `source`, or an empty string."""
        asked = {"function": function, "principal": principal, "source": source, "account": account}
        return str(self._ask("permits", asked)["refused"])

    def has_queue(self, arn: str) -> bool:
        return bool(self._ask("queue", {"arn": arn})["there"])

    def invoke(
        self, function: str, qualifier: str | None, payload: str, account: str, principal: str = "", source: str = ""
    ) -> Answer:
        """Wait for the answer. `principal`: empty when it is asked in the account's own name. Raises Refused."""
        asked = {
            "function": function,
            "qualifier": qualifier,
            "payload": payload,
            "principal": principal,
            "source": source,
            "account": account,
            "trace_id": current.trace_id(),
        }
        answer = self._ask("invoke", asked)
        return Answer(base64.b64decode(answer["payload"]), answer["error"])

    def _ask(self, what: str, members: dict[str, Any]) -> dict[str, Any]:
        connection = _Connection(self._path)
        try:
            connection.request("POST", f"/{what}", json.dumps(members), {"Content-Type": "application/json"})
            answer = connection.getresponse()
            found: dict[str, Any] = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise Refused(answer.status, found["code"], found["message"])
        return found


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("server", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)
