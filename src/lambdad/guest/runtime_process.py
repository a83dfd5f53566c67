"""The runtime process, from pid 1's fork to the function's runtime.

It is forked before its function is known, gives up everything at once, and waits: what is slow is over when the function
comes. Only after a reset is it forked from a pid 1 that has given up everything itself.
"""

import functools
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn, Optional, ParamSpec

from lambdad.guest import enter, kernel, protocol

Arguments = ParamSpec("Arguments")

_OOM_SCORE = 500
"""oom_score_adj of what runs a function's code: when memory is short it goes, not pid 1, and no process of the host."""
_MOST_FILES = 1024
_REPORT = 1000
"""The descriptor by which a child that cannot execute its program says so; closed when it can."""
_WANTED = 1001
"""The descriptor that tells a waiting child what it is to become."""
_SNAPSHOT = 1002
"""That of a snapshot, to be written or restored."""
_PRESTARTED = 3
"""The same for an interpreter of its own; its number is in LAMBDAD_PRESTART_FD."""


class Inside(NamedTuple):
    """What pid 1 and its children know of their sandbox."""

    channel: socket.socket
    output: int
    uid: int
    seccomp: bytes
    user_namespace: bool
    module: Any
    """The runtime's own, where it forks: `run(environment)`."""


class Snapshot(NamedTuple):
    """One to be restored; or, with a limit, to be written."""

    descriptor: int
    limit: Optional[int]
    """Bytes that it may be long."""


def _to_its_end(function: Callable[Arguments, None]) -> Callable[Arguments, NoReturn]:
    """What a forked child does is all it does: it never returns to what its parent was doing."""

    @functools.wraps(function)
    def run(*arguments: Arguments.args, **named: Arguments.kwargs) -> NoReturn:
        try:
            function(*arguments, **named)
        except BaseException:  # noqa: BLE001 - said here, or nowhere
            traceback.print_exc()
        finally:
            os._exit(1)

    return run


@_to_its_end
def wait(inside: Inside, readable: int) -> None:
    """Become what is told on the descriptor: `argv` (or null: the module's `run`), `environment`; a snapshot to restore."""
    stand_alone(inside, readable, None)
    leave_privileges(inside)
    kernel.set_dumpable(1)  # else not even its own /dev/stdout could be opened by name
    with socket.socket(fileno=_WANTED) as channel:
        wanted, fds = protocol.receive(channel)
    if wanted is None:
        return
    if fds:
        move(fds[0], _SNAPSHOT)
        restore(inside.module, wanted["environment"])
    else:
        become(inside.module, wanted["argv"], wanted["environment"])


@_to_its_end
def prestart(inside: Inside, readable: int, argv: Sequence[str]) -> None:
    """Execute an interpreter that waits on its own."""
    stand_alone(inside, readable, None)
    os.dup2(_WANTED, _PRESTARTED)
    leave_privileges(inside)
    execute(argv, {"LAMBDAD_PRESTART_FD": str(_PRESTARTED), "PATH": "/usr/bin:/bin"})


@_to_its_end
def begin(
    inside: Inside, argv: Optional[Sequence[str]], environment: dict[str, str], snapshot: Optional[Snapshot]
) -> None:
    """At once, from a pid 1 that is unprivileged already."""
    kernel.set_dumpable(1)
    kernel.set_oom_score(_OOM_SCORE)
    stand_alone(inside, None, snapshot.descriptor if snapshot is not None else None)
    if snapshot is None:
        become(inside.module, argv, environment)
    elif snapshot.limit is None:
        restore(inside.module, environment)
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (snapshot.limit, snapshot.limit))
        become(inside.module, None, environment, _SNAPSHOT)


@_to_its_end
def become_extension(inside: Inside, program: str, environment: dict[str, str]) -> None:
    """From a pid 1 that is unprivileged already. What cannot be executed is told by its name."""
    kernel.set_dumpable(1)
    kernel.set_oom_score(_OOM_SCORE)
    stand_alone(inside, None, None)
    os.chdir("/")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execve(program, [program], environment)
    except OSError as error:
        told = {"op": "extension not executed", "name": os.path.basename(program), "errno": error.errno}
        protocol.send(socket.socket(fileno=_REPORT), told)


def restore(module: Any, environment: dict[str, str]) -> None:
    """Never returns."""
    os.close(_REPORT)
    module.restore(environment, _SNAPSHOT)


def leave_privileges(inside: Inside) -> None:
    kernel.set_oom_score(_OOM_SCORE)
    enter.become_unprivileged(inside.uid, inside.uid, inside.seccomp, inside.user_namespace)


def stand_alone(inside: Inside, readable: Optional[int], snapshot: Optional[int]) -> None:
    """A session, standard streams, and none of pid 1's descriptors but some out of the way."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(inside.channel.detach(), _REPORT, inheritable=False)
    for descriptor, number in ((readable, _WANTED), (snapshot, _SNAPSHOT)):
        if descriptor is not None:
            os.dup2(descriptor, number, inheritable=False)
        else:
            os.closerange(number, number + 1)
    null = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((null, 0), (inside.output, 1), (inside.output, 2)):
        os.dup2(source, target)
    os.closerange(3, _REPORT)
    os.closerange(_SNAPSHOT + 1, _MOST_FILES)


def move(descriptor: int, number: int) -> None:
    os.dup2(descriptor, number, inheritable=False)
    os.close(descriptor)


def become(
    module: Any, argv: Optional[Sequence[str]], environment: dict[str, str], snapshot: Optional[int] = None
) -> None:
    """Never returns."""
    status = 1
    try:
        os.chdir(environment["LAMBDA_TASK_ROOT"])
        if argv is not None:
            execute(argv, environment)
        os.close(_REPORT)
        if snapshot is None:
            module.run(environment)
        else:
            module.run(environment, snapshot)
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - a fault of ours (the module reports its function's): said here, or nowhere
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def execute(argv: Sequence[str], environment: dict[str, str]) -> NoReturn:
    """Become the program. If that cannot be, say why and end."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and that would be inherited
    try:
        os.execve(argv[0], list(argv), environment)
    except OSError as error:
        protocol.send(socket.socket(fileno=_REPORT), {"op": "not executed", "errno": error.errno})
    finally:
        os._exit(127)
