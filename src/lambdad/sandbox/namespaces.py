"""The namespaces driver: each sandbox has its own mount, pid, ipc, uts, network and cgroup namespace, and its own user.

The processes: server → one zygote per runtime (`guest/jail.py`, `guest/zygote.py`) → the first process of each sandbox
(`guest/init.py`) → the runtime process. When the server is killed, all of them die with it.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

from lambdad.sandbox.cgroups.claims import remove_abandoned
from lambdad.sandbox.cgroups.driver import Hierarchy, remove_all, thaw_all
from lambdad.sandbox.cgroups.host import find_hierarchy
from lambdad.sandbox.driver import SandboxError, Template
from lambdad.sandbox.ephemeral_storage import EphemeralStorage
from lambdad.sandbox.namespaces_sandbox import LIMIT, USER_INSIDE, NamespacesSandbox, gone
from lambdad.sandbox.network import Network, NetworkPool
from lambdad.sandbox.user_network import NAME_SERVER, UserNetworks
from lambdad.sandbox.users import own_users
from lambdad.sandbox.zygotes import Jail, Zygote

log = logging.getLogger(__name__)

_SANDBOXES = 60_000


async def remove_leftovers(record: Path, name: str) -> None:
    """What a killed server of the same data directory left: it wrote down where, since this one may be in other groups."""
    roots = _recorded(record, name)
    for pid in thaw_all(roots):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await gone(partial(remove_all, roots))


def _recorded(record: Path, name: str) -> list[Path]:
    lines = record.read_text().splitlines() if record.exists() else []
    return [path for path in map(Path, lines) if path.name == name and path.is_dir()]


class NamespacesDriver:
    name = "namespaces"

    def __init__(
        self, data_dir: Path, unpacked: Path, networks: NetworkPool | None, user_networks: UserNetworks | None = None
    ) -> None:
        """`networks`: of a server that is root; `user_networks`: of one that is not.

        With neither a sandbox has only its own loopback, and reaches nothing but the server's two sockets.
        """
        self._data_dir = data_dir
        self._unpacked = unpacked
        self._networks = networks
        self._user_networks = user_networks
        self.front_door_port = 0
        """Known once the server listens: the port inside is the same."""
        self._group_name = "lambdad-" + hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]
        self._hierarchy: Hierarchy | None = None
        self._zygotes: dict[Template, asyncio.Task[Zygote]] = {}
        self._sandboxes: dict[int, NamespacesSandbox] = {}
        self._free: list[int] = []
        self._highest = 0
        self._jail: Jail | None = None
        self._users: range | None = None
        self._storage: EphemeralStorage | None = None

    async def open(self) -> None:
        run = self._data_dir / "run"
        (run / "root").mkdir(parents=True, exist_ok=True)
        zygote_log = run / "zygotes.log"
        zygote_log.write_bytes(b"")
        self._users = own_users(self._data_dir)
        resolver = NAME_SERVER if self._user_networks is not None else None
        self._jail = Jail(self._unpacked, run / "root", self._users is None, resolver, zygote_log)
        self._storage = await open_storage(run / "ephemeral") if self._users is not None else None
        groups = run / "cgroups"
        await remove_leftovers(groups, self._group_name)
        self._hierarchy, found = find_hierarchy(self._group_name)
        log.info("sandboxes: namespaces; %s", found)
        if self._hierarchy is not None:
            groups.write_text("\n".join(map(str, self._hierarchy.roots)))
            await asyncio.to_thread(remove_abandoned, self._hierarchy.roots)
        if self._networks is not None:
            await self._networks.open()

    async def prepare(self, template: Template) -> NamespacesSandbox:
        zygote = await self._zygote(template)
        number = self._take_number()
        network, cgroup = None, None
        try:
            if self._networks is not None:
                self._networks.front_door_port = self.front_door_port
                network = await self._networks.take()
            if self._hierarchy is not None:
                cgroup = await asyncio.to_thread(self._hierarchy.make, str(number))
        except BaseException as error:
            self._give_back(number, network)
            if isinstance(error, OSError):
                raise SandboxError(f"a control group could not be made: {error}") from error
            raise
        sandbox = NamespacesSandbox(
            number, template, cgroup, self._storage, self._user_networks, lambda: self._forget(number, network)
        )
        self._sandboxes[number] = sandbox
        user = self._users[number] if self._users is not None else USER_INSIDE
        try:
            await sandbox.prepare(zygote, user, self.front_door_port, network)
        except BaseException:
            await sandbox.destroy()
            raise
        return sandbox

    def _take_number(self) -> int:
        """Numbers are users: none is used by two sandboxes at once."""
        if self._free:
            return self._free.pop(0)
        if self._highest >= _SANDBOXES or (self._users is not None and self._highest >= len(self._users) - 1):
            raise SandboxError("too many sandboxes")
        self._highest += 1
        return self._highest

    def _forget(self, number: int, network: Network | None) -> None:
        sandbox = self._sandboxes.pop(number)
        if network is None:
            for listener in (
                getattr(sandbox, "runtime_api", None),
                sandbox.front_door,
                getattr(sandbox, "trace_daemon", None),
            ):
                if listener is not None:
                    listener.close()
        self._give_back(number, network)

    def _give_back(self, number: int, network: Network | None) -> None:
        self._free.append(number)
        if network is not None and self._networks is not None:
            self._networks.give_back(network)

    async def _zygote(self, template: Template) -> Zygote:
        task = self._zygotes.get(template)
        if task is None or (task.done() and (task.exception() is not None or task.result().dead)):
            task = self._zygotes[template] = asyncio.create_task(self._start_zygote(template))
        return await asyncio.shield(task)

    async def _start_zygote(self, template: Template) -> Zygote:
        assert self._jail is not None
        zygote = Zygote(template, self._jail)
        await zygote.start()
        return zygote

    async def close(self) -> None:
        ended = [sandbox.destroy() for sandbox in list(self._sandboxes.values())]
        for error in await asyncio.gather(*ended, return_exceptions=True):
            if isinstance(error, BaseException):
                log.error("a sandbox did not end: %r", error)
        for task in self._zygotes.values():
            zygote = (await asyncio.gather(task, return_exceptions=True))[0]
            if isinstance(zygote, Zygote):
                await zygote.stop()
        self._zygotes.clear()
        if self._hierarchy is not None:
            await gone(partial(remove_all, self._hierarchy.roots))
            self._hierarchy.release()
        if self._networks is not None:
            await self._networks.close()


async def open_storage(directory: Path) -> EphemeralStorage | None:
    storage = EphemeralStorage(directory)
    try:
        await asyncio.to_thread(storage.open)
    except OSError as error:
        log.info("/tmp in sandboxes is memory, and counts as such: %s", error)
        return None
    return storage


def can_make_namespaces() -> bool:
    """Tried in a process of its own, which ends with what it made."""
    if sys.platform != "linux":
        return False
    flags = "0x1c000000" if os.geteuid() else "0x0c020000"  # user (where not root), ipc, uts; mount where root
    attempt = f"import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare({flags}) != 0)"
    return subprocess.run([sys.executable, "-I", "-S", "-c", attempt], timeout=LIMIT, check=False).returncode == 0
