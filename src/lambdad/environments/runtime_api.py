"""The Runtime API of one environment: version 2018-06-01.

AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html. The socket a request came through tells which environment
speaks, so there is nothing to look up and nothing to forge. States not named here are closed: 403, as AWS's own answers.
"""

import orjson

from lambdad.environments.environment import Environment
from lambdad.environments.extensions_api import PREFIX as EXTENSIONS
from lambdad.environments.extensions_api import ExtensionsApi
from lambdad.environments.telemetry_api import subscribe
from lambdad.http.exchange import Exchange
from lambdad.resources.quotas import QUOTAS

_PREFIX = b"/2018-06-01/runtime/"
_INVOCATION = _PREFIX + b"invocation/"
_NEXT = _INVOCATION + b"next"
INIT_ERROR = _PREFIX + b"init/error"
RESTORE_NEXT = _PREFIX + b"restore/next"
RESTORE_ERROR = _PREFIX + b"restore/error"
RESTORED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n"
ACCEPTED = b'HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"status":"OK"}\n'
_ERROR_TYPE = b"lambda-runtime-function-error-type"
_JSON = ((b"Content-Type", b"application/json"),)


class RuntimeApi:
    """The Handler of one environment's Runtime API socket."""

    __slots__ = ("_environment", "_extensions")

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._extensions = ExtensionsApi(environment)

    def handle(self, exchange: Exchange) -> None:
        target = exchange.target
        if target == _NEXT:
            if exchange.method != b"GET":
                _refuse(exchange, 405, "MethodNotAllowed", "method not allowed")
            elif not self._environment.runtime_next(exchange):
                refuse_transition(exchange)
        elif target.startswith(_INVOCATION):
            self._invocation(exchange, target[len(_INVOCATION) :])
        elif target in (INIT_ERROR, RESTORE_ERROR) and exchange.method == b"POST":
            self._init_error(exchange)
        elif target == RESTORE_NEXT and exchange.method == b"GET":
            if self._environment.runtime_resumed():
                exchange.respond_raw(RESTORED, b"")
            else:
                refuse_transition(exchange)
        elif not (
            (target.startswith(EXTENSIONS) and self._extensions.handle(exchange))
            or subscribe(self._environment, exchange)
        ):
            _refuse(exchange, 404, "NotFound", "404 page not found")

    def _invocation(self, exchange: Exchange, rest: bytes) -> None:
        request_id, _, verb = rest.partition(b"/")
        environment = self._environment
        if exchange.method != b"POST" or verb not in (b"response", b"error"):
            _refuse(exchange, 404, "NotFound", "404 page not found")
        elif not environment.current_request(request_id):
            exchange.be_last()  # our own runtimes ask for the next event with it, and end when they are refused
            _refuse(exchange, 400, "InvalidRequestID", "Invalid request ID")
        elif environment.streaming:
            refuse_transition(exchange)
        elif verb == b"error":
            exchange.respond_with_next(ACCEPTED)
            environment.runtime_error(exchange.body)
        elif exchange.incoming is not None:
            environment.runtime_streams(exchange, _streamed)
        elif environment.runtime_response(exchange.body):
            exchange.respond_with_next(ACCEPTED)
        else:
            _refuse_size(exchange)

    def _init_error(self, exchange: Exchange) -> None:
        if self._environment.runtime_init_error(exchange.body, error_type_of(exchange)):
            exchange.respond_raw(ACCEPTED, b"")
        else:
            refuse_transition(exchange)


def _streamed(exchange: Exchange, accepted: bool) -> None:
    if accepted:
        exchange.respond_raw(ACCEPTED, b"")
    else:
        _refuse_size(exchange)


def refuse_transition(exchange: Exchange) -> None:
    _refuse(exchange, 403, "InvalidStateTransition", "State transition is not allowed")


def _refuse_size(exchange: Exchange) -> None:
    limit = QUOTAS.response_payload
    _refuse(exchange, 413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({limit} bytes).")


def error_type_of(exchange: Exchange) -> str:
    """As the runtime names the error that it tells of."""
    return exchange.headers.get(_ERROR_TYPE, b"Runtime.Unknown").decode("latin-1")


def _refuse(exchange: Exchange, status: int, error_type: str, message: str) -> None:
    exchange.respond(status, _JSON, orjson.dumps({"errorMessage": message, "errorType": error_type}))
