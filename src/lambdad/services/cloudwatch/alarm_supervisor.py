"""Supervisor: each minute every alarm is held against its metrics; one that changes its state acts.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html. Only whole minutes that are over count;
a period of several minutes is the last ones, whenever it is looked at.
"""

import asyncio
import dataclasses
import logging
from collections.abc import Callable
from typing import Any, Final

import orjson

from lambdad.clock import Clock
from lambdad.observability.metric_data import MetricData, MetricDataQuery
from lambdad.observability.metric_math import MathError
from lambdad.observability.metric_query import MINUTE
from lambdad.observability.metric_store import MetricStore
from lambdad.protocols.context import Context
from lambdad.resources.alarm import (
    BEYOND,
    INSUFFICIENT,
    Alarm,
    AlarmKey,
    AlarmState,
    Datum,
    Rule,
    Verdict,
    evaluate,
    rule_of,
)
from lambdad.services.cloudwatch.alarm_actions import AlarmActions, metrics_of, time_of
from lambdad.services.cloudwatch.queries import read_queries
from lambdad.store.alarms import AlarmChange, Alarms, HistoryItem
from lambdad.store.database import WRITE_FAILED

log = logging.getLogger(__name__)

_DELAY: Final = 5.0
"""Seconds after a minute: what ended with it has been counted."""
_MOST_REASON: Final = 1023
_MOST_REASON_DATA: Final = 4000


class AlarmSupervisor:
    def __init__(self, alarms: Alarms, metrics: MetricStore, actions: AlarmActions, clock: Clock) -> None:
        self._alarms = alarms
        self._metrics = metrics
        self._actions = actions
        self._clock = clock
        self._fresh: set[AlarmKey] = set()
        self._wake = asyncio.Event()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    def evaluate_soon(self, key: AlarmKey) -> None:
        """It is new, or another than before."""
        self._fresh.add(key)
        self._wake.set()

    async def _run(self) -> None:
        while not self._stopping:
            wait = MINUTE - (self._clock.now() - _DELAY) % MINUTE
            try:
                await asyncio.wait_for(self._wake.wait(), wait)
            except TimeoutError:
                await self.evaluate_all()
            self._wake.clear()
            fresh, self._fresh = self._fresh, set()
            for key in fresh:
                await self._evaluate(key)

    async def evaluate_all(self) -> None:
        for alarm in self._alarms.all():
            if self._stopping:
                return
            await self._evaluate(alarm.key)

    async def _evaluate(self, key: AlarmKey) -> None:
        alarm = self._alarms.get(key)
        if alarm is None:
            return
        rule = rule_of(alarm.settings)
        now = self._clock.now()
        try:
            verdict, data = await self._verdict(alarm, rule, now)
        except MathError as error:
            verdict, data = Verdict(INSUFFICIENT, f"Unable to evaluate the expression: {error}", ()), {}
        if verdict is None or verdict.state == alarm.state.value:
            return
        found = verdict

        def reached(before: Alarm) -> AlarmState | None:
            if before.configured_at != alarm.configured_at or before.state.value == found.state:
                return None
            return AlarmState(found.state, found.reason[:_MOST_REASON], now, now, _reason_data(data))

        try:
            await self.change_state(key, reached)
        except WRITE_FAILED as error:
            log.error("alarm %s could not become %s: %r", key.arn, found.state, error)

    async def _verdict(self, alarm: Alarm, rule: Rule, now: float) -> tuple[Verdict | None, dict[str, Any]]:
        """Raises MathError."""
        queries = _queries_of(alarm)
        (watched,) = (query for query in queries if query.returned)
        data = await self._data(queries, watched.id, rule, now)
        verdict = evaluate(rule, data)
        about = {"version": "1.0", "queryDate": time_of(now), "startDate": time_of(data[0].time)}
        if watched.metric is not None:
            about["statistic"] = watched.metric.statistic
        return verdict, {
            **about,
            "period": period_of(queries),
            "recentDatapoints": [datum.value for datum in data if datum.value is not None][-rule.evaluated :],
            "threshold": float(rule.threshold),
            "evaluatedDatapoints": [
                {"timestamp": time_of(datum.time), "value": datum.value}
                for datum in reversed(verdict.evaluated if verdict is not None else ())
            ],
        }

    async def _data(self, queries: list[MetricDataQuery], watched: str, rule: Rule, now: float) -> list[Datum]:
        """Raises MathError."""
        period = period_of(queries)
        end = int(now) // MINUTE * MINUTE
        start = end - (rule.evaluated + BEYOND) * period
        value = await MetricData(self._metrics, queries, start, end, now).value(watched)
        if not isinstance(value, dict):
            raise MathError("it is not one time series")
        return [Datum(at, value.get(at)) for at in range(start, end, period)]

    async def recent_values(self, alarm: Alarm) -> list[float]:
        """As many as are evaluated, or as there are, in the order of time; none if its expression has no value."""
        rule, queries = rule_of(alarm.settings), _queries_of(alarm)
        (watched,) = (query for query in queries if query.returned)
        try:
            data = await self._data(queries, watched.id, rule, self._clock.now())
        except MathError:
            return []
        return [datum.value for datum in data if datum.value is not None][-rule.evaluated :]

    async def change_state(self, key: AlarmKey, reached: Callable[[Alarm], AlarmState | None]) -> bool:
        """The state that `reached` says, durable, with what is done about it. False: there is no such alarm."""
        there = False
        consequences = None

        def decide(before: Alarm | None) -> AlarmChange | None:
            nonlocal there, consequences
            there = before is not None
            state = reached(before) if before is not None else None
            if before is None or state is None:
                return None
            after = dataclasses.replace(before, state=state)
            if state.value == before.state.value:
                return AlarmChange(after)
            made = consequences = self._actions.of_change(after, before.state)
            history = (_state_item(after, before.state), *made.history)
            return AlarmChange(after, history, lambda connection: self._actions.insert(connection, made))

        await self._alarms.change(key, decide)
        if consequences is not None:
            self._actions.committed(consequences)
        return there

    async def close(self) -> None:
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await self._task


def _queries_of(alarm: Alarm) -> list[MetricDataQuery]:
    context = Context(alarm.key.account, alarm.key.region, "", None, "")
    return read_queries(context, metrics_of(alarm))


def period_of(queries: "list[MetricDataQuery]") -> int:
    """Of what an alarm watches: the longest of its metrics'."""
    return max(
        (query.metric.period if query.metric is not None else query.period or MINUTE for query in queries),
        default=MINUTE,
    )


def _reason_data(data: dict[str, Any]) -> str | None:
    """As much as there is room for."""
    text = orjson.dumps(data).decode()
    if data and len(text) > _MOST_REASON_DATA:
        text = orjson.dumps({**data, "evaluatedDatapoints": [], "recentDatapoints": []}).decode()
    return text if data else None


def _state_item(alarm: Alarm, before: AlarmState) -> HistoryItem:
    summary = f"Alarm updated from {before.value} to {alarm.state.value}"
    data = {"version": "1.0", "oldState": _state_of(before), "newState": _state_of(alarm.state)}
    return HistoryItem(alarm.key, "StateUpdate", alarm.state.updated, summary, orjson.dumps(data).decode()[:4095])


def _state_of(state: AlarmState) -> dict[str, Any]:
    found: dict[str, Any] = {"stateValue": state.value, "stateReason": state.reason}
    if state.reason_data is not None:
        found["stateReasonData"] = orjson.loads(state.reason_data)
    return found
