"""A streamed answer on its way to the client of a function URL: its head first, then the body as the function writes it.

AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html. The head is in a prelude if the content type says
so; else the answer is a 200 with the content type that the function gave.
"""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from lambdad.http.exchange import Exchange
from lambdad.invocation.streaming import StreamedInvocation
from lambdad.resources.invocation import InvocationResult
from lambdad.triggers.function_url_response import Head, Headers, streamed_head, streamed_response
from lambdad.triggers.response_prelude import CONTENT_TYPE, PreludeParser, PreludeTooLarge

log = logging.getLogger(__name__)


async def send(
    streamed: StreamedInvocation, exchange: Exchange, headers_of: Callable[[Headers], Headers]
) -> int | None:
    """The status that was answered, once all is sent; None: what the function said is no response, and nothing was sent.

    `headers_of` gives what is sent for the function's own headers. Raises the ServiceError if there is no answer.
    """
    await streamed.begun()
    if streamed.content_type is None:
        return _send_whole(streamed, exchange, headers_of)
    async with aclosing(streamed.pieces()) as pieces:
        begun = await _head(streamed.content_type, pieces)
        if begun is None or _failed(streamed):
            return None
        head, first = begun
        stream = exchange.stream(head.status, headers_of(head.headers))
        whole = False
        try:
            await stream.write(first)
            async for piece in pieces:
                await stream.write(piece)
            whole = not _failed(streamed)
        except ConnectionError:
            log.info("the client of request %s has gone before its end", exchange.request_id)
        finally:
            (stream.close if whole else stream.abort)()
    return head.status


def _send_whole(
    streamed: StreamedInvocation, exchange: Exchange, headers_of: Callable[[Headers], Headers]
) -> int | None:
    """An answer that came at once."""
    if _failed(streamed) or not isinstance(streamed.outcome, InvocationResult):
        return None
    response = streamed_response(streamed.outcome.payload)
    exchange.respond(response.status, headers_of(response.headers), response.body)
    return response.status


def _failed(streamed: StreamedInvocation) -> bool:
    outcome = streamed.outcome
    return outcome is not None and (not isinstance(outcome, InvocationResult) or outcome.function_error is not None)


async def _head(content_type: str, pieces: AsyncGenerator[bytes, None]) -> tuple[Head, bytes] | None:
    """And what came of the body with it."""
    if content_type.partition(";")[0].strip().lower() != CONTENT_TYPE:
        head = Head(200, ((b"Content-Type", content_type.encode("latin-1")),))
        return head, await anext(pieces, b"")
    parser = PreludeParser()
    async for piece in pieces:
        try:
            body = parser.feed(piece)
        except PreludeTooLarge:
            return None
        if parser.prelude is not None:
            head_in_prelude = streamed_head(parser.prelude)
            return (head_in_prelude, body) if head_in_prelude is not None else None
    return None
