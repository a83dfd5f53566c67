"""A batch to a function, and back: throttles are waited out, as long as the batch may be held."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lambdad.clock import Clock
from lambdad.errors import RecursiveInvocationException, ResourceNotFoundException, ServiceError
from lambdad.ids import new_uuid
from lambdad.invocation.invoke import Invoker
from lambdad.observability.lambda_metrics import LambdaMetrics
from lambdad.resources.event_source_mapping import EventSourceMapping
from lambdad.resources.invocation import InvocationResult, Outcome

_FIRST_WAIT = 0.1
_LONGEST_WAIT = 5.0


@dataclass(frozen=True, slots=True)
class Ran:
    """`error`: None, or why there is no good answer: the function's failure, or that it could not be run at all."""

    payload: bytes
    error: str | None
    throttled: bool = False
    request_id: str = ""
    result: InvocationResult | None = None
    """None: no function was given it."""


class Invocations:
    def __init__(
        self, invoker: Invoker, metrics: LambdaMetrics, clock: Clock, logged: Callable[[], Awaitable[None]]
    ) -> None:
        """`logged`: what invocations have logged by now is durable when it returns. To be awaited before a source is told
        that a batch is done with: who finds no trace of a message in the log must find it in the queue."""
        self.logged = logged
        self._invoker = invoker
        self._metrics = metrics
        self._clock = clock

    async def run(self, mapping: EventSourceMapping, payload: bytes, trace_id: str | None, until: float) -> Ran:
        """Tried again until that time (monotonic) while there is no room for it."""
        wait, throttled = _FIRST_WAIT, False
        while True:
            request_id = new_uuid()
            try:
                outcome = await self._once(mapping, payload, trace_id, request_id)
            except (ResourceNotFoundException, RecursiveInvocationException) as error:
                return Ran(b"", error.code, throttled, request_id)
            except ServiceError as error:
                outcome = error
            if isinstance(outcome, InvocationResult):
                error_of = "function error" if outcome.function_error is not None else None
                return Ran(outcome.payload, error_of, throttled, request_id, outcome)
            throttled = True
            if self._clock.monotonic() + wait > until:
                return Ran(b"", outcome.code, throttled, request_id)
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    def observe_age(self, mapping: EventSourceMapping, arrived_at: float) -> None:
        """Of the last record of a batch that goes to the function (seconds since the epoch)."""
        age = max(self._clock.now() - arrived_at, 0.0) * 1000
        self._metrics.observe("IteratorAge", mapping.function, mapping.qualifier, age)

    def role_of(self, mapping: EventSourceMapping) -> str:
        """The function's, as it is now; empty if there is none."""
        try:
            return self._invoker.version_of(mapping.function, mapping.qualifier).role
        except ResourceNotFoundException:
            return ""

    async def _once(
        self, mapping: EventSourceMapping, payload: bytes, trace_id: str | None, request_id: str
    ) -> Outcome:
        answered: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        version = await self._invoker.wait_until_ready(mapping.function, mapping.qualifier)
        self._invoker.start(
            version,
            payload,
            answered.set_result,
            request_id=request_id,
            function_arn=mapping.function_arn,
            trace_id=trace_id,
        )
        return await answered
