"""What a rule's target is given of an event: all of it, a part, a constant, or a text with values of it. Pure.

AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

from lambdad.errors.events import ValidationException
from lambdad.resources.json_path import MISSING, found_at, path_of

Target = Mapping[str, Any]
"""A target as PutTargets has it."""
_PLACEHOLDER = re.compile(r"<([^<>\s]+)>")


@dataclass(frozen=True, slots=True)
class Occasion:
    """An event that matched a rule."""

    event: Mapping[str, Any]
    text: bytes
    """The event, as JSON: most targets are given nothing else."""
    rule_arn: str
    rule_name: str
    ingested: str
    """When, as events have their times."""


_PREDEFINED: Final[Mapping[str, Callable[[Occasion], Any]]] = {
    "aws.events.rule-arn": lambda occasion: occasion.rule_arn,
    "aws.events.rule-name": lambda occasion: occasion.rule_name,
    "aws.events.event.ingestion-time": lambda occasion: occasion.ingested,
    "aws.events.event": lambda occasion: {name: it for name, it in occasion.event.items() if name != "detail"},
    "aws.events.event.json": lambda occasion: occasion.event,
}
_JSON_ONLY: Final = frozenset({"aws.events.event", "aws.events.event.json"})
"""What they stand for is a document: it has no place in a text."""


def input_of(target: Target, occasion: Occasion) -> bytes:
    if target.get("Input"):
        return str(target["Input"]).encode()
    if target.get("InputPath"):
        path = path_of(target["InputPath"])
        value = MISSING if path is None else found_at(path, occasion.event)
        return orjson.dumps(None if value is MISSING else value)
    if target.get("InputTransformer"):
        return _transformed(target["InputTransformer"], occasion).encode()
    return occasion.text


# --- Templates ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Placeholder:
    name: str
    quoted: bool
    """It stands in a string."""


@dataclass(frozen=True, slots=True)
class Template:
    pieces: Sequence[str | Placeholder]
    json: bool
    """A document, not a text: what is not quoted there is JSON."""


@lru_cache(maxsize=1024)
def template_of(text: str) -> Template:
    pieces = tuple(_pieces(text))
    alone = len(pieces) == 1 and isinstance(pieces[0], Placeholder)
    return Template(pieces, alone or text.lstrip().startswith(("{", "[")))


def _pieces(text: str) -> Iterator[str | Placeholder]:
    at, quoted = 0, False
    for match in _PLACEHOLDER.finditer(text):
        literal = text[at : match.start()]
        quoted ^= _turns(literal)
        if literal:
            yield literal
        yield Placeholder(match[1], quoted)
        at = match.end()
    if at < len(text):
        yield text[at:]


def _turns(literal: str) -> bool:
    """Does a string begin or end in it, and not end or begin again?"""
    return re.sub(r"\\.", "", literal, flags=re.DOTALL).count('"') % 2 == 1


def _transformed(transformer: Mapping[str, Any], occasion: Occasion) -> str:
    template = template_of(transformer["InputTemplate"])
    paths: Mapping[str, str] = transformer.get("InputPathsMap") or {}

    def shown(piece: str | Placeholder) -> str:
        if isinstance(piece, str):
            return piece
        value = _value_of(piece.name, paths, occasion)
        return _as_json(value) if template.json and not piece.quoted else _as_text(value, piece.quoted)

    return "".join(map(shown, template.pieces))


def _value_of(name: str, paths: Mapping[str, str], occasion: Occasion) -> Any:
    if name in _PREDEFINED:
        return _PREDEFINED[name](occasion)
    path = path_of(paths[name]) if name in paths else None
    return MISSING if path is None else found_at(path, occasion.event)


def _as_json(value: Any) -> str:
    return '""' if value is MISSING else orjson.dumps(value).decode()


def _as_text(value: Any, quoted: bool) -> str:
    """Of a document that is named in a string AWS leaves out the quotes, so that it ends nowhere but at its end."""
    if value is MISSING:
        return ""
    if isinstance(value, str):
        return orjson.dumps(value).decode()[1:-1] if quoted else value
    text = orjson.dumps(value).decode()
    return text.replace('\\"', "").replace('"', "") if isinstance(value, dict | list) else text


# --- What a target may ask for ------------------------------------------------------------------------------------------


def check_input(target: Target) -> None:
    """Raises ValidationException."""
    name = target["Id"]
    if sum(target.get(member) is not None for member in ("Input", "InputPath", "InputTransformer")) > 1:
        raise ValidationException.inputs(name)
    if target.get("Input"):
        try:
            orjson.loads(target["Input"])
        except orjson.JSONDecodeError as error:
            raise ValidationException.input_json(name) from error
    transformer = target.get("InputTransformer") or {}
    paths = transformer.get("InputPathsMap") or {}
    for path in (target.get("InputPath"), *paths.values()):
        if path and path_of(path) is None:
            raise ValidationException.input_path(name)
    if transformer:
        _check_template(name, template_of(transformer["InputTemplate"]), paths)


def _check_template(target: str, template: Template, paths: Mapping[str, str]) -> None:
    for piece in template.pieces:
        if isinstance(piece, str):
            continue
        if piece.name not in paths and piece.name not in _PREDEFINED:
            raise ValidationException.placeholder(target, piece.name)
        if piece.name in _JSON_ONLY and (piece.quoted or not template.json):
            raise ValidationException.json_placeholder(target, piece.name)
