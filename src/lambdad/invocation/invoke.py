"""The one entry of every synchronous invocation: concurrency slot, execution environment, answer.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-sync.html. `start` is on the hot path and awaits nothing; whoever has a
version that is still being prepared waits for it first (`wait_until_ready`, bounded).
"""

import asyncio
import random
from collections.abc import Callable
from typing import Protocol

from lambdad.clock import Clock
from lambdad.errors import (
    RecursiveInvocationException,
    ResourceConflictException,
    SnapStartNotReadyException,
    TooManyRequestsException,
)
from lambdad.invocation.concurrency import Concurrency
from lambdad.invocation.recursion import MOST_LOOPS, hop
from lambdad.invocation.routing import route, version_of
from lambdad.invocation.tracing import Tracing, is_active
from lambdad.observability.lambda_metrics import Resource
from lambdad.observability.metrics import Metrics
from lambdad.resources.arn import qualifier_of
from lambdad.resources.function import Function, FunctionKey, FunctionVersion
from lambdad.resources.invocation import Invocation, InvocationResult, Outcome, ResponseSink
from lambdad.resources.lambda_segments import Accepted
from lambdad.resources.tenancy import check_tenant
from lambdad.resources.trace_header import SAMPLED

_PREPARATION_LIMIT = 30.0
"""Seconds an invocation waits for its version to become Active."""


class Environments(Protocol):
    """Who runs an invocation: this process's environments now, another host's later."""

    def submit(self, version: FunctionVersion, invocation: Invocation) -> None: ...


class Functions(Protocol):
    def get(self, key: FunctionKey) -> Function | None: ...


