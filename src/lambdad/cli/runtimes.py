"""`lambdad runtimes`: each managed runtime, where this host has its interpreter, or how to get it."""

import os
import sys
from dataclasses import dataclass

import click

from lambdad.cli.client import fail
from lambdad.config import ConfigError, make_config
from lambdad.runtimes.catalogue import RUNTIMES, Runtime, creation_blocked
from lambdad.runtimes.interpreters import Interpreters, Missing

_NOT_YET = "lambdad does not run it yet"


@dataclass(frozen=True, slots=True)
class Row:
    """One runtime as this host has it."""

    runtime: str
    version: str | None
    """The interpreter's; None where there is none or none is needed."""
    note: str
    """The interpreter's path, or what is missing and how to get it."""
    runs: bool


def rows(interpreters: Interpreters) -> list[Row]:
    """Those AWS lets a new function have, those that run here first in their families."""
    return [_row(runtime, interpreters) for name, runtime in RUNTIMES.items() if not creation_blocked(name)]


def _row(runtime: Runtime, interpreters: Interpreters) -> Row:
    if not runtime.runs:
        return Row(runtime.identifier, None, _NOT_YET, False)
    if runtime.interpreter is None:
        return Row(runtime.identifier, None, "the function brings its own bootstrap", True)
    found = interpreters.find(runtime)
    if isinstance(found, Missing):
        return Row(runtime.identifier, None, f"not installed. {found.how}", False)
    return Row(runtime.identifier, found.version, found.executable, True)


@click.command("runtimes")
@click.option("--all", "everything", is_flag=True, help="Also those lambdad does not run yet.")
def command(everything: bool) -> None:
    """List the managed runtimes and where this host has them.

    Interpreters are looked for on PATH, where pyenv, uv, asdf, mise, nvm, fnm and volta keep them, in the system's
    directories, and where LAMBDAD_INTERPRETER says (as `lambdad serve --interpreter`).
    """
    try:
        given = make_config({}, os.environ).interpreters
    except ConfigError as error:
        fail(str(error), 2)
    shown = [row for row in rows(Interpreters(given, os.environ)) if everything or row.note != _NOT_YET]
    for row in shown:
        sys.stdout.write(f"{row.runtime:<16} {row.version or '':<10} {row.note}\n")
