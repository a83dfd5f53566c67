"""All execution environments of this host: one pool per function version (and tenant), bounded in number and memory.

`invocation` asks here for "an environment of this version" and does not know where it runs. Idle environments are frozen
after a short grace and shut down after the idle time; the versions of a changed or deleted function are retired.
"""

import asyncio
import dataclasses
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from lambdad.clock import Clock
from lambdad.environments.blueprint import Blueprint, Restorable, lines_of
from lambdad.environments.capacity import Capacity
from lambdad.environments.environment import Environment
from lambdad.environments.failures import FunctionError, runtime_not_installed
from lambdad.environments.initialised import Initialised
from lambdad.environments.log_capture import TAIL_BYTES, LogCapture, Report
from lambdad.environments.log_intake import LogIntake
from lambdad.environments.log_levels import line_filter
from lambdad.environments.pool import Pool
from lambdad.environments.provisioned import Provision
from lambdad.environments.runtime_api import RuntimeApi
from lambdad.environments.segment_intake import SegmentIntake
from lambdad.environments.spares import Spares
from lambdad.environments.tenants import Tenants
from lambdad.errors import ServiceException
from lambdad.http.exchange import Handler
from lambdad.observability.log_writer import LogEvent
from lambdad.observability.logs import LogStore
from lambdad.resources.function import Function, FunctionKey, FunctionVersion
from lambdad.resources.invocation import Invocation, InvocationResult
from lambdad.resources.token_buckets import TokenBuckets
from lambdad.runtimes.templates import RuntimeNotInstalled
from lambdad.sandbox.driver import Sandbox, Template

log = logging.getLogger(__name__)

_WARM_LIMIT = 10.0
"""Seconds that a version stays Pending for the sake of its runtime's first sandbox."""
_SCALING_PERIOD = 10.0
"""Seconds. AWS: docs.aws.amazon.com/lambda/latest/dg/scaling-behavior.html"""
_CLOSE_LIMIT = 60.0
"""Seconds until their end is waited for no longer: the driver ends what is left."""


Listen = Callable[[Sandbox, Handler], Callable[[], None]]
PoolName = tuple[FunctionKey, str] | tuple[FunctionKey, str, str]
"""Function and version; and the tenant, where the function isolates them."""
LogStream = tuple[str, Callable[[list[LogEvent]], None]]
"""Its name, and what appends to it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, and what this host may hold."""

    freeze_after: float
    idle_timeout: float
    wait_limit: float
    environments: int
    memory_mb: int
    scaling_rate: int
    """New environments per function in `_SCALING_PERIOD`; 0: any number."""


@dataclass(frozen=True, slots=True)
class Model:
    """How environments of a version are made (`blueprints.py`): its sandbox template and its blueprints."""

    template: Template
    on_demand: Blueprint
    provisioned: Blueprint
    snapshot: Blueprint
    """For the template of a function with SnapStart."""


