"""What comes to S3 other than its sender says it is, is refused: moto believes every checksum.

Not checked are CRC32C and CRC64NVME, which Python's own library does not have.
AWS: docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from moto.s3.exceptions import S3ClientError
from moto.s3.responses import S3Response

_HEADER = "x-amz-checksum-"
_KINDS: dict[str, Callable[[bytes], bytes]] = {
    "CRC32": lambda content: zlib.crc32(content).to_bytes(4, "big"),
    "SHA1": lambda content: hashlib.sha1(content, usedforsecurity=False).digest(),
    "SHA256": lambda content: hashlib.sha256(content).digest(),
}
_TRAILER = re.compile(rb"\r\nx-amz-checksum-(\w+):([A-Za-z0-9+/=]+)\s")
_TRAILERS = 1024
"""Bytes at the end of a body that may be some."""


class Refused(S3ClientError):  # type: ignore[misc]
    status_code = 400


def install() -> None:
    """In moto's place."""
    for name in ("put_object", "upload_part"):
        setattr(S3Response, name, _checked(getattr(S3Response, name)))


def _checked(perform: Any) -> Any:
    def performed(response: Any) -> Any:
        content = response.body or b""
        content = content.encode() if isinstance(content, str) else content
        _check_md5(response.headers.get("Content-MD5"), content)
        for kind, given in _checksums(response):
            sent = _decoded(given)
            if sent is None or len(sent) != len(_KINDS[kind](b"")):
                raise Refused("InvalidRequest", f"Value for {_HEADER}{kind.lower()} header is invalid.")
            if sent != _KINDS[kind](content):
                raise Refused("BadDigest", f"The {kind} you specified did not match the calculated checksum.")
        return perform(response)

    return performed


def _check_md5(given: str | None, content: bytes) -> None:
    if given is None:
        return
    sent = _decoded(given)
    if sent is None or len(sent) != hashlib.md5(usedforsecurity=False).digest_size:
        raise Refused("InvalidDigest", "The Content-MD5 you specified was invalid.")
    if sent != hashlib.md5(content, usedforsecurity=False).digest():
        raise Refused("BadDigest", "The Content-MD5 you specified did not match what we received.")


def _checksums(response: Any) -> Iterator[tuple[str, str]]:
    """(Kind, as sent): in the headers, or behind a body that came in chunks."""
    for kind in _KINDS:
        given = response.headers.get(f"{_HEADER}{kind.lower()}")
        if given is not None:
            yield kind, given
    if "x-amz-trailer" in response.headers:
        for name, value in _TRAILER.findall(response.raw_body[-_TRAILERS:]):
            if name.decode().upper() in _KINDS:
                yield name.decode().upper(), value.decode()


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
