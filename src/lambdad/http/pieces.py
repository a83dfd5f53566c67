"""A body that comes in pieces, kept until it is whole.

Who sends decides how small the pieces are. Each object costs some fifty bytes more than it holds, so a body of tiny ones would
take many times its size.
"""

from collections.abc import MutableSequence

_SMALL = 1024
"""Bytes: a piece up to this is copied to the end of the one before it."""


def gather(pieces: MutableSequence[bytes | bytearray], piece: bytes) -> None:
    """Append `piece` to what `b"".join(pieces)` will be."""
    if len(piece) > _SMALL:
        pieces.append(piece)
    elif pieces and isinstance(last := pieces[-1], bytearray):
        last += piece
    else:
        pieces.append(bytearray(piece))