class Environments:
    """`submit` is on the hot path: one dictionary look-up, one list pop."""

    def __init__(
        self,
        model_of: Callable[[FunctionVersion], Model],
        spares: Spares,
        logs: LogStore,
        clock: Clock,
        limits: Limits,
        listen: Listen,
        segments: SegmentIntake,
        initialised: Callable[[FunctionVersion], Initialised | None],
        concurrency_of: Callable[[FunctionKey], int],
    ) -> None:
        """`listen` attaches a Runtime API (and the AWS endpoint) to a sandbox's sockets; what it returns detaches them.
        `segments` hears what is sent to its X-Ray daemon. `initialised(version)`: one kept ready by SnapStart, if there is.
        `concurrency_of(function)`: how many of its invocations may run at once."""
        self.wait_limit = limits.wait_limit
        self._model_of = model_of
        self._spares = spares
        self._logs = logs
        self._intake = LogIntake(logs.full)
        self._clock = clock
        self._limits = limits
        self._listen = listen
        self._segments = segments
        self._initialised = initialised
        self._capacity = Capacity(limits.environments, limits.memory_mb)
        self._scaling = TokenBuckets[FunctionKey](limits.scaling_rate, limits.scaling_rate / _SCALING_PERIOD)
        self._pools: dict[PoolName, Pool] = {}
        self._tenants = Tenants(concurrency_of)
        self._retired: set[Pool] = set()
        self._models: dict[Pool, Model] = {}
        self._loop = asyncio.get_running_loop()
        self._unprovisionable: set[tuple[FunctionKey, str]] = set()
        self._refused_room = False
        """Somebody was refused room since it was last looked for."""
        self._sweeper: asyncio.TimerHandle | None = None
        self._ending = False
        self._empty = asyncio.Event()
        self._empty.set()
        self.cold_starts = 0

    # --- Invocations ------------------------------------------------------------------------------------------------

    def submit(self, version: FunctionVersion, invocation: Invocation) -> None:
        """`invocation.done` will be called once. Never raises, never waits."""
        pool = self._pools.get((version.key, version.version))
        if pool is None or pool.retired:
            pool = self._other_pool(version, invocation)
            if pool is None:
                return
        pool.submit(invocation)

    def _other_pool(self, version: FunctionVersion, invocation: Invocation) -> Pool | None:
        """A tenant's, or a new one. None: the invocation has been answered."""
        if self._ending:
            invocation.done(ServiceException.internal())
            return None
        tenant_id = invocation.tenant_id
        if tenant_id is not None:
            pool = self._pools.get((version.key, version.version, tenant_id))
            if pool is not None and not pool.retired:
                return pool
        try:
            return self._open_pool(version, tenant_id)
        except RuntimeNotInstalled as error:
            self._refuse(version, invocation, runtime_not_installed(str(error)))
            return None

    def _refuse(self, version: FunctionVersion, invocation: Invocation, failure: FunctionError) -> None:
        """Answered, and logged like any other failure, without an environment."""
        now = self._clock.now()
        lines = lines_of(version, invocation.tenant_id)
        report = Report(invocation.request_id, 0.0, 0, version.memory_size, 0, None, failure.status, failure.error_type)
        written = [
            lines.start(invocation.request_id, version.version, now),
            (failure.log_line or "").encode(),
            *lines.ended(report, 0, now),
        ]
        self._new_stream(version)[1]([LogEvent(int(now * 1000), line.decode()) for line in written if line])
        tail = b"".join(written)[-TAIL_BYTES:] if invocation.wants_tail else None
        invocation.done(
            InvocationResult(failure.payload, version.version, "Unhandled", tail, trace_id=invocation.trace_id)
        )

    def log_of(self, version: FunctionVersion, sandbox: Sandbox) -> tuple[str, LogCapture]:
        """A new stream's name, and what puts there what the sandbox's processes print."""
        stream, append = self._new_stream(version)
        keeps = line_filter(version.log_format, version.application_log_level)
        return stream, LogCapture(sandbox.output, append, self._clock.now, self._intake, keeps)

    def _new_stream(self, version: FunctionVersion) -> LogStream:
        """Its name, and what appends to it."""
        key = version.key
        whose = key.name if version.log_group is not None else ""  # several functions may share it
        day = f"{datetime.fromtimestamp(self._clock.now(), UTC):%Y/%m/%d}"
        stream = f"{day}/{whose}[{version.version}]{os.urandom(16).hex()}"
        return stream, self._logs.stream(key.account, key.region, version.log_group_name, stream)

    def _open_pool(self, version: FunctionVersion, tenant_id: str | None = None) -> Pool:
        model = self._model_of(version)
        if tenant_id is not None:
            model = dataclasses.replace(model, on_demand=dataclasses.replace(model.on_demand, tenant_id=tenant_id))
        pool = Pool(version, self, tenant_id)
        self._models[pool] = model
        self._pools[_name_of(pool)] = pool
        return pool

    # --- Provisioned concurrency --------------------------------------------------------------------------------------

    def provision(self, version: FunctionVersion, count: int) -> None:
        """Keep that many environments of the version initialised. Idempotent."""
        name = (version.key, version.version)
        self._unprovisionable.discard(name)
        pool = self._pools.get(name)
        if pool is None and count:
            try:
                pool = self._open_pool(version)
            except RuntimeNotInstalled as error:
                log.warning("no provisioned concurrency for %s: %s", version.qualified_arn, error)
                self._unprovisionable.add(name)
        if pool is not None:
            pool.provision(count)

    def provision_of(self, key: FunctionKey, version: str) -> Provision:
        pool = self._pools.get((key, version))
        if pool is None:
            return Provision(0, (key, version) in self._unprovisionable)
        return pool.provisioned.progress

    async def warm(self, version: FunctionVersion) -> None:
        """Have spare sandboxes of its runtime ready; returns when the first is (or after a bounded wait).

        No word if the runtime is missing: the first invocation says it.
        """
        try:
            model = await asyncio.to_thread(self._model_of, version)
        except RuntimeNotInstalled as error:
            log.info("%s: %s", version.qualified_arn, error)
            return
        await self._spares.ready(model.template, _WARM_LIMIT)

    # --- Host (pool.py) ---------------------------------------------------------------------------------------------

    def new_environment(self, pool: Pool) -> Environment | None:
        model = self._models[pool]
        if pool.version.snap_start and (one := self._initialised(pool.version)) is not None:
            snapshots: list[Restorable] = [one]  # to be restored from once; should it be reset, it is initialised
            blueprint = dataclasses.replace(model.on_demand, snapshot=lambda: snapshots.pop() if snapshots else None)
            return self._furnish(pool, blueprint, one.sandbox, one.listen)
        sandbox = self._spares.take_nowait(model.template)
        return self._furnish(pool, model.on_demand, sandbox, self._listen) if sandbox is not None else None

    async def make_environment(self, pool: Pool, provisioned: bool) -> Environment:
        model = self._models[pool]
        blueprint = model.provisioned if provisioned else model.on_demand
        return self._furnish(pool, blueprint, await self._spares.take(model.template), self._listen)

    def _furnish(self, pool: Pool, blueprint: Blueprint, sandbox: Sandbox, listen: Listen) -> Environment:
        self.cold_starts += 1
        self._empty.clear()
        environment = Environment(blueprint, sandbox, pool, self._clock, *self.log_of(pool.version, sandbox))
        ends = listen(sandbox, RuntimeApi(environment).handle), self._segments.listen(sandbox, pool.version.key)

        def detach() -> None:
            for end in ends:
                end()

        environment.detach = detach
        return environment

    def may_scale(self, pool: Pool) -> bool:
        if pool.tenant_id is not None and self._tenants.full(pool.version.key):
            return False
        return self._scaling.has(pool.version.key, self._loop.time())

    def scaled(self, pool: Pool) -> None:
        if pool.tenant_id is not None:
            self._tenants.one_more(pool.version.key)
        self._scaling.take(pool.version.key, self._loop.time())

    def take_room(self, pool: Pool) -> bool:
        while not self._capacity.take(pool.version.memory_size):
            self._refused_room = True
            oldest = self._longest_idle()
            if oldest is None:
                return False
            oldest.evict()
            # Its room is free only when it is really gone: the pool is told then (`room_freed`).
            return False
        return True

    def _longest_idle(self) -> Pool | None:
        idle = [(since, id(pool), pool) for pool in self._pools.values() if (since := pool.oldest_idle()) is not None]
        return min(idle)[2] if idle else None

    def room_freed(self, pool: Pool) -> None:
        self._capacity.give_back(pool.version.memory_size)
        if pool.tenant_id is not None:
            self._tenants.one_less(pool.version.key)
        self.pool_emptied(pool)
        if not self._capacity.number:
            self._empty.set()
        self._room_may_be_free()

    def pool_emptied(self, pool: Pool) -> None:
        if (pool.retired or pool.tenant_id is not None) and pool.empty:
            self._forget(pool)

    def _room_may_be_free(self) -> None:
        for other in (*self._pools.values(), *self._retired):
            if other.starved:
                other.room_may_be_free()

    def _forget(self, pool: Pool) -> None:
        self._retired.discard(pool)
        self._models.pop(pool, None)
        name = _name_of(pool)
        if self._pools.get(name) is pool:
            del self._pools[name]

    # --- Idle ones --------------------------------------------------------------------------------------------------

    def environment_idle(self, environment: Environment) -> None:
        self._capacity.rest(environment.version.memory_size, environment.held_mb)
        soon = self._loop.time() + self._limits.freeze_after
        if self._sweeper is None or self._sweeper.when() > soon:
            if self._sweeper is not None:
                self._sweeper.cancel()
            self._sweeper = self._loop.call_at(soon, self._sweep)
        if self._refused_room:  # whoever waits for room may have this one's
            self._refused_room = False
            self._loop.call_soon(self._room_may_be_free)

    def environment_woken(self, environment: Environment) -> None:
        self._capacity.wake(environment.version.memory_size, environment.held_mb)

    def _sweep(self) -> None:
        self._sweeper = None
        now = self._loop.time()
        freeze_before, expire_before = now - self._limits.freeze_after, now - self._limits.idle_timeout
        unfrozen = False
        oldest: float | None = None
        for pool in list(self._pools.values()):
            pool.expire_idle(expire_before)
            unfrozen |= pool.freeze_idle(freeze_before)
            since = pool.oldest_idle()
            if since is not None and (oldest is None or since < oldest):
                oldest = since
        if unfrozen:
            self._sweeper = self._loop.call_later(self._limits.freeze_after, self._sweep)
        elif oldest is not None:
            self._sweeper = self._loop.call_later(max(oldest - expire_before, self._limits.freeze_after), self._sweep)

    # --- Changes and the end ----------------------------------------------------------------------------------------

    def function_changed(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """A committed change (`store/functions.py`): environments of what is no more are retired."""
        if before is None:
            return
        if after is None:
            self._scaling.forget(key)
        for name, old in before.versions.items():
            new = after.versions.get(name) if after is not None else None
            if new is None or is_other(old, new):
                for of_version in self._names_of(old):
                    pool = self._pools.pop(of_version)
                    self._retired.add(pool)
                    pool.retire()
                    self.pool_emptied(pool)

    def _names_of(self, version: FunctionVersion) -> list[PoolName]:
        """Its pools'."""
        if version.tenant_isolation_mode is not None:
            return [name for name in self._pools if name[:2] == (version.key, version.version)]
        return [name for name in ((version.key, version.version),) if name in self._pools]

    def states(self) -> dict[str, int]:
        """How many environments are in each state, for the metrics."""
        counts: dict[str, int] = {}
        for pool in [*self._pools.values(), *self._retired]:
            for environment in pool.all:
                counts[environment.state.value] = counts.get(environment.state.value, 0) + 1
        return counts

    def versions(self) -> list[FunctionVersion]:
        """Those that have environments, also when they are retired."""
        return [pool.version for pool in (*self._pools.values(), *self._retired)]

    def end(self) -> None:
        """Shut all down. What runs, and what may still come, is answered with an error."""
        self._ending = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        for pool in [*self._pools.values(), *self._retired]:
            pool.shutdown()

    async def close(self) -> None:
        """Wait until nothing is left of them."""
        self.end()
        try:
            await asyncio.wait_for(self._empty.wait(), _CLOSE_LIMIT)
        except TimeoutError:
            log.error("%d environments did not end: %s", self._capacity.number, self.states())
        await self._spares.close()


def _name_of(pool: Pool) -> PoolName:
    key, version = pool.version.key, pool.version.version
    return (key, version) if pool.tenant_id is None else (key, version, pool.tenant_id)


def is_other(old: FunctionVersion, new: FunctionVersion) -> bool:
    """Does the change need new environments? Any update does on AWS; a mere change of state does not."""
    return old.last_modified != new.last_modified or old.code_sha256 != new.code_sha256
