"""The composition root: a Config in, every room built from the bottom up, started, and drained from the top down.

The only file that names more than three rooms. Nothing here decides anything: it connects.
"""

import asyncio
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import uvloop

from lambdad.api.backend import Backend
from lambdad.api.cost_page import CostPage
from lambdad.api.front_door import FrontDoor
from lambdad.api.operations.code_source import CodeDownload
from lambdad.api.operations.table import performed_by
from lambdad.api.status_pages import show_health, show_metrics
from lambdad.aws.clients import Own
from lambdad.aws.credentials import RoleCredentials
from lambdad.aws.json_client import JsonClient
from lambdad.aws.s3 import S3Objects
from lambdad.aws.sigv4 import DEFAULT_ACCOUNT
from lambdad.aws.targets import AwsTargets
from lambdad.clock import SystemClock
from lambdad.config import Config
from lambdad.environments.blueprints import Blueprints
from lambdad.environments.environments import Environments, Limits
from lambdad.environments.preparation import Preparation
from lambdad.environments.provisioning import Provisioning
from lambdad.environments.response_stream import MODE as STREAMING_MODE
from lambdad.environments.snapshots import Snapshots
from lambdad.environments.snapstart import SnapStart
from lambdad.environments.spares import Spares
from lambdad.environments.variables import Credentials
from lambdad.event_source_mappings.invocations import Invocations
from lambdad.event_source_mappings.keeping import Stores
from lambdad.event_source_mappings.pollers import Pollers
from lambdad.event_source_mappings.supervisor import Supervisor
from lambdad.http.exchange import Handler
from lambdad.http.limits import Limits as HttpLimits
from lambdad.http.localhost_names import LocalhostNames
from lambdad.http.server import Server, listen, serve_accepted
from lambdad.invocation.asynchronous import Asynchronous
from lambdad.invocation.concurrency import Concurrency
from lambdad.invocation.concurrency_metrics import lines_of as concurrency_metrics
from lambdad.invocation.deliverer import Deliverer
from lambdad.invocation.invoke import Invoker
from lambdad.observability.lambda_metrics import LambdaMetrics
from lambdad.observability.logs import LogStore
from lambdad.observability.metering import Metering
from lambdad.observability.metrics import Metrics
from lambdad.observability.reservations import Reservations
from lambdad.protocols.model import load_model
from lambdad.resources import function_url
from lambdad.resources.function import FunctionVersion
from lambdad.runtimes.interpreters import Interpreters
from lambdad.runtimes.templates import Runtimes
from lambdad.sandbox.choice import driver_of
from lambdad.sandbox.driver import Sandbox
from lambdad.services.companion.process import Facts
from lambdad.services.own_services import OwnServices
from lambdad.store.code_packages import CodePackages, hex_of
from lambdad.store.code_signing_configs import CodeSigningConfigs
from lambdad.store.database import Database, DataDirectoryInUse
from lambdad.store.deliveries import Deliveries
from lambdad.store.event_source_mappings import EventSourceMappings
from lambdad.store.functions import Functions
from lambdad.store.layers import Layers
from lambdad.store.queue import EventQueue
from lambdad.store.usage import Usage
from lambdad.triggers.function_url import FunctionUrls

log = logging.getLogger(__name__)

_CAPACITY_WAIT = 60.0
"""Seconds that an invocation waits for room when the host is full."""
_RUNTIME_API_LIMITS = HttpLimits(
    body=8 * 1024 * 1024,
    request_time=None,
    idle_time=None,
    connections=32,
    streamed_by=STREAMING_MODE,
    streamed_to=b"/response",
)
_INNER_DOOR_LIMITS = HttpLimits(connections=256)
"""Of one sandbox: all of them together must leave others descriptors."""
_FILES = 65536


