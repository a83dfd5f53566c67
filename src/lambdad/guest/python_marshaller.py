"""JSON in and out of a handler exactly as awslambdaric does it, at the speed of the interpreter's own json module.

awslambdaric reads and writes with simplejson, which without its compiled part (built for one Python version) is slow in
proportion to the payload. For values made of nothing but JSON's own types both write the same bytes, so those take the
short way; everything else (Decimal, bytes, named tuples, subclasses, keys that are no strings, whatever raises) goes
through simplejson and has its behaviour and its messages.
"""

import json

from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller

_JSON = "application/json"
_SCALARS = frozenset({str, int, float, bool, type(None)})


class Marshaller:
    """Takes the place of `awslambdaric.lambda_runtime_marshaller.LambdaMarshaller`: the same two calls."""

    def __init__(self) -> None:
        self._exact = LambdaMarshaller()
        self._ascii = self._exact.jsonEncoder.ensure_ascii
        self._encode = json.JSONEncoder(ensure_ascii=self._ascii).encode
        self._decode = json.JSONDecoder().decode

    def unmarshal_request(self, request: str, content_type: str = _JSON) -> object:
        if content_type != _JSON:
            return request
        try:
            return self._decode(request)
        except ValueError:
            return self._exact.unmarshal_request(request, content_type)

    def marshal_response(self, response: object) -> "tuple[str | bytes, str]":
        try:
            text = self._encode(response)
        except (TypeError, ValueError, RecursionError):
            return self._marshal_exactly(response)
        if not _is_plain(response):
            return self._marshal_exactly(response)
        if not text.isascii():
            # simplejson keeps its output valid JavaScript, whatever ensure_ascii says.
            text = text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
        return text, _JSON

    def _marshal_exactly(self, response: object) -> "tuple[str | bytes, str]":
        result: tuple[str | bytes, str] = self._exact.marshal_response(response)
        return result


def _is_plain(value: object) -> bool:
    """Is it made of exactly JSON's types? Asked after encoding it, so it has an end (no circular reference)."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        kind = type(value)
        if kind in _SCALARS:
            continue
        if isinstance(value, dict) and kind is dict:
            if any(type(key) is not str for key in value):
                return False
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)) and kind in (list, tuple):
            waiting.extend(value)
        else:
            return False
    return True
