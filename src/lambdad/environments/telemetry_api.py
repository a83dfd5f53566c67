"""The Telemetry API (2022-07-01) and the older Logs API (2020-08-15) of one environment, at the address of its Runtime API.

AWS: docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html, …/runtimes-logs-api.html
"""

import orjson

from lambdad.environments.environment import Environment
from lambdad.environments.extension import Refusal
from lambdad.environments.extensions_api import caller_of, refuse
from lambdad.environments.telemetry import CLOSED
from lambdad.environments.telemetry_subscription import InvalidSubscription, read_subscription
from lambdad.http.exchange import Exchange

TARGETS = {b"/2022-07-01/telemetry": "telemetry", b"/2020-08-15/logs": "logs"}
_JSON = ((b"Content-Type", b"application/json"),)


def subscribe(environment: Environment, exchange: Exchange) -> bool:
    """False: it is no such request."""
    api = TARGETS.get(exchange.target.rstrip(b"/"))
    if api is None or exchange.method != b"PUT":
        return False
    caller = caller_of(environment, exchange)
    if isinstance(caller, Refusal):
        refuse(exchange, caller)
        return True
    extensions, extension = caller
    try:
        subscription = read_subscription(api, exchange.body)
        if extensions.subscribe(extension, subscription):
            exchange.respond(200, _JSON, b'"OK"')
        else:
            refuse(exchange, CLOSED[api])
    except InvalidSubscription as error:
        exchange.respond(400, _JSON, orjson.dumps({"errorType": "ValidationError", "errorMessage": str(error)}))
    return True