class LambdaServer:
    """One running server."""

    def __init__(self, config: Config) -> None:
        self._config = config
        clock = SystemClock()
        data_dir = config.data_dir
        self._database = Database(data_dir)
        self._functions = Functions(self._database)
        self._layers = Layers(self._database)
        self._event_source_mappings = EventSourceMappings(self._database)
        self._code_signing_configs = CodeSigningConfigs(self._database)
        self._deliveries = Deliveries(self._database)
        self._queue = EventQueue(self._database, self._deliveries)
        self._usage = Usage(self._database)
        self._reservations = Reservations(self._usage, clock)
        self._metering = Metering(self._usage, self._reservations, clock, config.usage_retention_days)
        self._code = CodePackages(data_dir)
        self._logs = LogStore(data_dir, config.log_retention_mb * 1024 * 1024)
        self._services = OwnServices(self._database, self._logs, config, clock)
        self._driver = driver_of(config)
        self._localhost_names = LocalhostNames()
        self._clock = clock
        self._front_door: FrontDoor
        self._listener: Server

    async def start(self) -> None:
        """Raises DataDirectoryInUse, OSError."""
        config = self._config
        self._localhost_names.look()
        self._database.open()
        gc.disable()  # what is loaded is no garbage, and stays: the collector need never look at it
        self._functions.load()
        self._layers.load()
        self._event_source_mappings.load()
        self._code_signing_configs.load()
        self._queue.load()
        self._deliveries.load()
        self._services.load()
        self._reservations.load(self._functions.all())
        gc.freeze()
        gc.enable()
        self._code.open()
        self._logs.open()
        await self._driver.open()
        self._build()
        await self._preparation.recover()
        try:
            limits = HttpLimits(connections=resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)  # others need some, too
            self._listener = await listen(self._front_door.handle, config.host, config.port, limits)
        except OSError:
            await self.stop_rooms_below()
            raise
        self._driver.front_door_port = self._listener.port
        self._metering.start()
        self._preparation.start()
        self._services.start()
        self._asynchronous.start()
        self._deliverer.start()
        self._supervisor.start()
        self._provisioning.start(self._functions.all())
        self._snapstart.start(self._functions.all())

    def _build(self) -> None:
        config, clock = self._config, self._clock
        self._spares = Spares(self._driver, config.spare)
        self._roles = RoleCredentials(config.data_dir)
        runtimes = Runtimes(Interpreters(config.interpreters, os.environ), config.data_dir / "runtimes")
        blueprints = Blueprints(
            runtimes,
            self._unpacked_path,
            self._credentials_of,
            lambda version: self._snapstart.snapshot_of(version),
            self._metering,
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
            blueprints.model_of, self._spares, self._logs, clock, limits, self._attach, self._services.segments
        )
        concurrency = Concurrency(config.concurrency)
        counted = LambdaMetrics(clock, self._functions.get, concurrency.allocated)
        self._services.count(counted)
        metrics = Metrics(
            self._environments.states,
            lambda: self._environments.cold_starts,
            lambda: concurrency_metrics(concurrency),
            counted,
            self._services.metric_lines,
        )
        tracing = self._services.tracing
        self._invoker = Invoker(self._functions, self._environments, concurrency, metrics, clock, tracing)
        own = Own(self._services.receiving, lambda: self.url, self._own_credentials)
        self._targets = AwsTargets(config.endpoints, own, self._services.taking)
        self._s3 = S3Objects(config.endpoints, own)
        self._deliverer = Deliverer(self._deliveries, self._functions, self._targets, metrics, clock)
        self._asynchronous = Asynchronous(
            self._queue,
            self._functions,
            self._invoker,
            self._deliverer,
            metrics,
            clock,
            self._logs.synced,
            config.retry_wait,
            self._metering,
        )
        environments = self._environments
        snapshots = Snapshots(config.data_dir / "run" / "snapshots", config.max_snapshots_mb * 1024 * 1024)
        self._snapstart = SnapStart(
            snapshots, blueprints.model_of, self._spares, clock, environments.log_of, self._attach
        )
        self._preparation = Preparation(
            self._functions, self._layers, self._code, environments.warm, environments.versions, self._snapstart.prepare
        )
        self._provisioning = Provisioning(environments.provision)
        self._json_client = JsonClient(config.endpoints, own)
        stores = Stores.of(self._database, self._event_source_mappings, self._deliveries, self._deliverer.wake)
        invocations = Invocations(self._invoker, counted, clock)
        pollers = Pollers(self._json_client, invocations, clock, config.brokers, stores, self._services.news)
        self._supervisor = Supervisor(self._event_source_mappings, pollers)
        backend = Backend(
            config,
            clock,
            self._functions,
            self._layers,
            self._event_source_mappings,
            self._code_signing_configs,
            self._code,
            self._invoker,
            concurrency,
            environments.provision_of,
            self._asynchronous,
            self._s3.fetch,
            self._roles.link_key,
            self._localhost_names.resolve,
            pollers.source_exists,
            asyncio.Lock(),
        )
        self._cost_page = CostPage(self._metering, self._usage, clock, config.region)
        secret_of = self._secret_of if config.auth == "sigv4" else None
        self._function_urls = FunctionUrls(self._functions, self._invoker, clock, metrics.urls, secret_of)
        urls = self._function_urls.handle
        inner_pages: dict[bytes, Handler] = {
            b"/_lambdad/health": show_health,
            b"/_lambdad/code/": CodeDownload(backend).handle,
            function_url.PATH: self._function_urls.handle_path,
        }
        pages: dict[bytes, Handler] = {
            **inner_pages,
            b"/_lambdad/metrics": lambda exchange: show_metrics(exchange, metrics),
            b"/_lambdad/cost": self._cost_page.handle,
        }
        services = self._services.build(
            self._functions, self._queue, self._deliveries, self._deliverer, self._asynchronous, performed_by(backend)
        )
        others, inner_others = self._services.build_companion(
            self._functions, self._invoker, self._asynchronous, self._deliveries, self._deliverer, self._facts
        )
        model = load_model("lambda")
        self._front_door = FrontDoor(model, backend, pages, secret_of, urls, services, others)
        self._inner_door = FrontDoor(model, backend, inner_pages, secret_of, urls, services, inner_others)
        self._function_urls.load(self._functions.all())
        for function in self._functions.all():
            concurrency.function_changed(function.key, None, function)
        listeners = (concurrency, self._invoker, self._environments, self._preparation, self._provisioning)
        for listener in listeners:
            self._functions.subscribe(listener.function_changed)
        self._functions.subscribe(metrics.function_changed)
        self._functions.subscribe(counted.function_changed)
        self._functions.subscribe(self._reservations.function_changed)
        self._functions.subscribe(self._snapstart.function_changed)
        self._functions.subscribe(self._asynchronous.function_changed)
        self._functions.subscribe(self._function_urls.function_changed)
        self._layers.subscribe(self._preparation.layer_changed)

    # --- What one room needs of another -------------------------------------------------------------------------------

    def _unpacked_path(self, code_sha256: str) -> str:
        return str(self._code.unpacked_path(hex_of(code_sha256)))

    def _credentials_of(self, version: FunctionVersion) -> Credentials:
        account = version.key.account
        secret = self._roles.secret_of(account)
        assert secret is not None
        return Credentials(account, secret, self._roles.session_token(version.role))

    def _own_credentials(self, account: str) -> tuple[str, str, str | None]:
        """What an account's requests to ourselves are signed with."""
        secret = self._roles.secret_of(account)
        assert secret is not None
        return account, secret, None

    def _facts(self) -> Facts:
        access_key, secret, _ = self._own_credentials(DEFAULT_ACCOUNT)
        return Facts(self.url, access_key, secret, self._config.companion_memory_mb, self._config.networks_denied)

    def _secret_of(self, access_key: str) -> str | None:
        return self._config.credentials.get(access_key) or self._roles.secret_of(access_key)

    def _attach(self, sandbox: Sandbox, runtime_api: Handler) -> Callable[[], None]:
        """Serve a sandbox's own sockets: the Runtime API, and the AWS endpoint without the pages that are the owner's."""
        ends = [serve_accepted(sandbox.runtime_api, runtime_api, _RUNTIME_API_LIMITS)]
        if sandbox.front_door is not None:
            ends.append(serve_accepted(sandbox.front_door, self._inner_door.handle, _INNER_DOOR_LIMITS))

        def detach() -> None:
            for end in ends:
                end()

        return detach

    # --- The end ------------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        host = f"[{self._config.host}]" if ":" in self._config.host else self._config.host
        return f"http://{host}:{self._listener.port}"

    async def drain(self, hurry: asyncio.Event) -> None:
        """Take nothing new; let what runs finish or time out, until `hurry` is set; then end all that was started."""
        finishing = asyncio.create_task(self._finish_invocations())
        hurried = asyncio.create_task(hurry.wait())
        await asyncio.wait({finishing, hurried}, return_when=asyncio.FIRST_COMPLETED)
        hurried.cancel()
        if not finishing.done():
            log.warning("ending what still runs")
            finishing.cancel()
            await asyncio.wait({finishing})
            await self._listener.drain(0)
        elif (error := finishing.exception()) is not None:
            log.error("draining: %r", error)
        self._environments.end()  # or else a stream whose caller was given up is waited for until its function is done
        await self._front_door.finished()
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
        await self._metering.close()
        self._s3.close()
        await self.stop_rooms_below()

    async def _finish_invocations(self) -> None:
        await self._services.stop()
        await self._asynchronous.stop()
        await self._supervisor.stop()
        await self._listener.drain(self._config.shutdown_grace)
        await asyncio.wait_for(self._asynchronous.finished(), self._config.shutdown_grace)

    async def stop_rooms_below(self) -> None:
        await self._driver.close()
        await self._services.close_last()
        await asyncio.to_thread(self._logs.close)
        await self._database.close()


def _hint(error: Exception, config: Config) -> str:
    name = error.filename if isinstance(error, OSError) else None
    if isinstance(name, str) and (name == str(config.data_dir) or Path(name) in config.data_dir.parents):
        return ". Choose another data directory with --data-dir."
    return ""


async def _run(config: Config) -> int:
    stop = asyncio.Event()
    hurry = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: (hurry if stop.is_set() else stop).set())
    server = LambdaServer(config)
    try:
        await server.start()
    except (DataDirectoryInUse, OSError) as error:
        print(f"lambdad: {error}{_hint(error, config)}", file=sys.stderr)
        return 1
    print(f"lambdad ready on {server.url}", flush=True)
    await stop.wait()
    log.info("draining: running invocations finish first, unless a second signal says otherwise")
    await server.drain(hurry)
    return 0


def serve(config: Config) -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    logging.basicConfig(
        level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(most, _FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return uvloop.run(_run(config))
