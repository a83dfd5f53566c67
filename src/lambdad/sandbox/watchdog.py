"""Ends what a dead server left running, for the process driver: a program of its own, standard library only.

On standard input the server says which process groups it has (`+123`) and no longer has (`-123`). However the server ends,
its end of the pipe closes, and then the groups it still had are killed. Works where there is no PR_SET_PDEATHSIG, and
reaches the children of children.
"""

import os
import signal
import sys


def main() -> None:
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


if __name__ == "__main__":
    main()
