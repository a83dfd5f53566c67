"""`lambdad serve`: the options are those of `config.py`. The only command that imports the server."""

import gc
import os
import sys
from typing import Any

import click

from lambdad.config import OPTIONS, ConfigError, Option, make_config
from lambdad.resources.quotas import set_quotas


def _as_click(option: Option) -> click.Option:
    text = f"{option.help}  [{option.variable}]"
    names = [option.flag, option.name]
    if option.kind is bool:
        return click.Option(names, is_flag=True, default=None, help=text)
    kind: Any = click.Choice(option.choices) if option.choices else option.kind
    shown = str(option.default) if option.default not in (None, ()) else False
    return click.Option(names, type=kind, default=None, multiple=option.many, help=text, show_default=shown)


def _serve(**flags: Any) -> None:
    try:
        config = make_config(flags, os.environ)
        set_quotas(config.quotas)
    except (ConfigError, ValueError) as error:
        print(f"lambdad: {error}", file=sys.stderr)
        sys.exit(2)
    gc.disable()  # what is imported stays; `server/state.py` lets the collector begin
    from lambdad.server.process import serve

    sys.exit(serve(config))


command = click.Command(
    "serve",
    callback=_serve,
    params=[_as_click(option) for option in OPTIONS],
    help="Run the server until SIGTERM or Ctrl-C. Every option can also be given as the environment variable named beside it.",
)
