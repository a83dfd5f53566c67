"""What monitoring asks for: is it alive, what has it counted."""

import orjson

from lambdad import __version__
from lambdad.http.exchange import Exchange
from lambdad.observability.metrics import Metrics


def show_health(exchange: Exchange) -> None:
    body = orjson.dumps({"status": "ok", "version": __version__})
    exchange.respond(200, ((b"Content-Type", b"application/json"),), body)


def show_metrics(exchange: Exchange, metrics: Metrics) -> None:
    exchange.respond(200, ((b"Content-Type", b"text/plain; version=0.0.4"),), metrics.render())