class Invoker:
    def __init__(
        self,
        functions: Functions,
        environments: Environments,
        concurrency: Concurrency,
        metrics: Metrics,
        clock: Clock,
        tracing: Tracing,
    ) -> None:
        self._functions = functions
        self._environments = environments
        self._concurrency = concurrency
        self._metrics = metrics
        self._clock = clock
        self._tracing = tracing
        self._waiting: dict[FunctionKey, set[asyncio.Future[None]]] = {}
        self.running = 0

    @property
    def concurrency_limit(self) -> int:
        """Executions at once, of every account and region."""
        return self._concurrency.limit

    def version_of(self, key: FunctionKey, qualifier: str | None) -> FunctionVersion:
        """Raises ResourceNotFoundException."""
        return version_of(key, self._functions.get(key), qualifier)

    def route(self, key: FunctionKey, qualifier: str | None) -> FunctionVersion:
        """The version that runs one invocation. Raises ResourceNotFoundException."""
        return route(key, self._functions.get(key), qualifier, random.random)

    def trace_of(self, key: FunctionKey, qualifier: str | None, trace_id: str | None) -> str:
        """The tracing header of what is run later: whether it is traced is decided. Raises ResourceNotFoundException."""
        return self._tracing.decided(self.version_of(key, qualifier), trace_id, self._clock.now())

    def start(
        self,
        version: FunctionVersion,
        payload: bytes,
        done: Callable[[Outcome], None],
        *,
        request_id: str,
        function_arn: str,
        trace_id: str | None = None,
        client_context: str | None = None,
        wants_tail: bool = False,
        sink: ResponseSink | None = None,
        accepted: Accepted | None = None,
        tenant_id: str | None = None,
    ) -> None:
        """Run one event; `done` is called once. The version must be ready. `accepted`: of an event that was, before.

        Raises TooManyRequestsException, RecursiveInvocationException, InvalidParameterValueException.
        """
        key = version.key
        if tenant_id is not None or version.tenant_isolation_mode is not None:
            check_tenant(version, tenant_id)
        trace = None
        if is_active(version) or (trace_id is not None and SAMPLED in trace_id):
            trace, trace_id = self._tracing.begin(version, trace_id, request_id, function_arn, accepted)
        hopped = hop(trace_id, key, self._clock.now())
        if hopped.loops >= MOST_LOOPS:
            self._check_loop(key, function_arn)
        series, cloudwatch = self._metrics.of(key.name), self._metrics.cloudwatch
        try:
            provisioned = self._concurrency.take(key, version.version)
        except TooManyRequestsException as error:
            series.throttles += 1
            cloudwatch.throttled(key, qualifier_of(function_arn), version.version)
            if trace is not None:
                trace.answered(error)
            raise
        self.running += 1
        began = self._clock.monotonic()
        counted: Resource | None = None
        over = False

        def finished(outcome: Outcome) -> None:
            nonlocal over
            over = True
            self._concurrency.give_back(key, version.version, provisioned)
            self.running -= 1
            done(outcome)
            if trace is not None:
                trace.answered(outcome)
            took = self._clock.monotonic() - began
            resource = counted if counted is not None else cloudwatch.began(key, function_arn)
            self._count(resource, version.version, took, outcome, provisioned)
            if isinstance(outcome, TooManyRequestsException):
                series.throttles += 1
                cloudwatch.throttled(key, qualifier_of(function_arn), version.version)
                return
            failed = not isinstance(outcome, InvocationResult) or outcome.function_error is not None
            series.invocation(took, failed, outcome.duration_ms if isinstance(outcome, InvocationResult) else None)

        self._environments.submit(
            version,
            Invocation(
                request_id,
                payload,
                function_arn,
                hopped.trace_id,
                client_context,
                wants_tail,
                finished,
                sink,
                trace,
                tenant_id,
            ),
        )
        if not over:  # the function has its event: what is counted of it takes none of its time
            counted = cloudwatch.began(key, function_arn)

    def _count(self, counted: Resource, version: str, took: float, outcome: Outcome, provisioned: bool) -> None:
        """After the answer: everything that CloudWatch is told of an invocation."""
        result = None
        if isinstance(outcome, InvocationResult):
            result = (outcome.duration_ms, outcome.function_error is not None)
        provision = self._concurrency.provision_of(counted.function.key, version, provisioned)
        began_at = self._clock.now() - took
        self._metrics.cloudwatch.ended(counted, version, began_at, result, provision, provisioned)

    def _check_loop(self, key: FunctionKey, function_arn: str) -> None:
        """Raises RecursiveInvocationException, unless the function may call itself as often as it likes."""
        function = self._functions.get(key)
        if function is not None and function.recursive_loop == "Allow":
            return
        self._metrics.count("recursive_invocations_dropped", key, qualifier_of(function_arn))
        raise RecursiveInvocationException.of(key.name)

    # --- Versions that are still being prepared -----------------------------------------------------------------------

    async def wait_until_ready(self, key: FunctionKey, qualifier: str | None) -> FunctionVersion:
        """The version once it can be invoked.

        Raises ResourceNotFoundException, ResourceConflictException, SnapStartNotReadyException."""
        deadline = self._clock.monotonic() + _PREPARATION_LIMIT
        while True:
            version = self.route(key, qualifier)
            if is_ready(version):
                return version
            if version.snap_start and version.state == "Pending":
                raise SnapStartNotReadyException.pending()
            left = deadline - self._clock.monotonic()
            if version.state == "Failed" or left <= 0:
                raise ResourceConflictException.state(version.state)
            await self._next_change(key, left)

    async def _next_change(self, key: FunctionKey, limit: float) -> None:
        future = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(key, set())
        waiting.add(future)
        try:
            await asyncio.wait([future], timeout=limit)
        finally:
            waiting.discard(future)
            if not waiting:
                self._waiting.pop(key, None)

    def function_changed(self, key: FunctionKey, before: Function | None, after: Function | None) -> None:
        """A committed change: whoever waits looks again."""
        for future in self._waiting.get(key, ()):
            if not future.done():
                future.set_result(None)


def is_ready(version: FunctionVersion) -> bool:
    return version.state == "Active" and version.last_update_status != "InProgress"
