"""Writes the diagrams of docs/environments.md from the transition tables (`environments/states.py`, `extension.py`)."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from lambdad.environments import extension, states

HEAD = """# Execution environments

The lifecycle of an execution environment, drawn from the table in `src/lambdad/environments/states.py`.

```mermaid
stateDiagram-v2
    [*] --> down
"""
TAIL = """```

An environment is made for an invocation: its sandbox is taken from the prepared ones, the function is mounted, the runtime
process starts (INIT, at most 10 s). Idle ones are frozen after `--freeze-after` and shut down after `--idle-timeout`. After a
timeout, a crash or a failed init every process inside is ended, /tmp stays, and the next invocation starts the runtime anew as
part of itself: AWS calls that a suppressed init.

## Extensions

The lifecycle of an extension ([more](extensions.md)), drawn from the table in `src/lambdad/environments/extension.py`. What is not
in it is refused.

```mermaid
stateDiagram-v2
    [*] --> Started
"""
END = """```
"""


def arrows(table: Mapping[Enum, frozenset[Enum]]) -> str:
    lines = [
        f"    {state.value} --> {following.value}"
        for state, after in table.items()
        for following in sorted(after, key=lambda one: str(one.value))
    ]
    return "\n".join(lines) + "\n"


def text() -> str:
    environment, one = arrows(dict(states.TRANSITIONS)), arrows(dict(extension.TRANSITIONS))
    return HEAD + environment + "    dead --> [*]\n" + TAIL + one + "    Exited --> [*]\n" + END


if __name__ == "__main__":
    Path(__file__).with_name("environments.md").write_text(text())
