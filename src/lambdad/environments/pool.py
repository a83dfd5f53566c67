"""The environments of one function version (and tenant): take an idle one, start one, retire all.

An invocation never waits for an environment that is only busy: it gets one of its own, as on AWS. It waits only while one
is being made, while one that has just answered comes back, or while the host is full (bounded by `Host.wait_limit`).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from typing import Protocol

from lambdad.environments.environment import Environment
from lambdad.environments.provisioned import Provisioned
from lambdad.environments.states import State
from lambdad.errors import ServiceException, TooManyRequestsException
from lambdad.resources.function import FunctionVersion
from lambdad.resources.invocation import Invocation
from lambdad.sandbox.driver import SandboxError

log = logging.getLogger(__name__)

_RETURN_GRACE = {State.ANSWERED: 0.05, State.RESETTING: 5.0}
"""Seconds given to an environment that has answered to come back before another is started instead. Both take far less
unless the host is overloaded, and then another start would only add to it; a runtime that goes on working after its answer
is not waited for. The caller of a function that failed finds what it left in /tmp, as on AWS."""

_REST = 5.0
"""Seconds until provisioned environments are tried again that this host could not make."""


class Host(Protocol):
    """All environments of this host (`environments.py`)."""

    wait_limit: float
    """Seconds an invocation may wait for room on this host."""

    def new_environment(self, pool: "Pool") -> Environment | None:
        """At once, from a spare sandbox; None if there is none."""

    async def make_environment(self, pool: "Pool", provisioned: bool) -> Environment:
        """Raises SandboxError."""

    def may_scale(self, pool: "Pool") -> bool:
        """May its function have one more environment already? AWS limits how fast their number grows."""

    def scaled(self, pool: "Pool") -> None:
        """It gets one."""

    def take_room(self, pool: "Pool") -> bool:
        """Room for one more environment; an idle one of another version is given up for it if need be."""

    def room_freed(self, pool: "Pool") -> None: ...

    def pool_emptied(self, pool: "Pool") -> None:
        """Nothing of it is left: if it was retired, or is a tenant's, it may be forgotten."""

    def environment_idle(self, environment: Environment) -> None:
        """It may be frozen or expire, and its memory given to others."""

    def environment_woken(self, environment: Environment) -> None:
        """It is idle no more."""


