"""What the server tells the first process of a sandbox, and how it is reached: the host's side of `guest/init.py`."""

import contextlib
import os
from collections.abc import Sequence
from ipaddress import IPv4Address

from lambdad.sandbox.cgroups.driver import Cgroup
from lambdad.sandbox.channel import Message
from lambdad.sandbox.driver import SandboxSpec
from lambdad.sandbox.mounts import own_files
from lambdad.sandbox.netlink import new_address
from lambdad.sandbox.network import TRACE_DAEMON, Network

Entrances = Sequence[tuple[str, int]]


def entrances_of(group: Cgroup | None, opened: contextlib.ExitStack) -> Entrances:
    """How a process gets into its control group: what each descriptor is (`guest/init.py`), and the descriptor."""
    if group is None:
        return []
    entrances = []
    for path in group.tasks:
        entrances.append(("tasks", os.open(path, os.O_WRONLY)))
        opened.callback(os.close, entrances[-1][1])
    if group.directory is not None:
        entrances.append(("group", os.open(group.directory, os.O_RDONLY | os.O_DIRECTORY)))
        opened.callback(os.close, entrances[-1][1])
    return entrances


def prepare_message(
    channel: int,
    output: int,
    user: int,
    front_door_port: int,
    network: Network | None,
    routes: Sequence[bytes],
    tmp: int | None,
    entrances: Entrances,
) -> tuple[Message, list[int]]:
    """The message and the descriptors beside it, which it names by their places."""
    others = list(entrances)
    if network is not None:
        others.append(("network", network.namespace_fd))
    if tmp is not None:
        others.append(("tmp", tmp))
    fds = [channel, output, *(fd for _, fd in others)]
    places = [(name, index) for index, (name, _) in enumerate(others, 2)]
    single = dict(places)
    message = {
        "op": "prepare",
        "uid": user,
        "hostname": "169-254-100-6",
        "network": single.get("network"),
        "group": single.get("group"),
        "tmp": single.get("tmp"),
        "tasks": [index for name, index in places if name == "tasks"],
        "front_door_port": front_door_port,
        "trace_daemon": TRACE_DAEMON,
        "routes": [request.hex() for request in (new_address(1, IPv4Address(TRACE_DAEMON[0]), 32), *routes)],
        "files": own_files(user),
    }
    return message, fds


def start_message(
    spec: SandboxSpec, tmp: int | None = None, extension_output: int | None = None
) -> tuple[Message, list[int]]:
    """`tmp`: a volume for /tmp other than the one it has. `extension_output`: where extensions print, if there are any."""
    snapshot = spec.snapshot
    given = (
        ("tmp", tmp),
        ("snapshot", snapshot.descriptor if snapshot is not None else None),
        ("extensions", extension_output),
    )
    named = [(name, fd) for name, fd in given if fd is not None]
    message = {
        "op": "start",
        "places": {name: index for index, (name, _) in enumerate(named)},
        "snapshot_limit": snapshot.limit if snapshot is not None else None,
        "code": os.path.basename(spec.code),
        "layers": [os.path.basename(layer) for layer in spec.layers],
        "tmp_mb": spec.ephemeral_mb,
        "environment": dict(spec.environment),
        "argv": spec.argv,
    }
    if extension_output is not None:
        message |= {"extensions": spec.extensions, "extension_environment": dict(spec.extension_environment)}
    return message, [fd for _, fd in named]
