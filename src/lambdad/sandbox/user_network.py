"""A way out for sandboxes of a server that is not root: slirp4netns, a TCP/IP stack in a process of the same user.

One for each sandbox, attached to its network namespace while it is prepared. It ends with the sandbox, and with the server
(--exit-fd), and keeps itself in a sandbox of its own: what it reads comes from functions.
The host's loopback is closed by slirp4netns; what else must not be reached is forbidden by routes that the first process
lays before it gives up the right to change them.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path

from lambdad.sandbox import netlink
from lambdad.sandbox.nat_gateway import FORBIDDEN, network_of
from lambdad.sandbox.netlink import MAIN_TABLE, Netlink

NAME_SERVER = "10.0.2.3"
"""slirp4netns's own, inside: it asks the host's."""
_ARGUMENTS = ("--configure", "--mtu=65520", "--disable-host-loopback", "--enable-sandbox", "--enable-seccomp")
_LIMIT = 10.0


def find_program() -> str:
    """Its path. Raises OSError where it could not do its work."""
    program = shutil.which("slirp4netns")
    if program is None:
        raise FileNotFoundError("slirp4netns is not installed")
    os.close(os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC))
    return program


class UserNetworks:
    def __init__(self, program: str, denied: Sequence[str], log: Path) -> None:
        """`denied`: networks (CIDR) that nobody may reach, beyond those nobody ever may."""
        self._program = program
        self._forbidden = [*FORBIDDEN, *(network for text in denied if (network := network_of(text)) is not None)]
        self._log = log

    def forbidding_routes(self) -> list[bytes]:
        """Netlink requests: they close this host's addresses, as they are now, and all that is forbidden."""
        route = Netlink()
        try:
            own = [IPv4Network(interface.ip) for _, interface in netlink.addresses(route)]
        finally:
            route.close()
        return [netlink.prohibit(network, MAIN_TABLE) for network in dict.fromkeys((*self._forbidden, *own))]

    async def attach(self, pid: int) -> "UserNetwork":
        """To the network namespace of this process. Raises OSError, TimeoutError."""
        exit_read, exit_write = os.pipe()
        ready_read, ready_write = os.pipe()
        output = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            process = await asyncio.create_subprocess_exec(
                *(self._program, *_ARGUMENTS, f"--exit-fd={exit_read}", f"--ready-fd={ready_write}"),
                *(str(pid), "tap0"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(exit_read, ready_write),
            )
        except BaseException:
            os.close(exit_write)
            os.close(ready_read)
            raise
        finally:
            for fd in (exit_read, ready_write, output):
                os.close(fd)
        network = UserNetwork(process, exit_write)
        try:
            await asyncio.wait_for(_ready(ready_read), _LIMIT)
        except BaseException:
            await network.close()
            raise
        finally:
            os.close(ready_read)
        return network


async def _ready(fd: int) -> None:
    """Until it has said so. Raises OSError if it ended instead."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(fd, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(fd)
    if not os.read(fd, 1):
        raise OSError("slirp4netns ended: run/zygotes.log says why")


class UserNetwork:
    """One sandbox's way out."""

    def __init__(self, process: asyncio.subprocess.Process, exit_fd: int) -> None:
        self._process = process
        self._exit_fd = exit_fd

    async def close(self) -> None:
        """Its process has ended when this returns. Idempotent."""
        if self._exit_fd >= 0:
            os.close(self._exit_fd)
            self._exit_fd = -1
        try:
            await asyncio.wait_for(self._process.wait(), _LIMIT)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
