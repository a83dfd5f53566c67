"""Filter patterns that are terms, and what all of them share: what an expression is, what is no pattern. Pure.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import re
from collections.abc import Callable, Iterator

Match = Callable[[str], bool]


class InvalidPattern(ValueError):
    """It is none of the three."""


_AS_IT_IS = re.compile(r"[ !#-\[\]-~]+")
"""What JSON does not write in another way."""

_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|%([^%]+)%|([\w.:/@#,+=$\'-]+))(?=\s|$)')


def compile_terms(text: str) -> Match:
    """All of the plain ones, none of those with a minus; of those with a question mark one, if there are no others."""
    tests: dict[str, list[Match]] = {"": [], "-": [], "?": []}
    for sign, regex, term in _read_terms(text):
        tests[sign].append(expression(regex) if regex else _contains(term))
    needed, unwanted, optional = tests[""], tests["-"], tests["?"]
    if len(needed) == 1 and not unwanted:
        return needed[0]
    if not needed and not unwanted:
        return lambda message: any(test(message) for test in optional)
    return lambda message: all(test(message) for test in needed) and not any(test(message) for test in unwanted)


def _read_terms(text: str) -> Iterator[tuple[str, str, str]]:
    """(sign, expression, term): one of the two latter. Raises InvalidPattern."""
    at = 0
    while at < len(text):
        found = _TERM.match(text, at)
        if found is None:
            raise InvalidPattern(text)
        at = found.end() + (len(text[found.end() :]) - len(text[found.end() :].lstrip()))
        sign, quoted, regex, plain = found.groups()
        yield sign, regex or "", _phrase(quoted) if quoted is not None else plain or ""


def _phrase(quoted: str) -> str:
    """Blanks in quotes are in every event, whatever is in it."""
    return unescaped(quoted) if quoted.strip(" ") else ""


def needle_of(pattern: str) -> bytes:
    """What the JSON of every message that matches has in it; nothing: they may have anything. Raises InvalidPattern."""
    stripped = pattern.strip()
    if stripped.startswith(("{", "[")):
        return b""
    needed = [term for sign, regex, term in _read_terms(stripped) if not sign and not regex]
    return max((term.encode() for term in needed if _AS_IT_IS.fullmatch(term)), key=len, default=b"")


def _contains(term: str) -> Match:
    return lambda message: term in message


def expression(text: str) -> Match:
    """By an engine that takes no longer than the text is long: expressions and messages are anyone's."""
    import re2  # at first use: few patterns have one

    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(text, options)
    except re2.error as error:
        raise InvalidPattern(text) from error
    return lambda message: compiled.search(message) is not None


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)
