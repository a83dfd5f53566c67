"""Method and path → operation. RFC 3986 for the percent-encoding; the templates are the service model's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from lambdad.protocols.model import Model, Operation

_PARAMETER = re.compile(r"\{(\w+)\+?\}")


@dataclass(frozen=True, slots=True)
class Route:
    operation: Operation
    parameters: Mapping[str, str]
    """Decoded path parameters by their name in the template."""


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
