"""How OS-only runtimes start: the function's own `bootstrap`.

AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-provided.html. AWS looks for it in the function first, then in /opt.
"""

import os
from collections.abc import Sequence

from lambdad.sandbox.driver import Template


def template(identifier: str) -> Template:
    """Nothing but the system: the function brings its runtime."""
    return Template(name=identifier)


def start_argv(task_root: str, code: str, layers: Sequence[str]) -> tuple[str, ...]:
    """`code`, `layers`: the unpacked packages' directories on the host."""
    if _has_bootstrap(code) or not any(map(_has_bootstrap, layers)):
        return (f"{task_root}/bootstrap",)
    return ("/opt/bootstrap",)


def _has_bootstrap(package: str) -> bool:
    return os.path.lexists(f"{package}/bootstrap")
