"""AWS's service models, compiled into tables for routing, decoding, validation and encoding.

A model is botocore's `service-2.json`, read as data: importing botocore costs half a second, reading its file ten
milliseconds.
"""

import gzip
import importlib.util
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a structure and where it travels."""

    name: str
    shape: "Shape"
    location: str | None
    """uri | querystring | header | statusCode; None: the body."""
    wire_name: str
    required: bool


class Shape:
    """One shape. References to other shapes are resolved at first use: the model is recursive."""

    def __init__(self, name: str, raw: Mapping[str, Any], model: "Model") -> None:
        self.name = name
        self.type: str = raw["type"]
        self.minimum: int | None = raw.get("min")
        self.maximum: int | None = raw.get("max")
        self.pattern: str | None = raw.get("pattern")
        self.enum: tuple[str, ...] = tuple(raw.get("enum", ()))
        self.payload: str | None = raw.get("payload")
        self.eventstream: bool = raw.get("eventstream", False)
        """A structure that stands for a stream of its members."""
        self.flattened: bool = raw.get("flattened", False)
        """Query protocol: a list without an element of its own around its members."""
        self.element_name: str = raw.get("member", {}).get("locationName", "member")
        self.key_name: str = raw.get("key", {}).get("locationName", "key")
        self.value_name: str = raw.get("value", {}).get("locationName", "value")
        """Query protocol: what a list's members are called, a map's keys and values."""
        self.sensitive: bool = raw.get("sensitive", False)
        self._raw = raw
        self._model = model

    @cached_property
    def members(self) -> Mapping[str, Member]:
        required = frozenset(self._raw.get("required", ()))
        return {
            name: Member(
                name,
                self._model.shape(member["shape"]),
                member.get("location"),
                member.get("locationName", name),
                name in required,
            )
            for name, member in self._raw.get("members", {}).items()
        }

    @cached_property
    def event_payload(self) -> str | None:
        """Of an event: the member that is its message's payload; None: the message has all of them as JSON."""
        members = self._raw.get("members", {}).items()
        return next((name for name, member in members if member.get("eventpayload")), None)

    @cached_property
    def element(self) -> "Shape":
        """Of a list: its members' shape. Of a map: its values'."""
        return self._model.shape((self._raw.get("member") or self._raw["value"])["shape"])

    @cached_property
    def key(self) -> "Shape":
        return self._model.shape(self._raw["key"]["shape"])

    @cached_property
    def regex(self) -> re.Pattern[str] | None:
        return compile_pattern(self.pattern) if self.pattern is not None else None


_UNICODE_CLASSES = {
    r"\p{L}": r"\w",
    r"\p{N}": r"\d",
    r"\p{Z}": r" \u00a0\u2000-\u200a\u2028\u2029\u3000",
    r"\p{Print}": r"[\x20-\x7e]",
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010ffff",
}
"""Java's character classes, near enough in Python's words; they occur within brackets only, but for the printable ones. The last
is Java's way to say: all beyond the first 65,536."""


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """The model's patterns are Java's."""
    for java, python in _UNICODE_CLASSES.items():
        pattern = pattern.replace(java, python)
    return re.compile(pattern)


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    method: str
    path: str
    """The model's template, e.g. `/2015-03-31/functions/{FunctionName}`."""
    status: int
    input: Shape | None
    output: Shape | None
    result_wrapper: str | None
    """Query protocol: the element that the answer's members stand in."""


class Model:
    """One service's. `protocols`: as it names them; `target_prefix` (JSON protocols), `namespace` (XML): empty if it has none."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        metadata = document["metadata"]
        self.protocols: tuple[str, ...] = tuple(metadata["protocols"])
        self.json_version: str = metadata.get("jsonVersion", "1.0")
        self.target_prefix: str = metadata.get("targetPrefix", "")
        self.namespace: str = metadata.get("xmlNamespace", "")
        self.query_compatible = "awsQueryCompatible" in metadata
        self._raw_shapes = document["shapes"]
        self.error_codes: Mapping[str, str] = {
            name: shape["error"]["code"]
            for name, shape in self._raw_shapes.items()
            if shape.get("exception") and "code" in shape.get("error", {})
        }
        """What the query protocol calls errors, by name, where it is not that."""
        self._shapes: dict[str, Shape] = {}
        self.operations = {name: self._operation(name, raw) for name, raw in document["operations"].items()}

    def shape(self, name: str) -> Shape:
        shape = self._shapes.get(name)
        if shape is None:
            shape = self._shapes[name] = Shape(name, self._raw_shapes[name], self)
        return shape

    def _operation(self, name: str, raw: Mapping[str, Any]) -> Operation:
        http = raw["http"]
        shapes = [self.shape(raw[side]["shape"]) if raw.get(side) else None for side in ("input", "output")]
        wrapper = raw.get("output", {}).get("resultWrapper")
        return Operation(
            name, http["method"], http["requestUri"], http.get("responseCode", 200), shapes[0], shapes[1], wrapper
        )


def load_model(service: str) -> Model:
    """The newest of a service, by botocore's name of it."""
    return Model(load_document(service))


def load_document(service: str) -> dict[str, Any]:
    """As it is in the botocore that is installed beside us, without importing it."""
    spec = importlib.util.find_spec("botocore")
    if spec is None or spec.origin is None:
        raise RuntimeError("botocore is not installed: the service models are missing")
    versions = (Path(spec.origin).parent / "data" / service).glob("*/service-2.json.gz")
    document: dict[str, Any] = orjson.loads(gzip.decompress(max(versions).read_bytes()))
    return document
