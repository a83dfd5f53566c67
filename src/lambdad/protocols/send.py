"""An answer goes out: at once, or piece by piece."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from lambdad.http.exchange import Exchange
from lambdad.protocols.codec import Answer

log = logging.getLogger(__name__)


async def send(exchange: Exchange, answer: Answer) -> None:
    """Until all of it is on its way."""
    if isinstance(answer.body, bytes):
        exchange.respond(answer.status, answer.headers, answer.body)
    else:
        await _stream(exchange, answer, answer.body)


async def _stream(exchange: Exchange, answer: Answer, body: AsyncGenerator[bytes, None]) -> None:
    """No faster than the client reads; when it goes, what makes the body is told by being closed."""
    stream = exchange.stream(answer.status, answer.headers)
    whole = False
    try:
        async with aclosing(body) as pieces:
            async for piece in pieces:
                await stream.write(piece)
        stream.close()
        whole = True
    except ConnectionError:
        log.info("the client of request %s has gone before its end", exchange.request_id)
    finally:
        if not whole:
            stream.abort()
