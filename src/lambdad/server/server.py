"""The composition root: a Config in, every room built from the bottom up, started, and drained from the top down.

The only file that names nearly all of them. Nothing here decides anything: it connects.
"""

import asyncio
import logging
import os
import resource
from collections.abc import Callable

from lambdad.api.backend import Backend
from lambdad.api.cost_page import CostPage
from lambdad.api.operations.code_source import CodeDownload
from lambdad.api.operations.table import performed_by
from lambdad.api.status_pages import show_health, show_metrics
from lambdad.aws.clients import Own
from lambdad.aws.json_client import JsonClient
from lambdad.aws.s3 import S3Objects
from lambdad.aws.targets import AwsTargets
from lambdad.clock import SystemClock
from lambdad.config import Config
from lambdad.environments.blueprints import Blueprints
from lambdad.environments.environments import Environments, Limits
from lambdad.environments.preparation import Preparation
from lambdad.environments.provisioning import Provisioning
from lambdad.environments.snapshots import Snapshots
from lambdad.environments.snapstart import SnapStart
from lambdad.environments.spares import Spares
from lambdad.event_source_mappings.invocations import Invocations
from lambdad.event_source_mappings.keeping import Stores
from lambdad.event_source_mappings.pollers import Pollers
from lambdad.event_source_mappings.supervisor import Supervisor
from lambdad.http.exchange import Handler
from lambdad.http.limits import Limits as HttpLimits
from lambdad.http.localhost_names import LocalhostNames
from lambdad.http.server import Server, listen
from lambdad.invocation.asynchronous import Asynchronous
from lambdad.invocation.concurrency import Concurrency
from lambdad.invocation.concurrency_metrics import lines_of as concurrency_metrics
from lambdad.invocation.deliverer import Deliverer
from lambdad.invocation.invoke import Invoker
from lambdad.observability.lambda_metrics import LambdaMetrics
from lambdad.observability.metrics import Metrics
from lambdad.resources import function_url
from lambdad.runtimes.interpreters import Interpreters
from lambdad.runtimes.templates import Runtimes
from lambdad.sandbox.choice import driver_of
from lambdad.sandbox.driver import Sandbox
from lambdad.server.doors import Doors, Pages
from lambdad.server.identities import Identities
from lambdad.server.state import State
from lambdad.services.companion.process import Facts
from lambdad.services.own_services import OwnServices
from lambdad.store.code_packages import hex_of
from lambdad.triggers.function_url import FunctionUrls

log = logging.getLogger(__name__)

_READY_SHARE = 4
"""What part of the environments' memory those that SnapStart keeps ready may have, counted as their functions' memory."""
_END_LIMIT = 30.0
"""Seconds for what was let finish to notice that its environment and its connection are gone."""
_CAPACITY_WAIT = 60.0
"""Seconds that an invocation waits for room when the host is full."""


