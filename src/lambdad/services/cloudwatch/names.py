"""Which names metrics, dimensions and alarms may have. Pure.

AWS: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html, …/API_PutMetricData.html (Namespace) and
…/API_PutMetricAlarm.html (AlarmName). What is put is held against it; whoever asks for a name that cannot be finds nothing.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from lambdad.errors.cloudwatch import NameFlaw

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


def flaw_of_metric(metric: Mapping[str, Any]) -> tuple[str, NameFlaw] | None:
    """The first name that cannot be, by its parameter, in a structure that has Namespace, MetricName or Dimensions."""
    for name in ("Namespace", "MetricName"):
        if flaw := _flaw_of(metric.get(name) or ""):
            return name, flaw
    for number, dimension in enumerate(metric.get("Dimensions") or (), 1):
        for member in ("Name", "Value"):
            if flaw := _flaw_of_dimension(member, dimension[member]):
                return f"Dimensions.member.{number}.{member}", flaw
    return None


def flaw_of_alarm(name: str) -> NameFlaw | None:
    return NameFlaw.CONTROL if _CONTROL.search(name) else None


def _flaw_of(text: str) -> NameFlaw | None:
    if not text.isascii():
        return NameFlaw.NON_ASCII
    return NameFlaw.CONTROL if _CONTROL.search(text) else None


def _flaw_of_dimension(member: str, text: str) -> NameFlaw | None:
    if flaw := _flaw_of(text):
        return flaw
    if not text.strip():
        return NameFlaw.BLANK
    return NameFlaw.COLON if member == "Name" and text.startswith(":") else None
