"""Where in a JSON text a value stands, in the way of AWS's parser (Jackson). Pure."""

import json
from collections.abc import Sequence

Step = str | int
"""Into an object by a member's name, into an array by index."""


def index_of(text: str, path: Sequence[Step]) -> int:
    """Of what the parser comes to next when it has seen a value: it is past its first character, or past an empty one."""
    start = _start(text, path)
    end = _skip(text, start + 1)
    is_empty = text[start] in "{[" and text[end] in "]}"
    return end + 1 if is_empty else start + 1


def line_and_column(text: str, index: int) -> tuple[int, int]:
    """Both from one."""
    return text.count("\n", 0, index) + 1, index - (text.rfind("\n", 0, index) + 1) + 1


def _start(text: str, path: Sequence[Step]) -> int:
    """The index of a value's first character."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    for step in path:
        at = _skip(text, at + 1)
        index = 0
        while True:
            name: Step = index
            if isinstance(step, str):
                name, at = decoder.raw_decode(text, at)
                at = _skip(text, _skip(text, at) + 1)
            if name == step:
                break
            _, at = decoder.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
            index += 1
    return at


def _skip(text: str, at: int) -> int:
    """Past white space."""
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
