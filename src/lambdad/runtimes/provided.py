"""How OS-only runtimes start: the function's own `bootstrap`.

AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-provided.html. AWS looks for it in the function first, then in /opt.
"""

from lambdad.sandbox.driver import Template


def template(identifier: str) -> Template:
    """Nothing but the system: the function brings its runtime."""
    return Template(name=identifier)


def start_argv(task_root: str) -> tuple[str, ...]:
    return (f"{task_root}/bootstrap",)
