"""Networks of sandboxes: a namespace each, with the sockets that reach in, and with the way out where that is wished.

They are made ahead by one thread, off the event loop, and used again when their sandbox is gone. The Runtime API and the AWS
endpoint need no route: their sockets are made inside the namespace, on its loopback, and listened to by the server.
AWS: docs.aws.amazon.com/lambda/latest/dg/foundation-networking.html
"""

import asyncio
import logging
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TypeVar

from lambdad.sandbox import netlink
from lambdad.sandbox.driver import SandboxError
from lambdad.sandbox.nat_gateway import Connection, NatGateway
from lambdad.sandbox.netlink import Netlink
from lambdad.sandbox.network_namespace import inside, listen, receive_datagrams, without_ipv6

log = logging.getLogger(__name__)

T = TypeVar("T")

TRACE_DAEMON = ("169.254.100.1", 2000)
"""Where functions find the X-Ray daemon, as on AWS: on the loopback interface inside."""
_RUNTIME_API_PORT = 9001
_READY = 8
_KEPT = 64
_LOOPBACK = 1


@dataclass(slots=True, eq=False)
class Network:
    """One network namespace. Whoever has taken it may put processes into it; they cannot change it."""

    id: int
    namespace_fd: int
    runtime_api: socket.socket
    """Listening at 127.0.0.1:9001 inside, non-blocking."""
    front_door: socket.socket | None
    """Listening inside at the server's own port."""
    front_door_address: str | None
    trace_daemon: socket.socket
    """Receives inside at `TRACE_DAEMON`."""
    route: Netlink
    connection: Connection | None

    def clean(self) -> None:
        """Ready for the next sandbox. Every process of the last one is dead."""
        for listener in (self.runtime_api, self.front_door):
            if listener is not None:
                _forget_waiting(listener)
        _forget_datagrams(self.trace_daemon)
        if self.connection is not None:
            self.connection.renew()

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.route.close()
        self.runtime_api.close()
        if self.front_door is not None:
            self.front_door.close()
        self.trace_daemon.close()
        os.close(self.namespace_fd)


def _forget_waiting(listener: socket.socket) -> None:
    """Connections that the dead have left in the queue."""
    while True:
        try:
            waiting, _ = listener.accept()
        except BlockingIOError:
            return
        waiting.close()


def _forget_datagrams(receiver: socket.socket) -> None:
    """Nor may what the dead have sent become the next one's."""
    while True:
        try:
            receiver.recv(1)
        except BlockingIOError:
            return


class NetworkPool:
    """`mode`: nat or none. Needs root; without, a sandbox's first process makes its own namespace."""

    def __init__(self, instance: str, mode: str, denied: Sequence[str] = (), ready: int = _READY) -> None:
        """`instance`: tells this server from others of the host, e.g. its data directory."""
        self.front_door_port = 0
        """To be set before the first `take`, once the server listens; 0: networks without front door."""
        self.outbound = False
        self.reason = "the setting --network is none"
        """Why nothing outside is reached, when `outbound` is False."""
        self._gateway = NatGateway(instance, denied) if mode == "nat" else None
        self._wanted = ready
        self._ready: deque[Network] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="networks")
        self._filling: asyncio.Task[None] | None = None
        self._cleaning: set[asyncio.Task[None]] = set()
        self._made = 0
        self._closed = False

    async def open(self) -> None:
        """Remove what a killed server left. A host that cannot translate addresses gets networks without a way out."""
        if self._gateway is None:
            return
        try:
            await self._in_thread(self._gateway.open)
        except OSError as error:
            self._gateway = None
            self.reason = f"the host cannot translate addresses: {error}"
            log.warning("functions reach nothing outside: %s (lambdad doctor says more)", self.reason)
        else:
            self.outbound, self.reason = True, ""

    async def take(self) -> Network:
        """At once while there are some ready; else as soon as one is made. Raises SandboxError."""
        network = self._ready.popleft() if self._ready else await self._make()
        self._fill()
        return network

    def give_back(self, network: Network) -> None:
        """After the last process inside has died."""
        task = asyncio.get_running_loop().create_task(self._recycle(network))
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)

    async def close(self) -> None:
        """Those still taken are closed by `give_back`'s callers before this, or by the end of the process."""
        self._closed = True
        if self._filling is not None:
            await self._filling
        await asyncio.gather(*self._cleaning)
        while self._ready:
            await self._in_thread(self._ready.popleft().close)
        if self._gateway is not None:
            await self._in_thread(self._gateway.close)
        self._thread.shutdown()

    # ------------------------------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        if len(self._ready) < self._wanted and (self._filling is None or self._filling.done()) and not self._closed:
            self._filling = asyncio.get_running_loop().create_task(self._fill_up())

    async def _fill_up(self) -> None:
        while len(self._ready) < self._wanted and not self._closed:
            try:
                self._ready.append(await self._make())
            except SandboxError as error:
                log.warning("%s", error)
                return

    async def _make(self) -> Network:
        self._made += 1
        making = self._in_thread(make_network, self._made, self.front_door_port, self._gateway)
        try:
            return await asyncio.shield(making)
        except OSError as error:
            raise SandboxError(f"no network for a sandbox: {error}") from error
        except asyncio.CancelledError:
            making.add_done_callback(self._unwanted)
            raise

    def _unwanted(self, making: "asyncio.Future[Network]") -> None:
        if making.exception() is None:
            self.give_back(making.result())

    async def _recycle(self, network: Network) -> None:
        if not self._closed and len(self._ready) < _KEPT:
            try:
                await self._in_thread(network.clean)
            except OSError as error:
                log.warning("a sandbox's network cannot be used again: %s", error)
            else:
                self._ready.append(network)
                return
        try:
            await self._in_thread(network.close)
        except OSError as error:
            log.warning("a sandbox's network did not close: %s", error)

    def _in_thread(self, work: Callable[..., T], *arguments: object) -> "asyncio.Future[T]":
        return asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def make_network(number: int, front_door_port: int, gateway: NatGateway | None) -> Network:
    """A network namespace with its loopback up, its sockets, and its link to the gateway. Raises OSError."""
    with inside() as namespace:
        route = Netlink()
        route.run(netlink.link_up(_LOOPBACK), netlink.new_address(_LOOPBACK, IPv4Address(TRACE_DAEMON[0]), 32))
        trace_daemon = receive_datagrams(TRACE_DAEMON)
        runtime_api = listen(_RUNTIME_API_PORT)
        front_door = listen(front_door_port) if front_door_port else None
        if gateway is not None:
            without_ipv6("default")  # ::1 stays
    address = f"127.0.0.1:{front_door_port}" if front_door is not None else None
    network = Network(number, namespace, runtime_api, front_door, address, trace_daemon, route, None)
    try:
        network.connection = gateway.connect(route) if gateway is not None else None
    except OSError:
        network.close()
        raise
    return network
