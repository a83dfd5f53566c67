"""`lambdad completion`: what a shell needs to complete our commands and options."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script for SHELL.

    For bash: lambdad completion bash > ~/.local/share/bash-completion/completions/lambdad
    """
    from lambdad.cli.main import main

    kind = get_completion_class(shell)
    assert kind is not None
    print(kind(main, {}, "lambdad", "_LAMBDAD_COMPLETE").source())
