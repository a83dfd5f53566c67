"""`python -m bench.interpreter`: which Python the measured functions run on, and the others are installed for."""

import os
import sys

from lambdad.runtimes.catalogue import RUNTIMES
from lambdad.runtimes.interpreters import Interpreter, Interpreters

_WANTED = ("python3.13", "python3.12")
"""The first that this host has. The others' packages (bench/requirements.lock) come built for these."""


def choose() -> str:
    """The path of its executable; this program's own if the host has none of them."""
    interpreters = Interpreters({}, os.environ)
    for name in _WANTED:
        found = interpreters.find(RUNTIMES[name])
        if isinstance(found, Interpreter):
            return found.executable
    return sys.executable


if __name__ == "__main__":
    print(choose())
