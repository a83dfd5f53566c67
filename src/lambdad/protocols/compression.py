"""Requests that come compressed: SDKs do that with large ones of the operations whose model allows it.

AWS: smithy.io/2.0/spec/behavior-traits.html#requestcompression-trait
"""

import zlib

from lambdad.errors import MalformedInput, RequestEntityTooLargeException
from lambdad.http.exchange import Exchange

_MOST = 16 * 1024 * 1024
"""Bytes of what comes out."""
_GZIP = 16 + zlib.MAX_WBITS


def decompress(exchange: Exchange) -> None:
    """Its body as it was meant. Raises MalformedInput, RequestEntityTooLargeException."""
    if exchange.headers.get(b"content-encoding", b"").lower() != b"gzip":
        return
    unzip = zlib.decompressobj(_GZIP)
    try:
        body = unzip.decompress(exchange.body, _MOST)
    except zlib.error as error:
        raise MalformedInput.compressed() from error
    if unzip.unconsumed_tail:
        raise RequestEntityTooLargeException.decompressed(_MOST)
    if not unzip.eof:
        raise MalformedInput.compressed()
    exchange.body = body