class Pool:
    """Owner of its environments."""

    __slots__ = (
        "_answered",
        "_growing",
        "_host",
        "_idle",
        "_loop",
        "_tasks",
        "_waiting",
        "all",
        "provisioned",
        "retired",
        "tenant_id",
        "version",
    )

    def __init__(self, version: FunctionVersion, host: Host, tenant_id: str | None = None) -> None:
        self.version = version
        self.tenant_id = tenant_id
        self._host = host
        self._idle: list[Environment] = []
        self._waiting: deque[Invocation] = deque()
        self._answered: set[Environment] = set()
        self._growing = 0
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self.all: set[Environment] = set()
        self.provisioned = Provisioned()
        self.retired = False

    def submit(self, invocation: Invocation) -> None:
        """`invocation.done` will be called, with a result or a ServiceError. Returns at once."""
        while idle := self.provisioned.ready or self._idle:
            environment = idle.pop()
            self._host.environment_woken(environment)
            if environment.state is not State.DEAD:  # its sandbox failed, and is being removed
                environment.invoke(invocation)
                return
        if len(self._answered) > len(self._waiting):
            self._waiting.append(invocation)
            grace = max(_RETURN_GRACE.get(environment.state, 0.0) for environment in self._answered)
            self._loop.call_later(grace, self._start_if_waiting, invocation)
            return
        self._start_for(invocation)

    def _start_if_waiting(self, invocation: Invocation) -> None:
        if invocation in self._waiting:
            self._waiting.remove(invocation)
            self._start_for(invocation)

    def _start_for(self, invocation: Invocation) -> None:
        if not self._host.may_scale(self):
            invocation.done(TooManyRequestsException.scaling_rate())
            self._host.pool_emptied(self)
            return
        if not self._host.take_room(self):
            self._waiting.append(invocation)
            self._loop.call_later(self._host.wait_limit, self._give_up, invocation)
            return
        self._host.scaled(self)
        environment = self._host.new_environment(self)
        if environment is not None:
            self._adopt(environment, invocation)
            return
        self._waiting.append(invocation)
        self._grow()

    def _give_up(self, invocation: Invocation) -> None:
        if invocation in self._waiting:
            self._waiting.remove(invocation)
            invocation.done(TooManyRequestsException.no_capacity())
            self._host.pool_emptied(self)

    def _grow(self) -> None:
        self._growing += 1
        self._spawn(self._make())

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._making_done)

    def _making_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("making an environment for %s failed", self.version.qualified_arn, exc_info=error)

    async def _make(self) -> None:
        """One environment, for whoever has waited longest by then. Whatever fails, nobody is left waiting for it."""
        environment: Environment | None = None
        try:
            environment = await self._host.make_environment(self, provisioned=False)
        except (SandboxError, OSError) as error:
            log.error("no environment for %s: %r", self.version.qualified_arn, error)
        finally:
            self._growing -= 1
            if environment is None:
                if self._waiting:
                    self._waiting.popleft().done(ServiceException.internal())
                self._host.room_freed(self)
        if environment is not None:
            self._adopt(environment, self._waiting.popleft() if self._waiting else None)

    def _adopt(self, environment: Environment, invocation: Invocation | None) -> None:
        environment.retired = self.retired
        self.all.add(environment)
        environment.begin_init()
        if invocation is not None:
            environment.invoke(invocation)

    def room_may_be_free(self) -> None:
        """Called when some environment of this host is gone."""
        while len(self._waiting) > self._growing and self._host.take_room(self):
            self._host.scaled(self)
            self._grow()
        self._fill()

    @property
    def empty(self) -> bool:
        """Nothing is in it, and nothing will be of what was asked so far."""
        return not (self.all or self._growing or self._waiting or self.provisioned.growing)

    @property
    def starved(self) -> bool:
        """Invocations wait and nothing is being made for them; or provisioned environments are missing."""
        return len(self._waiting) > self._growing or self.provisioned.missing > 0

    # --- Provisioned concurrency --------------------------------------------------------------------------------------

    def provision(self, count: int) -> None:
        """Have that many environments initialised, from now on."""
        provisioned = self.provisioned
        if count > provisioned.target:
            provisioned.failed = False
        provisioned.target = count
        while provisioned.surplus and provisioned.ready:
            self._give_up_ready()
        for environment in list(provisioned.all)[: provisioned.surplus]:
            environment.retired = True  # should it be busy it goes when it has answered
            provisioned.gone(environment)
            if environment.only_starting:
                environment.shutdown()
        self._fill()

    def _fill(self) -> None:
        while self.provisioned.missing and not self.retired and self._host.take_room(self):
            self.provisioned.growing += 1
            self._spawn(self._make_provisioned())

    async def _make_provisioned(self) -> None:
        provisioned = self.provisioned
        environment: Environment | None = None
        try:
            environment = await self._host.make_environment(self, provisioned=True)
        except (SandboxError, OSError) as error:
            log.error("no provisioned environment for %s: %r", self.version.qualified_arn, error)
        finally:
            provisioned.growing -= 1
            if environment is None:
                provisioned.resting = True
                self._loop.call_later(_REST, self._rested)
                self._host.room_freed(self)
        if environment is None:
            return
        if len(provisioned.all) < provisioned.target:
            provisioned.all.add(environment)
        self._adopt(environment, None)
        if environment not in provisioned.all:
            environment.retired = True  # fewer are wanted by now: when it is ready it goes

    def _rested(self) -> None:
        self.provisioned.resting = False
        self._fill()

    def _give_up_ready(self) -> None:
        environment = self.provisioned.ready.pop(0)
        self.provisioned.gone(environment)
        environment.retired = True
        self._host.environment_woken(environment)
        environment.shutdown()

    # --- Owner ------------------------------------------------------------------------------------------------------

    def environment_answered(self, environment: Environment) -> None:
        if environment.state in _RETURN_GRACE:
            self._answered.add(environment)
        if environment.state is State.RESETTING:
            self.provisioned.initialised.discard(environment)
        self.provisioned.restarted.discard(environment)

    def environment_ready(self, environment: Environment) -> None:
        self._answered.discard(environment)
        if environment.state is State.DOWN and self._without_runtime(environment):
            return
        owned = environment in self.provisioned.all
        if owned:
            self.provisioned.initialised.add(environment)
            if environment not in self.provisioned.restarted:
                self.provisioned.proven.add(environment)
        if self._waiting:
            environment.invoke(self._waiting.popleft())
        elif environment.retired:
            environment.shutdown()
        else:
            environment.idle_since = self._loop.time()
            (self.provisioned.ready if owned else self._idle).append(environment)
            self._host.environment_idle(environment)

    def _without_runtime(self, environment: Environment) -> bool:
        """Its runtime has ended. True: it was seen to here; else it is started by the next invocation."""
        provisioned = self.provisioned
        if environment not in provisioned.all:
            return environment in self._idle  # it ended by itself, and waits for an invocation already
        if environment in provisioned.ready:
            provisioned.ready.remove(environment)
            self._host.environment_woken(environment)
        provisioned.initialised.discard(environment)
        if environment in provisioned.proven:
            provisioned.proven.discard(environment)
            provisioned.restarted.add(environment)
            environment.begin_init()
        else:
            provisioned.failed = True
            environment.shutdown()
        return True

    def environment_gone(self, environment: Environment) -> None:
        self.all.discard(environment)
        self._answered.discard(environment)
        for idle in (self._idle, self.provisioned.ready):
            if environment in idle:
                idle.remove(environment)
                self._host.environment_woken(environment)
        self.provisioned.gone(environment)
        self._host.room_freed(self)
        self._fill()

    # --- The host looks after idle ones -----------------------------------------------------------------------------

    def freeze_idle(self, before: float) -> bool:
        """Freeze those idle since before that time (loop's clock). True if some are still to be frozen later."""
        later = False
        for environment in (*self._idle, *self.provisioned.ready):
            if environment.state is State.IDLE and (environment.idle_since > before or not self._freeze(environment)):
                later = True
        return later

    def _freeze(self, environment: Environment) -> bool:
        try:
            return environment.freeze()
        except OSError as error:
            log.warning("an environment of %s is not frozen: %s", self.version.qualified_arn, error)
            return False

    def expire_idle(self, before: float) -> None:
        """Shut down those idle since before that time: the longest idle are at the front."""
        while self._idle and self._idle[0].idle_since <= before:
            self.evict()

    def oldest_idle(self) -> float | None:
        return self._idle[0].idle_since if self._idle else None

    def evict(self) -> None:
        """Give up the longest idle one."""
        environment = self._idle.pop(0)
        self._host.environment_woken(environment)
        environment.shutdown()

    def retire(self) -> None:
        """Idle ones go now, busy ones when they have answered (the function was updated or deleted)."""
        self.retired = True
        for environment in list(self.all):
            environment.retired = True
        while self._idle:
            self.evict()
        while self.provisioned.ready:
            self._give_up_ready()
        for environment in list(self.provisioned.all):
            if environment.only_starting:
                environment.shutdown()

    def shutdown(self) -> None:
        """All of them, now. What waits is answered with an error."""
        self.retire()
        for environment in list(self.all):
            environment.shutdown()
        while self._waiting:
            self._waiting.popleft().done(ServiceException.internal())
