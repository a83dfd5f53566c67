"""Metric alarms: what they watch, their state, and what datapoints make of it. Pure.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html (M out of N) and
…/alarms-and-missing-data.html. More datapoints are looked at than are evaluated: missing ones are filled in only as far as
the others do not suffice.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

OK: Final = "OK"
ALARM: Final = "ALARM"
INSUFFICIENT: Final = "INSUFFICIENT_DATA"
ACTIONS: Final = {OK: "OKActions", ALARM: "AlarmActions", INSUFFICIENT: "InsufficientDataActions"}
"""The member that names what is done when the state is reached."""
MISSING_TREATED: Final = ("breaching", "notBreaching", "ignore", "missing")
BEYOND: Final = 2
"""Datapoints that are looked at beside those that are evaluated."""

_COMPARISONS: Final[Mapping[str, tuple[Callable[[float, float], bool], str]]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
COMPARISONS: Final = frozenset(_COMPARISONS)
"""Those with one threshold: the others are of anomaly detection."""


@dataclass(frozen=True, slots=True)
class AlarmKey:
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:cloudwatch:{self.region}:{self.account}:alarm:{self.name}"


@dataclass(frozen=True, slots=True)
class AlarmState:
    value: str
    reason: str
    updated: float
    """Seconds since the epoch, as the next one."""
    transitioned: float
    reason_data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    key: AlarmKey
    settings: Mapping[str, Any]
    """The members of PutMetricAlarm, as they are answered."""
    configured_at: float
    state: AlarmState
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def actions_enabled(self) -> bool:
        return bool(self.settings.get("ActionsEnabled", True))

    def actions(self, state: str) -> Sequence[str]:
        """ARNs."""
        found: Sequence[str] = self.settings.get(ACTIONS[state]) or ()
        return found


def initial_state(now: float) -> AlarmState:
    return AlarmState(INSUFFICIENT, "Unchecked: Initial alarm creation", now, now)


@dataclass(frozen=True, slots=True)
class Rule:
    """What an alarm's datapoints are held against."""

    comparison: str
    threshold: float
    evaluated: int
    """N, its EvaluationPeriods."""
    to_alarm: int
    """M, its DatapointsToAlarm."""
    missing: str = "missing"


def rule_of(settings: Mapping[str, Any]) -> Rule:
    periods = settings["EvaluationPeriods"]
    return Rule(
        settings["ComparisonOperator"],
        settings["Threshold"],
        periods,
        settings.get("DatapointsToAlarm") or periods,
        settings.get("TreatMissingData") or "missing",
    )


@dataclass(frozen=True, slots=True)
class Datum:
    """One period's; `value` None: there was none."""

    time: int
    value: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    state: str
    reason: str
    evaluated: Sequence[Datum]


def evaluate(rule: Rule, data: Sequence[Datum]) -> Verdict | None:
    """`data`: in the order of time, of BEYOND more periods than are evaluated. None: the state stays what it is."""
    compare = _COMPARISONS[rule.comparison][0]
    real = [datum for datum in data if datum.value is not None]
    if len(real) >= rule.evaluated:
        real = real[-rule.evaluated :]
        filled = 0
    else:
        filled = rule.evaluated - len(real)
    breaching = [datum for datum in real if datum.value is not None and compare(datum.value, rule.threshold)]
    state = _state(rule, data, real, breaching, filled)
    if state is None:
        return None
    return Verdict(state, _reason(rule, state, real, breaching, filled), real)


def _state(
    rule: Rule, data: Sequence[Datum], real: Sequence[Datum], breaching: Sequence[Datum], filled: int
) -> str | None:
    if len(breaching) >= rule.to_alarm:
        return ALARM
    if not filled or rule.missing == "notBreaching":
        return OK
    if rule.missing == "breaching":
        return ALARM if len(breaching) + filled >= rule.to_alarm else OK
    if len(breaching) < len(real):
        return OK
    if rule.missing == "ignore":
        return None
    if not real:
        return INSUFFICIENT
    # All that came breach, but they are few. Old enough, they speak for those that never came.
    age = len(data) - list(data).index(breaching[0])
    return ALARM if age >= rule.to_alarm else None


def _reason(rule: Rule, state: str, real: Sequence[Datum], breaching: Sequence[Datum], filled: int) -> str:
    number = rule.evaluated
    if state == INSUFFICIENT:
        return f"Insufficient Data: {number} {_plural('datapoint', number)} {_were(number)} unknown."
    if not real:
        treated = "Breaching" if rule.missing == "breaching" else "NonBreaching"
        return (
            f"Threshold Crossed: no datapoints were received for {number} {_plural('period', number)} and {number} missing "
            f"{_plural('datapoint', number)} {_were(number)} treated as [{treated}]."
        )
    words, threshold = _COMPARISONS[rule.comparison][1], f"the threshold ({float(rule.threshold)})"
    if state == ALARM:
        shown = f"{len(breaching)} out of the last {number} datapoints {_listed(breaching)} {_were(len(breaching))}"
        needed = f"(minimum {rule.to_alarm} {_plural('datapoint', rule.to_alarm)} for OK -> ALARM transition)"
        return f"Threshold Crossed: {shown} {words} {threshold} {needed}."
    fine = [datum for datum in real if datum not in breaching]
    shown = f"{len(fine)} {_plural('datapoint', len(fine))} {_listed(fine)} {_were(len(fine))} not"
    if rule.to_alarm == number:
        return f"Threshold Crossed: {shown} {words} {threshold}."
    least = number - rule.to_alarm + 1
    shown = f"{len(fine)} out of the last {number} datapoints {_listed(fine)} {_were(len(fine))} not"
    needed = f"(minimum {least} {_plural('datapoint', least)} for ALARM -> OK transition)"
    return f"Threshold Crossed: {shown} {words} {threshold} {needed}."


def _listed(data: Sequence[Datum]) -> str:
    """The newest first."""
    shown = [f"{one.value} ({datetime.fromtimestamp(one.time, UTC):%d/%m/%y %H:%M:%S})" for one in reversed(data)]
    return f"[{', '.join(shown)}]"


def _plural(word: str, number: int) -> str:
    return word if number == 1 else word + "s"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
