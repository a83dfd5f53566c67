"""What AWS would bill, as it is counted: by function, architecture, memory size and day (UTC).

AWS: aws.amazon.com/lambda/pricing. Everything is a whole number, so that nothing is lost by adding: billed milliseconds as the
REPORT line has them, seconds of what is reserved, bytes. What that costs is `observability/billing.py`'s.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from operator import attrgetter

from lambdad.resources.function import LATEST, Function, FunctionKey, FunctionVersion, version_of

FREE_STREAMED_BYTES = 6 * 1024 * 1024
"""Of each answer that is streamed."""
FREE_EPHEMERAL_MB = 512
"""Of each environment's /tmp."""
FREE_EVENT_BYTES, EVENT_STEP_BYTES = 256 * 1024, 64 * 1024
"""An asynchronous event that is larger is a request more for each step begun."""
PROVISIONED, SNAPSHOT = "provisioned", "snapshot"
"""Kinds of what is reserved: provisioned concurrency, and the cached snapshot of a version with SnapStart."""

_STEP = 300
"""Seconds: provisioned concurrency is rounded up to five minutes, and what is reserved is written down as often."""
_LEAST = {PROVISIONED: _STEP, SNAPSHOT: 3 * 3600}
_DAY = 86400


@dataclass(frozen=True, slots=True)
class UsageKey:
    """Whose use it was, and when."""

    function: FunctionKey
    architecture: str
    memory_mb: int
    day: int
    """Since the epoch."""


@dataclass(slots=True)
class Counts:
    """The store's columns have these names."""

    requests: int = 0
    """Invocations that ran on demand; and what large asynchronous events are beside their attempts."""
    billed_ms: int = 0
    provisioned_requests: int = 0
    """Those that ran in provisioned concurrency."""
    provisioned_billed_ms: int = 0
    """With what initialising its environments took."""
    provisioned_s: int = 0
    """Environments × seconds for which they were configured."""
    ephemeral_mb_ms: int = 0
    """MB of /tmp above 512 × billed milliseconds."""
    streamed_bytes: int = 0
    """Above 6 MB of each answer."""
    snapshot_s: int = 0
    """Seconds for which snapshots were kept."""
    restores: int = 0

    def add(self, other: "Counts") -> None:
        for name in COLUMNS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def values(self) -> tuple[int, ...]:
        """In the order of `COLUMNS`."""
        found: tuple[int, ...] = _values_of(self)
        return found


COLUMNS = tuple(field.name for field in fields(Counts))
_values_of = attrgetter(*COLUMNS)


def day_of(seconds: float) -> int:
    return int(seconds // _DAY)


def date_of(day: int) -> str:
    """`2026-01-31`."""
    return f"{datetime.fromtimestamp(day * _DAY, UTC):%Y-%m-%d}"


def key_of(version: FunctionVersion, day: int) -> UsageKey:
    return UsageKey(version.key, version.architectures[0], version.memory_size, day)


# --- What is reserved -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Terms:
    """What is reserved; if it changes, another reservation begins."""

    architecture: str
    memory_mb: int
    count: int


ReservationName = tuple[str, str]
"""Kind, and the version or alias it is for."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """It costs something for as long as it is configured, used or not."""

    function: FunctionKey
    name: ReservationName
    terms: Terms
    since: float
    charged_s: int = 0
    """Seconds from `since` on that are counted already."""

    def due_s(self, now: float) -> int:
        """Seconds from `since` on that are to be counted by now: begun steps count in full."""
        elapsed = max(now - self.since, 0.0)
        return max(-int(-elapsed // _STEP) * _STEP, _LEAST[self.name[0]], self.charged_s)

    def counts_until(self, due_s: int) -> Iterator[tuple[UsageKey, Counts]]:
        """What lies between `charged_s` and `due_s`, day by day."""
        at, end = int(self.since) + self.charged_s, int(self.since) + due_s
        while at < end:
            day = day_of(at)
            seconds = min(end, (day + 1) * _DAY) - at
            key = UsageKey(self.function, self.terms.architecture, self.terms.memory_mb, day)
            if self.name[0] == PROVISIONED:
                yield key, Counts(provisioned_s=seconds * self.terms.count)
            else:
                yield key, Counts(snapshot_s=seconds * self.terms.count)
            at += seconds


def reserved(function: Function | None) -> Mapping[ReservationName, Terms]:
    """What a function reserves."""
    if function is None:
        return {}
    found: dict[ReservationName, Terms] = {}
    for qualifier, config in function.provisioned_concurrency.items():
        version = function.versions.get(version_of(function, qualifier))
        if version is not None and version.version != LATEST:
            found[PROVISIONED, qualifier] = _terms(version, config.requested)
    for version in function.versions.values():
        if version.snap_start and version.state == "Active" and snapshots_cost(version):
            found[SNAPSHOT, version.version] = _terms(version, 1)
    return found


def snapshots_cost(version: FunctionVersion) -> bool:
    """SnapStart is free for Java."""
    return not (version.runtime or "").startswith("java")


def _terms(version: FunctionVersion, count: int) -> Terms:
    return Terms(version.architectures[0], version.memory_size, count)
