"""Which service a request is for that no signature names: by its target, its form's action, or its path; what is left is S3's.

AWS: smithy.io/2.0/aws/protocols/. Each service has a host of its own there; here all have one.
"""

import importlib.util
import re
import zlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qs, unquote

from lambdad.errors import InvalidAction, UnknownTargetException
from lambdad.http.exchange import Exchange
from lambdad.protocols.aws_json import TARGET
from lambdad.protocols.model import load_model
from lambdad.protocols.router import Router
from lambdad.protocols.rpc_cbor import PROTOCOL

LAMBDA = "lambda"
S3 = "s3"
_RPC = re.compile(rb"/service/(\w+)/operation/\w+")
_FORM = b"application/x-www-form-urlencoded"
_ACTION, _VERSION = (re.compile(rb"(?:^|&)" + field + rb"=([^&]*)") for field in (b"Action", b"Version"))
_QUEUE = re.compile(rb"/\d{12}/[\w.-]+")
_PAGE_FORM = b"multipart/form-data"
"""S3's, from web pages."""
_SIGV2 = ("AWSAccessKeyId", "Signature")
_S3_METHODS = frozenset({b"GET", b"HEAD", b"PUT", b"DELETE"})
_S3_POSTS = frozenset({"uploads", "uploadId", "delete", "restore", "select"})
_REST = ("scheduler", "xray")
"""Services of our own whose operations have paths, by botocore's names; Lambda's paths begin with a date."""
_PATHS = {
    "/2013-04-01/": "route53",
    "/2015-02-01/": "elasticfilesystem",
    "/2020-05-31/": "cloudfront",
    "/restapis": "apigateway",
    "/v2/apis": "apigateway",
    "/v2/email/": "ses",
}
"""Others' that cannot be taken for Lambda's."""
_UNVERSIONED = ("sqs", "sns", "cloudwatch", "iam", "sts")
"""Whose action it may be if a form tells no version, the likeliest first."""
_HEAD = 4096
"""Bytes of a model's file: what it says of itself is at its beginning."""
_FACT = re.compile(rb'"(apiVersion|endpointPrefix|signingName|targetPrefix|protocol)"\s*:\s*"([^"]*)"')


def service_of(exchange: Exchange) -> str:
    """The name that requests to it are signed for. Raises UnknownTargetException or InvalidAction: it is for none."""
    path, _, query = exchange.target.partition(b"?")
    dated = path[1:5].isdigit() and path[5:6] == b"-"
    if not dated:
        return _named(exchange, path) or _by_action(exchange, path, query) or _by_path(exchange, path, query)
    return _other_path(path.decode("latin-1")) or LAMBDA


def _named(exchange: Exchange, path: bytes) -> str | None:
    """By the header, or the path, of those protocols that say it there."""
    prefix = exchange.headers.get(TARGET, b"").decode("latin-1").rpartition(".")[0]
    if TARGET not in exchange.headers:
        call = _RPC.fullmatch(path) if PROTOCOL in exchange.headers else None
        if call is None:
            return None
        prefix = call[1].decode()
    found = _by_target().get(prefix)
    if found is None:
        raise UnknownTargetException("")
    return found


def _by_action(exchange: Exchange, path: bytes, query: bytes) -> str | None:
    """By the form of the query protocol, which may be all of a query. Objects that are put may look like forms, too."""
    posted = exchange.method == b"POST" and exchange.headers.get(b"content-type", b"").startswith(_FORM)
    form = exchange.body if posted and exchange.body else query
    asked = _ACTION.search(form) if posted or path == b"/" or _QUEUE.fullmatch(path) else None
    if asked is None:
        return None
    version = _VERSION.search(form)
    action = unquote(asked[1].decode("latin-1"))
    for name in _by_version().get(version[1].decode("latin-1"), ()) if version else _UNVERSIONED:
        if action in _operations(name):
            return _facts()[name]
    raise InvalidAction.of(action)


def _by_path(exchange: Exchange, path: bytes, query: bytes) -> str:
    asked, given = path.decode("latin-1"), parse_qs(query.decode("latin-1"), keep_blank_values=True)
    method = exchange.method.decode("latin-1")
    for name in _REST:
        if _router(name).find(method, asked, "") is not None and _is_of(name, asked):
            return name
    other = _other_path(asked)
    if other is not None:
        return other
    if exchange.headers.get(b"content-type", b"").startswith(_PAGE_FORM) or all(name in given for name in _SIGV2):
        return S3
    return S3 if exchange.method in _S3_METHODS or not _S3_POSTS.isdisjoint(given) else LAMBDA


def _is_of(service: str, path: str) -> bool:
    """A bucket may be called `tags`."""
    return not path.startswith("/tags/") or f":{service}:" in unquote(path)


def _other_path(path: str) -> str | None:
    return next((name for prefix, name in _PATHS.items() if path.startswith(prefix)), None)


@lru_cache(maxsize=8)
def _router(name: str) -> Router:
    return Router(load_model(name))


@lru_cache(maxsize=32)
def _operations(name: str) -> frozenset[str]:
    return frozenset(load_model(name).operations)


# --- All of AWS's services --------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _by_target() -> Mapping[str, str]:
    """Signing names by the target's prefix, and by the last part of it, which the CBOR protocol has in its path."""
    found = {}
    for facts in _models().values():
        prefix = facts.get("targetPrefix")
        if prefix:
            found[prefix] = found[prefix.rpartition(".")[2]] = _signing_name(facts)
    return found


@lru_cache(maxsize=1)
def _by_version() -> Mapping[str, tuple[str, ...]]:
    """Names of services that know forms, by the version of their API."""
    found: dict[str, tuple[str, ...]] = {}
    for name, facts in _models().items():
        if facts.get("protocol") in ("query", "ec2") or name in _UNVERSIONED:
            found[facts["apiVersion"]] = (*found.get(facts["apiVersion"], ()), name)
    return found


@lru_cache(maxsize=1)
def _facts() -> Mapping[str, str]:
    return {name: _signing_name(facts) for name, facts in _models().items()}


def _signing_name(facts: Mapping[str, str]) -> str:
    return facts.get("signingName") or facts["endpointPrefix"]


@lru_cache(maxsize=1)
def _models() -> Mapping[str, Mapping[str, str]]:
    """What botocore's models say of themselves, by botocore's names. They are hundreds, and only their beginnings are read."""
    return dict(_read_models())


def _read_models() -> Iterator[tuple[str, Mapping[str, str]]]:
    spec = importlib.util.find_spec("botocore")
    assert spec is not None
    assert spec.origin is not None
    for directory in sorted((Path(spec.origin).parent / "data").iterdir()):
        versions = [path / "service-2.json.gz" for path in directory.iterdir()] if directory.is_dir() else []
        newest = max((path for path in versions if path.exists()), default=None)
        if newest is None:
            continue
        with open(newest, "rb") as file:
            text = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(file.read(_HEAD), _HEAD)
        metadata = text.partition(b'"operations"')[0]
        yield directory.name, {name.decode(): value.decode() for name, value in _FACT.findall(metadata)}
