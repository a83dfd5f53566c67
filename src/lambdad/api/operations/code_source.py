"""Where a function's code comes from: the request itself, or an S3 bucket. And the link by which it is given back.

AWS: docs.aws.amazon.com/lambda/latest/api/API_FunctionCode.html
"""

import asyncio
import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lambdad.api.backend import Backend
from lambdad.errors import (
    CodeStorageExceededException,
    InvalidParameterValueException,
    RequestEntityTooLargeException,
)
from lambdad.http.exchange import Exchange
from lambdad.protocols.context import Members
from lambdad.resources.function import Function
from lambdad.resources.quotas import QUOTAS
from lambdad.store.code_packages import CodePackage, hex_of

_LINK_LIFE = 600
"""Seconds a Code.Location works, as on AWS."""
_PATH = "/_lambdad/code/"


async def read_code(backend: Backend, account: str, region: str, code: Members) -> bytes:
    """The zip that a request names. Raises InvalidParameterValueException, RequestEntityTooLargeException."""
    content = code.get("ZipFile")
    if content is not None:
        if any(code.get(member) for member in ("S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri")):
            raise InvalidParameterValueException.more_than_zip()
        if len(content) > QUOTAS.zipped_code:
            raise RequestEntityTooLargeException.zipped(QUOTAS.zipped_code)
        return bytes(content)
    if code.get("ImageUri"):
        raise InvalidParameterValueException.image_for_new_zip()
    if not code.get("S3Bucket") or not code.get("S3Key"):
        raise InvalidParameterValueException.no_code()
    place = (region, code["S3Bucket"], code["S3Key"], code.get("S3ObjectVersion"))
    return await backend.fetch_code(account, *place, QUOTAS.unzipped_code)


async def keep_code(backend: Backend, account: str, region: str, content: bytes, dry_run: bool) -> CodePackage:
    """Of a function or a layer. Checked and durable, but for a dry run, which only checks.

    Raises InvalidParameterValueException, CodeStorageExceededException.
    """
    if stored_code(backend, account, region) + len(content) > QUOTAS.code_storage:
        raise CodeStorageExceededException.limit()
    return await (backend.code.inspect(content) if dry_run else backend.code.put(content))


def check_code_storage(backend: Backend, before: Function | None, after: Function) -> None:
    """Every version counts its package. Raises CodeStorageExceededException."""
    growth = after.code_size - (before.code_size if before is not None else 0)
    if growth > 0 and stored_code(backend, after.key.account, after.key.region) + growth > QUOTAS.code_storage:
        raise CodeStorageExceededException.limit()


def stored_code(backend: Backend, account: str, region: str) -> int:
    """Bytes of all functions' and layers' packages."""
    layers = backend.layers.list(account, region)
    return backend.functions.code_size(account, region) + sum(
        version.code_size for layer in layers for version in layer.versions.values()
    )


def location(backend: Backend, endpoint: str, code_sha256: str) -> str:
    """A link that downloads the package for ten minutes; nobody can make one for another package."""
    address = hex_of(code_sha256)
    expires = int(backend.clock.now()) + _LINK_LIFE
    return f"{endpoint}{_PATH}{address}?Expires={expires}&Signature={_signature(backend.link_key, address, expires)}"


def _signature(key: bytes, address: str, expires: int) -> str:
    return hmac.new(key, f"{address}:{expires}".encode(), hashlib.sha256).hexdigest()


class CodeDownload:
    """The handler behind those links."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._tasks: set[asyncio.Task[Any]] = set()

    def handle(self, exchange: Exchange) -> None:
        parts = urlsplit(exchange.target.decode("latin-1"))
        query = parse_qs(parts.query)
        address = parts.path.removeprefix(_PATH)
        expires, signature = query.get("Expires", [""])[0], query.get("Signature", [""])[0]
        if not self._is_good(address, expires, signature):
            exchange.respond(403, ((b"Content-Type", b"text/plain"),), b"This link is not valid (any more).\n")
            return
        task = asyncio.get_running_loop().create_task(self._send(exchange, address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _is_good(self, address: str, expires: str, signature: str) -> bool:
        if not (expires.isascii() and expires.isdigit() and len(expires) < 16):
            return False
        wanted = _signature(self._backend.link_key, address, int(expires))
        return hmac.compare_digest(signature.encode(), wanted.encode()) and int(expires) >= self._backend.clock.now()

    async def _send(self, exchange: Exchange, address: str) -> None:
        path = self._backend.code.zip_path(address)
        try:
            content = await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError:
            exchange.respond(404, ((b"Content-Type", b"text/plain"),), b"This package is gone.\n")
            return
        exchange.respond(200, ((b"Content-Type", b"application/zip"),), content)
