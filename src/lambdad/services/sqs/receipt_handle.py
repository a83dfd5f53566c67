"""What a receiver of a message is given to delete it by: where it is kept, and of which receive it is."""

import base64
import binascii
import secrets
import struct
from dataclasses import dataclass

from lambdad.errors.sqs import ReceiptHandleIsInvalid

_FORM = struct.Struct(">QQQ")
_RECEIPT_BITS = 62


@dataclass(frozen=True, slots=True)
class ReceiptHandle:
    queue: int
    message: int
    receipt: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(_FORM.pack(self.queue, self.message, self.receipt)).decode()


def new_receipt() -> int:
    """One that nobody guesses: a handle of an earlier receive is not one of this."""
    return secrets.randbits(_RECEIPT_BITS)


def parse(text: str, queue: int) -> ReceiptHandle:
    """One of that queue's. Raises ReceiptHandleIsInvalid."""
    try:
        handle = ReceiptHandle(*_FORM.unpack(base64.urlsafe_b64decode(text.encode("ascii"))))
    except (ValueError, binascii.Error, struct.error) as error:
        raise ReceiptHandleIsInvalid.of(text) from error
    if handle.queue != queue:
        raise ReceiptHandleIsInvalid.of(text)
    return handle
