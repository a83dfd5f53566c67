"""Writes the diagram of docs/environments.md from the transition table (`environments/states.py`)."""

from pathlib import Path

from lambdad.environments.states import TRANSITIONS

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
"""


def text() -> str:
    lines = [
        f"    {state.value} --> {following.value}"
        for state, after in TRANSITIONS.items()
        for following in sorted(after, key=lambda one: one.value)
    ]
    return HEAD + "\n".join(lines) + "\n    dead --> [*]\n" + TAIL


if __name__ == "__main__":
    Path(__file__).with_name("environments.md").write_text(text())
