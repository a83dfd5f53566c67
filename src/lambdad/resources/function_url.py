"""Addresses of function URLs: the one that is answered for a URL, and the URL that an address means. Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html. There a URL is `https://<url-id>.lambda-url.<region>.on.aws/`.
Here any domain may stand after the region, since names under `localhost` lead to this host; and where they do not resolve, the
same URL is a path of the endpoint itself.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

HOST_LABEL: Final = b".lambda-url."
"""In every host name of a function URL, and in no other that leads here."""
PATH: Final = b"/_lambdad/function-urls/"
"""Before the URL's id, where it is a path."""

_HOST = re.compile(rb"([a-z0-9]{1,63})\.lambda-url\.([a-z0-9-]{1,63})(\.[a-z0-9.-]*)?(?::([0-9]{1,5}))?")


@dataclass(frozen=True, slots=True)
class Address:
    """A URL as it was asked for."""

    url_id: str
    region: str | None
    """None: a path does not say it."""
    domain_name: str | None
    """Of the host, without the port."""


def read_host(host: bytes) -> Address | None:
    """Of a Host header; names are the same in upper case and with the root's dot."""
    match = _HOST.fullmatch(host.lower())
    if match is None:
        return None
    name = host.lower().partition(b":")[0].rstrip(b".")
    return Address(match[1].decode(), match[2].decode(), name.decode())


def read_path(target: bytes) -> tuple[Address, bytes]:
    """Of a request target that begins with PATH; and the target as the function sees it."""
    rest = target[len(PATH) :]
    end = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    inner = rest[end:]
    return Address(rest[:end].decode("latin-1"), None, None), inner if inner.startswith(b"/") else b"/" + inner


def url_of(url_id: str, region: str, endpoint: str, domain: str | None, localhost_names: bool) -> str:
    """The FunctionUrl that is answered to a caller who came by `endpoint`.

    `domain` is the operator's: its names lead here. Without one it is `localhost`, for a caller on this host whose resolver
    knows names under it (`localhost_names`); everyone else gets a path of the endpoint that they have just used.
    """
    host = f"{url_id}.lambda-url.{region}"
    name, port = _name_and_port(endpoint)
    if domain is not None:
        scheme, separator, rest = domain.rpartition("://")
        return f"{scheme}://{host}.{rest}/" if separator else f"http://{host}.{domain}{port}/"
    if localhost_names and _is_loopback(name):
        return f"http://{host}.localhost{port}/"
    return f"{endpoint}{PATH.decode()}{url_id}/"


def _name_and_port(endpoint: str) -> tuple[str, str]:
    """The port with its colon; empty where the caller's Host header says none that could be one."""
    try:
        parts = urlsplit(endpoint)
        return parts.hostname or "", f":{parts.port}" if parts.port else ""
    except ValueError:
        return "", ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
