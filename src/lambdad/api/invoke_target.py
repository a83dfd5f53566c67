"""The path of Invoke: matched before all others, by its prefix and suffix, because it is the one that has to be fast."""

from urllib.parse import unquote

_INVOKE_PREFIX = b"/2015-03-31/functions/"
_INVOKE_SUFFIX = b"/invocations"


def invoke_target(target: bytes) -> tuple[str, str] | None:
    """(function name, raw query) if this is the path of Invoke."""
    path, _, query = target.partition(b"?")
    if path.startswith(_INVOKE_PREFIX) and path.endswith(_INVOKE_SUFFIX):
        name = path[len(_INVOKE_PREFIX) : -len(_INVOKE_SUFFIX)].decode("latin-1")
        if "/" not in name and name:
            return (unquote(name) if "%" in name else name), query.decode("latin-1")
    return None
