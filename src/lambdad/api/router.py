"""Method and path → operation. RFC 3986 for the percent-encoding; the templates are the service model's.

Invoke is matched first, by its prefix and suffix: it is the one path that has to be fast.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from lambdad.api.model import Model, Operation

_INVOKE_PREFIX = b"/2015-03-31/functions/"
_INVOKE_SUFFIX = b"/invocations"
_PARAMETER = re.compile(r"\{(\w+)\+?\}")


@dataclass(frozen=True, slots=True)
class Route:
    operation: Operation
    parameters: Mapping[str, str]
    """Decoded path parameters by their name in the template."""


def invoke_target(target: bytes) -> tuple[str, str] | None:
    """(function name, raw query) if this is the path of Invoke."""
    path, _, query = target.partition(b"?")
    if path.startswith(_INVOKE_PREFIX) and path.endswith(_INVOKE_SUFFIX):
        name = path[len(_INVOKE_PREFIX) : -len(_INVOKE_SUFFIX)].decode("latin-1")
        if "/" not in name and name:
            return (unquote(name) if "%" in name else name), query.decode("latin-1")
    return None


class Router:
    """Templates are grouped by method, first segment and number of segments: what is left is compared one by one."""

    def __init__(self, model: Model) -> None:
        self._routes: dict[tuple[str, int], list[tuple[tuple[str, ...], str, Operation]]] = {}
        for operation in model.operations.values():
            path, _, query = operation.path.partition("?")
            segments = _segments(path)
            self._routes.setdefault((operation.method, len(segments)), []).append((segments, query, operation))
        for candidates in self._routes.values():
            # Literal segments before parameters: /functions/{x} must not hide a more exact template. Nor may /layers hide
            # /layers?find=LayerVersion.
            candidates.sort(key=lambda route: ([segment.startswith("{") for segment in route[0]], not route[1]))

    def find(self, method: str, path: str, query: str) -> Route | None:
        """`path` and `query` as sent."""
        segments = _segments(path)
        for template, needed, operation in self._routes.get((method, len(segments)), ()):
            parameters = _match(template, segments)
            if parameters is not None and (not needed or needed in query.split("&")):
                return Route(operation, parameters)
        return None


def _segments(path: str) -> tuple[str, ...]:
    """Trailing slashes do not count: some templates have one, some clients drop it."""
    return tuple(path.strip("/").split("/"))


def _match(template: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    parameters = {}
    for wanted, got in zip(template, segments, strict=True):
        parameter = _PARAMETER.fullmatch(wanted)
        if parameter is not None:
            parameters[parameter[1]] = unquote(got)
        elif wanted != got:
            return None
    return parameters
