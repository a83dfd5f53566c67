"""Function URLs in tests: a client that reaches them by host, also where names do not resolve."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from server import Server


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Url:
    """A function's URL, reached by a real HTTP client that says its host and connects to the server."""

    server: Server
    function: str
    id: str
    region: str = "us-east-1"

    @property
    def host(self) -> str:
        return f"{self.id}.lambda-url.{self.region}.localhost:{urlsplit(self.server.url).port}"

    @property
    def path(self) -> str:
        return f"/_lambdad/function-urls/{self.id}/"

    def request(self, method: str = "GET", target: str = "/", body: Any = None, **headers: str) -> Answer:
        """Header names with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.send(method, target, body, {"Host": self.host, **named})

    def send(self, method: str, target: str, body: Any, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=120)
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def answering(self, value: Any, method: str = "POST", **headers: str) -> Answer:
        """Of a function that answers what it is sent."""
        return self.request(method, body=json.dumps(value), Content_Type="application/json", **headers)


def allow(client: Any, function: str, auth_type: str = "NONE", principal: str = "*", **more: Any) -> None:
    """Both permissions that a URL asks for."""
    client.add_permission(
        FunctionName=function,
        StatementId=f"url-{principal.strip('*')}",
        Action="lambda:InvokeFunctionUrl",
        Principal=principal,
        FunctionUrlAuthType=auth_type,
        **more,
    )
    client.add_permission(
        FunctionName=function,
        StatementId=f"function-{principal.strip('*')}",
        Action="lambda:InvokeFunction",
        Principal=principal,
        InvokedViaFunctionUrl=True,
        **more,
    )


def id_of(config: dict[str, Any]) -> str:
    """Of a FunctionUrl, be it a host or a path."""
    parts = urlsplit(config["FunctionUrl"])
    host = (parts.hostname or "").partition(".lambda-url.")
    return host[0] if host[1] else parts.path.strip("/").rpartition("/")[2]


Make = Callable[..., Url]
