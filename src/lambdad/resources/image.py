"""Container images as functions name them. AWS: docs.aws.amazon.com/lambda/latest/dg/images-create.html"""

import hashlib
import re
from dataclasses import dataclass

from lambdad.errors import InvalidParameterValueException

_PATTERN = re.compile(
    r"(?P<repository>(?:[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+(?::\d{1,5})?|localhost(?::\d{1,5})?)"
    r"(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)+)"
    r"(?::(?P<tag>[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}))?(?:@sha256:(?P<digest>[0-9a-f]{64}))?"
)
"""A registry's host, a repository, a tag or a digest: github.com/opencontainers/distribution-spec/blob/main/spec.md. AWS takes
those of its own registry only."""
_REGISTRY = re.compile(r"\d{12}\.dkr\.ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.")
_MOST = 1024
"""Characters."""


@dataclass(frozen=True, slots=True)
class Image:
    uri: str
    repository: str
    digest: str
    """SHA-256 in hex: of the image, if the URI names it. No registry is asked: a tag stands for itself."""

    @property
    def region(self) -> str | None:
        """Of the registry, if it is AWS's."""
        match = _REGISTRY.match(self.repository)
        return match["region"] if match is not None else None

    @property
    def resolved_uri(self) -> str:
        return f"{self.repository}@sha256:{self.digest}"


def parse_image(uri: str) -> Image:
    """Raises InvalidParameterValueException."""
    match = _PATTERN.fullmatch(uri) if len(uri) <= _MOST else None
    if match is None:
        raise InvalidParameterValueException.source_image(uri)
    return Image(uri, match["repository"], match["digest"] or hashlib.sha256(uri.encode()).hexdigest())
