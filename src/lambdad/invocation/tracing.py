"""Which invocations are traced, and their traces: begun before the event is given away, written after the answer.

AWS: docs.aws.amazon.com/lambda/latest/dg/services-xray.html. A caller who has decided (`Sampled` in its header) is obeyed. Else a
function whose tracing is Active asks the sampling rules; one that passes through is not traced.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from lambdad.clock import Clock
from lambdad.errors import ServiceError, TooManyRequestsException
from lambdad.ids import new_segment_id, new_trace_id, new_trace_root
from lambdad.observability.trace_store import Place
from lambdad.resources.function import FunctionVersion
from lambdad.resources.invocation import InvocationResult, Outcome
from lambdad.resources.lambda_segments import (
    FUNCTION,
    Accepted,
    Answer,
    Run,
    Traced,
    function_segment,
    service_segment_id,
    service_segments,
)
from lambdad.resources.sampling import Request, Sampler, SamplingRule
from lambdad.resources.segment import Document
from lambdad.resources.trace_header import TraceHeader, read_header, write_header

_ACTIVE: Final = {"Mode": "Active"}


def is_active(version: FunctionVersion) -> bool:
    """Lambda itself decides whether its invocations are traced, unless their callers have."""
    return version.settings.get("TracingConfig") == _ACTIVE


class Segments(Protocol):
    """Who keeps segments."""

    def add(self, place: Place, document: Document) -> None: ...


class Tracing:
    def __init__(
        self, rules_of: Callable[[str, str], Sequence[SamplingRule]], segments: Segments, clock: Clock
    ) -> None:
        """`rules_of(account, region)`: as they are tried."""
        self._rules_of = rules_of
        self._segments = segments
        self._clock = clock
        self._sampler = Sampler(random.random)

    def decided(self, version: FunctionVersion, trace_id: str | None, now: float) -> str:
        """The header of what is not given to its function at once: whether it is traced is decided now."""
        if trace_id is None and not is_active(version):
            return new_trace_id(now)
        return write_header(self._decide(version, trace_id, now), now)

    def _decide(self, version: FunctionVersion, trace_id: str | None, now: float) -> TraceHeader:
        header = read_header(trace_id) if trace_id is not None else TraceHeader()
        sampled = header.sampled
        if sampled is None:
            sampled = is_active(version) and self._sample(version, now)
        return replace(header, sampled=sampled, root=header.root or new_trace_root(now))

    def _sample(self, version: FunctionVersion, now: float) -> bool:
        key = version.key
        return self._sampler.decide(self._rules_of(key.account, key.region), Request(key.name, FUNCTION, key.arn), now)

    def begin(
        self,
        version: FunctionVersion,
        trace_id: str | None,
        request_id: str,
        function_arn: str,
        accepted: Accepted | None,
    ) -> "tuple[InvocationTrace | None, str]":
        """(None if it is not traced, the header that its function is given)."""
        now = self._clock.now()
        header = self._decide(version, trace_id, now)
        if not header.sampled or header.root is None:
            return None, write_header(header, now)
        traced = Traced(
            header.root,
            header.parent,
            version.key,
            function_arn,
            request_id,
            service_segment_id(request_id, function_arn),
            new_segment_id(),
            now,
            accepted,
        )
        inside = replace(header, parent=traced.function_id)
        return InvocationTrace(traced, self._segments, self._clock), write_header(inside, now)


class InvocationTrace:
    """Of one invocation. `answered` is called once, `ran` at most once, in either order; the documents follow from both."""

    __slots__ = ("_answer", "_clock", "_run", "_segments", "_traced")

    def __init__(self, traced: Traced, segments: Segments, clock: Clock) -> None:
        self._traced = traced
        self._segments = segments
        self._clock = clock
        self._run: Run | None = None
        self._answer: Answer | None = None

    def answered(self, outcome: Outcome) -> None:
        """After the caller has it."""
        self._answer = _answer_of(outcome, self._clock.now())
        for document in service_segments(self._traced, self._answer):
            self._add(document)
        self._write_function()

    def ran(self, run: Run) -> None:
        """In its execution environment everything is done."""
        self._run = run
        self._write_function()

    def _write_function(self) -> None:
        if self._run is not None and self._answer is not None:
            self._add(function_segment(self._traced, self._run, self._answer))

    def _add(self, document: Document) -> None:
        key = self._traced.key
        self._segments.add(Place(key.account, key.region, key.name), document)


def _answer_of(outcome: Outcome, now: float) -> Answer:
    if isinstance(outcome, ServiceError):
        return Answer(now, outcome.status, None, isinstance(outcome, TooManyRequestsException))
    assert isinstance(outcome, InvocationResult)
    return Answer(now, 200, outcome.payload if outcome.function_error is not None else None)