class LambdaServer:
    """One running server."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._clock = SystemClock()
        self._state = State(config, self._clock)
        self._services = OwnServices(self._state.database, self._state.logs, config, self._clock)
        self._driver = driver_of(config)
        self._localhost_names = LocalhostNames()
        self._doors: Doors
        self._listener: Server

    async def start(self) -> None:
        """Raises DataDirectoryInUse, OSError."""
        config = self._config
        self._localhost_names.look()
        self._state.open(self._services)
        await self._driver.open()
        self._build()
        await self._preparation.recover()
        try:
            limits = HttpLimits(connections=resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)  # others need some, too
            self._listener = await listen(self._doors.front.handle, config.host, config.port, limits)
        except OSError:
            await self.stop_rooms_below()
            raise
        self._driver.front_door_port = self._listener.port
        self._state.metering.start()
        self._preparation.start()
        self._services.start()
        self._asynchronous.start()
        self._deliverer.start()
        self._supervisor.start()
        self._provisioning.start(self._state.functions.all())
        self._snapstart.start(self._state.functions.all())

    # --- From the bottom up -------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self._identities = Identities(self._config)
        self._own = Own(self._services.receiving, lambda: self.url, self._identities.own)
        self._build_environments()
        self._build_invocation()
        self._build_preparation()
        self._build_event_source_mappings()
        self._build_doors()
        self._subscribe()

    def _build_environments(self) -> None:
        config, state = self._config, self._state
        self._spares = Spares(self._driver, config.spare)
        runtimes = Runtimes(Interpreters(config.interpreters, os.environ), config.runtimes_dir)
        self._blueprints = Blueprints(
            runtimes,
            lambda code_sha256: str(state.code.unpacked_path(hex_of(code_sha256))),
            self._identities.of_version,
            lambda version: self._snapstart.snapshot_of(version),
            state.metering,
            lambda *given: self._counted.extensions_worked_on(*given),
        )
        limits = Limits(
            config.freeze_after,
            config.idle_timeout,
            _CAPACITY_WAIT,
            config.max_environments,
            config.max_memory_mb,
            config.scaling_rate,
        )
        self._environments = Environments(
            self._blueprints.model_of,
            self._spares,
            state.logs,
            self._clock,
            limits,
            self._attach,
            self._services.segments,
            lambda version: self._snapstart.initialised_of(version),
            lambda key: self._concurrency.most_of(key),
        )

    def _build_invocation(self) -> None:
        config, state, clock = self._config, self._state, self._clock
        self._concurrency = concurrency = Concurrency(config.concurrency)
        self._counted = LambdaMetrics(clock, state.functions.get, concurrency.allocated)
        self._services.count(self._counted)
        self._metrics = Metrics(
            self._environments.states,
            lambda: self._environments.cold_starts,
            lambda: concurrency_metrics(concurrency),
            self._counted,
            self._services.metric_lines,
        )
        self._invoker = Invoker(
            state.functions, self._environments, concurrency, self._metrics, clock, self._services.tracing
        )
        self._targets = AwsTargets(config.endpoints, self._own, self._services.taking)
        self._deliverer = Deliverer(state.deliveries, state.functions, self._targets, self._metrics, clock)
        self._asynchronous = Asynchronous(
            state.queue,
            state.functions,
            self._invoker,
            self._deliverer,
            self._metrics,
            clock,
            state.logs.synced,
            config.retry_wait,
            state.metering,
        )

    def _build_preparation(self) -> None:
        config, state, environments = self._config, self._state, self._environments
        snapshots = Snapshots(config.data_dir / "run" / "snapshots", config.max_snapshots_mb * 1024 * 1024)
        self._snapstart = SnapStart(
            snapshots,
            self._blueprints.model_of,
            self._spares,
            self._clock,
            environments.log_of,
            self._attach,
            config.max_memory_mb // _READY_SHARE,
            config.snapstart_ready,
        )
        self._preparation = Preparation(
            state.functions,
            state.layers,
            state.code,
            environments.warm,
            environments.versions,
            self._snapstart.prepare,
        )
        self._provisioning = Provisioning(environments.provision)

    def _build_event_source_mappings(self) -> None:
        state, mappings = self._state, self._state.event_source_mappings
        self._json_client = JsonClient(self._config.endpoints, self._own)
        stores = Stores.of(state.database, mappings, state.deliveries, self._deliverer.wake)
        invocations = Invocations(self._invoker, self._counted, self._clock, state.logs.synced)
        self._pollers = Pollers(
            self._json_client,
            invocations,
            self._clock,
            self._config.brokers,
            stores,
            self._services.news,
            self._counted,
        )
        self._supervisor = Supervisor(mappings, self._pollers)

    def _build_doors(self) -> None:
        config, state = self._config, self._state
        secret_of = self._identities.secret_of if config.auth == "sigv4" else None
        self._cost_page = CostPage(state.metering, state.usage, self._clock, config.region)
        self._function_urls = FunctionUrls(state.functions, self._invoker, self._clock, self._metrics.urls, secret_of)
        backend = self._backend()
        services = self._services.build(
            state.functions,
            state.queue,
            state.deliveries,
            self._deliverer,
            self._asynchronous,
            performed_by(backend),
            self._identities.session_of,
        )
        others = self._services.build_companion(
            state.functions, self._invoker, self._asynchronous, state.deliveries, self._deliverer, self._facts
        )
        self._doors = Doors.of(backend, self._pages(backend), secret_of, self._function_urls.handle, services, others)

    def _backend(self) -> Backend:
        config, state = self._config, self._state
        self._s3 = S3Objects(config.endpoints, self._own)
        return Backend(
            config,
            self._clock,
            state.functions,
            state.layers,
            state.event_source_mappings,
            state.code_signing_configs,
            state.code,
            self._invoker,
            self._concurrency,
            self._metrics,
            self._environments.provision_of,
            self._asynchronous,
            self._s3.fetch,
            self._identities.link_key,
            self._localhost_names.resolve,
            self._pollers.look_at_source,
            asyncio.Lock(),
        )

    def _pages(self, backend: Backend) -> Pages:
        everyones: dict[bytes, Handler] = {
            b"/_lambdad/health": show_health,
            b"/_lambdad/code/": CodeDownload(backend).handle,
            function_url.PATH: self._function_urls.handle_path,
        }
        owners: dict[bytes, Handler] = {
            b"/_lambdad/metrics": lambda exchange: show_metrics(exchange, self._metrics),
            b"/_lambdad/cost": self._cost_page.handle,
        }
        return Pages(everyones, owners)

    def _subscribe(self) -> None:
        """What is committed of functions and layers is heard by whoever acts on it, in this order."""
        functions = self._state.functions
        self._function_urls.load(functions.all())
        for function in functions.all():
            self._concurrency.function_changed(function.key, None, function)
        listeners = (
            *(self._concurrency, self._invoker, self._environments, self._preparation, self._provisioning),
            *(self._metrics, self._counted, self._state.reservations),
            *(self._snapstart, self._asynchronous, self._function_urls),
        )
        for listener in listeners:
            functions.subscribe(listener.function_changed)
        self._state.layers.subscribe(self._preparation.layer_changed)

    def _attach(self, sandbox: Sandbox, runtime_api: Handler) -> Callable[[], None]:
        return self._doors.attach(sandbox, runtime_api)

    def _facts(self) -> Facts:
        access_key, secret, _ = self._identities.own()
        return Facts(self.url, access_key, secret, self._config.companion_memory_mb, self._config.networks_denied)

    # --- The end ------------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        return f"http://{host}:{self._listener.port}"

    async def drain(self, hurry: asyncio.Event) -> None:
        """Take nothing new; let what runs finish, for the grace period or until `hurry` is set; then end all of it.

        Nothing is cancelled halfway: once its environments and connections are gone, what runs finishes by itself.
        """
        finishing = asyncio.create_task(self._finish_invocations())
        hurried = asyncio.create_task(hurry.wait())
        grace = self._config.shutdown_grace
        await asyncio.wait({finishing, hurried}, timeout=grace, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not finishing.done():
            log.warning("ending what still runs")
        self._environments.end()  # or else a stream whose caller was given up is waited for until its function is done
        self._listener.abort()
        await asyncio.wait({finishing}, timeout=_END_LIMIT)
        if not finishing.done():
            log.error("draining: something did not end in %.0f seconds", _END_LIMIT)
            finishing.cancel()
        elif (error := finishing.exception()) is not None:
            log.error("draining: %r", error)
        await self._doors.front.finished()
        await self._services.close()
        await self._cost_page.finished()
        await self._deliverer.close()
        self._targets.close()
        await self._function_urls.close()
        await self._supervisor.close()
        self._json_client.close()
        await self._snapstart.close()
        await self._preparation.close()
        await self._environments.close()
        await self._state.metering.close()
        self._s3.close()
        await self.stop_rooms_below()

    async def _finish_invocations(self) -> None:
        await self._services.stop()
        await self._asynchronous.stop()
        await self._supervisor.stop()
        await self._listener.drain()
        await self._asynchronous.finished()

    async def stop_rooms_below(self) -> None:
        await self._driver.close()
        await self._services.close_last()
        await asyncio.to_thread(self._state.logs.close)
        await self._state.database.close()
