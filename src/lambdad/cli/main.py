"""`lambdad`: the command line. Each command is imported only when it is used, so that `--help` is quick."""

import importlib
from typing import Any

import click

from lambdad import __version__

_COMMANDS = {
    "serve": ("lambdad.cli.serve", "Run the server."),
    "deploy": ("lambdad.cli.deploy", "Zip a directory and create or update a function from it."),
    "invoke": ("lambdad.cli.invoke", "Invoke a function and print its answer."),
    "logs": ("lambdad.cli.logs", "Print a function's log."),
    "cost": ("lambdad.cli.cost", "Say what the same load would have cost on AWS."),
    "sign": ("lambdad.cli.sign", "Sign a package with a signing profile of your own."),
    "runtimes": ("lambdad.cli.runtimes", "List the managed runtimes and where this host has them."),
    "doctor": ("lambdad.cli.doctor", "Say what this host can and cannot do."),
    "completion": ("lambdad.cli.completion", "Print the shell completion script."),
}


class _Lazy(click.Group):
    """Knows its commands' names and one line about each; the rest is in their modules."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(_COMMANDS[cmd_name][0]).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lambdad")
def main(**_: Any) -> None:
    """AWS Lambda as a program you run yourself.

    Start the server with `lambdad serve`, then use any AWS tool with
    AWS_ENDPOINT_URL=http://127.0.0.1:4566, or the commands below.
    """
