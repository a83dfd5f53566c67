"""What was used, in dollars: AWS's bill for a month, line by line. Arithmetic only, in decimals.

AWS: aws.amazon.com/lambda/pricing. The prices are in `pricing.json`. A bill is an account's in one region, because the tiers of
price and the free tier are; a function's part of it is, of each line, its part of what that line counts. Each line is rounded to
cents before they are added up. The free tier is a line like any other, and is not for what ran in provisioned concurrency.
"""

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from operator import attrgetter
from pathlib import Path
from typing import Any

from lambdad.resources.usage import Counts

ARCHITECTURES = ("x86_64", "arm64")
FULL_CPU_MB = 1769
"""The memory size that comes with one whole CPU: more of it makes nothing faster that runs on one."""

_PRICES = Path(__file__).with_name("pricing.json")
_CENT = Decimal("0.01")
_EXACT = Context(prec=60)
"""Digits enough that nothing is rounded but where a line is."""
_MB_MS = 1024 * 1000
"""Of one GB-second."""
_GB = 1024**3


@dataclass(frozen=True, slots=True)
class Quantities:
    """What AWS has prices for. Exact; GB are 1024 MB."""

    requests: Decimal = Decimal(0)
    duration: Decimal = Decimal(0)
    """GB-seconds on demand, as everything up to `ephemeral_storage`."""
    provisioned_requests: Decimal = Decimal(0)
    provisioned_concurrency: Decimal = Decimal(0)
    provisioned_duration: Decimal = Decimal(0)
    ephemeral_storage: Decimal = Decimal(0)
    streamed: Decimal = Decimal(0)
    """GB."""
    snapshot_cache: Decimal = Decimal(0)
    """GB-seconds."""
    snapshot_restore: Decimal = Decimal(0)
    """GB."""

    def __add__(self, other: "Quantities") -> "Quantities":
        return total((self, other))


_values_of = attrgetter(*(field.name for field in fields(Quantities)))


@dataclass(frozen=True, slots=True)
class Tier:
    up_to: Decimal | None
    """GB-seconds a month; None: any more."""
    price: Decimal


@dataclass(frozen=True, slots=True)
class Prices:
    """Of one architecture, in dollars; the free tier is the same for both."""

    request: Decimal
    duration: tuple[Tier, ...]
    provisioned_concurrency: Decimal
    provisioned_duration: Decimal
    ephemeral_storage: Decimal
    streamed: Decimal
    snapshot_cache: Decimal
    snapshot_restore: Decimal
    free_requests: Decimal
    free_duration: Decimal
    free_streamed: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    quantity: Decimal
    amount: Decimal
    """Dollars, not rounded; what the free tier takes away is negative."""

    @property
    def cents(self) -> Decimal:
        """Dollars, as they are billed."""
        return _EXACT.plus(self.amount.quantize(_CENT, ROUND_HALF_UP, _EXACT))  # there is no -0.00


Bill = tuple[Line, ...]

_COUNTED: Mapping[str, tuple[str, ...]] = {
    "requests": ("requests", "provisioned_requests"),
    "duration": ("duration",),
    "provisioned concurrency": ("provisioned_concurrency",),
    "provisioned duration": ("provisioned_duration",),
    "ephemeral storage": ("ephemeral_storage",),
    "streamed responses": ("streamed",),
    "SnapStart cache": ("snapshot_cache",),
    "SnapStart restores": ("snapshot_restore",),
    "free tier: requests": ("requests",),
    "free tier: duration": ("duration",),
    "free tier: streamed responses": ("streamed",),
}
"""What each line counts."""


# --- Quantities -----------------------------------------------------------------------------------------------------------


def quantities(memory_mb: int, counts: Counts) -> Quantities:
    """Of what was counted with one memory size."""
    with localcontext(_EXACT):
        return Quantities(
            requests=Decimal(counts.requests),
            duration=Decimal(counts.billed_ms * memory_mb) / _MB_MS,
            provisioned_requests=Decimal(counts.provisioned_requests),
            provisioned_concurrency=Decimal(counts.provisioned_s * memory_mb) / 1024,
            provisioned_duration=Decimal(counts.provisioned_billed_ms * memory_mb) / _MB_MS,
            ephemeral_storage=Decimal(counts.ephemeral_mb_ms) / _MB_MS,
            streamed=Decimal(counts.streamed_bytes) / _GB,
            snapshot_cache=Decimal(counts.snapshot_s * memory_mb) / 1024,
            snapshot_restore=Decimal(counts.restores * memory_mb) / 1024,
        )


def total(parts: Iterable[Quantities]) -> Quantities:
    with localcontext(_EXACT):
        return Quantities(*(sum(column, Decimal(0)) for column in zip(*map(_values_of, parts), strict=True)))


def at_other_size(memory_mb: int, counts: Counts, other_mb: int, *, faster: bool) -> Quantities:
    """The same load with another memory size: as long as it took, or (`faster`) the shorter the more CPU there is.

    CPU comes in proportion to memory; above `FULL_CPU_MB` there is more of it only for what runs on several.
    """
    if not faster:
        return quantities(other_mb, counts)
    here, there = min(memory_mb, FULL_CPU_MB), min(other_mb, FULL_CPU_MB)
    scaled = Counts(*counts.values)
    scaled.billed_ms = -(-counts.billed_ms * here // there)
    scaled.provisioned_billed_ms = -(-counts.provisioned_billed_ms * here // there)
    scaled.ephemeral_mb_ms = -(-counts.ephemeral_mb_ms * here // there)
    return quantities(other_mb, scaled)


# --- Dollars --------------------------------------------------------------------------------------------------------------


@functools.cache
def price_list() -> Mapping[str, Any]:
    """`pricing.json` as it is: also where its figures come from, and of when they are."""
    document: Mapping[str, Any] = json.loads(_PRICES.read_text())
    return document


@functools.cache
def prices(architecture: str) -> Prices:
    listed, free = price_list()[architecture], price_list()["free_tier"]
    return Prices(
        request=Decimal(listed["request"]),
        duration=tuple(
            Tier(Decimal(tier["up_to"]) if tier["up_to"] is not None else None, Decimal(tier["price"]))
            for tier in listed["duration_gb_s"]
        ),
        provisioned_concurrency=Decimal(listed["provisioned_concurrency_gb_s"]),
        provisioned_duration=Decimal(listed["provisioned_duration_gb_s"]),
        ephemeral_storage=Decimal(listed["ephemeral_storage_gb_s"]),
        streamed=Decimal(listed["streamed_gb"]),
        snapshot_cache=Decimal(listed["snapshot_cache_gb_s"]),
        snapshot_restore=Decimal(listed["snapshot_restore_gb"]),
        free_requests=Decimal(free["requests"]),
        free_duration=Decimal(free["duration_gb_s"]),
        free_streamed=Decimal(free["streamed_gb"]),
    )


def in_tiers(quantity: Decimal, tiers: Sequence[Tier]) -> Decimal:
    """Each tier's price is for what lies in it."""
    amount, below = Decimal(0), Decimal(0)
    with localcontext(_EXACT):
        for tier in tiers:
            top = quantity if tier.up_to is None else min(quantity, tier.up_to)
            if top > below:
                amount += (top - below) * tier.price
                below = top
    return amount


def bill(used: Quantities, at: Prices) -> Bill:
    """A month of an account in one region, all of it on one architecture."""
    with localcontext(_EXACT):
        requests = used.requests + used.provisioned_requests
        free_requests = min(used.requests, at.free_requests)
        free_duration = min(used.duration, at.free_duration)
        free_streamed = min(used.streamed, at.free_streamed)
        return (
            Line("requests", requests, requests * at.request),
            Line("duration", used.duration, in_tiers(used.duration, at.duration)),
            _line("provisioned concurrency", used.provisioned_concurrency, at.provisioned_concurrency),
            _line("provisioned duration", used.provisioned_duration, at.provisioned_duration),
            _line("ephemeral storage", used.ephemeral_storage, at.ephemeral_storage),
            _line("streamed responses", used.streamed, at.streamed),
            _line("SnapStart cache", used.snapshot_cache, at.snapshot_cache),
            _line("SnapStart restores", used.snapshot_restore, at.snapshot_restore),
            _line("free tier: requests", free_requests, -at.request),
            Line("free tier: duration", free_duration, -in_tiers(free_duration, at.duration)),
            _line("free tier: streamed responses", free_streamed, -at.streamed),
        )


def share(whole: Bill, used: Quantities, part: Quantities) -> Bill:
    """What of a bill for `used` is due to `part` of it."""
    return tuple(_share(line, _counted(line, used), _counted(line, part)) for line in whole)


def amount(of: Bill) -> Decimal:
    """Dollars: its lines in cents, added up."""
    return sum((line.cents for line in of), Decimal("0.00"))


def before_free_tier(of: Bill) -> Decimal:
    return sum((line.cents for line in of if line.amount > 0), Decimal("0.00"))


def _line(name: str, quantity: Decimal, price: Decimal) -> Line:
    return Line(name, quantity, quantity * price)


def _counted(line: Line, used: Quantities) -> Decimal:
    with localcontext(_EXACT):
        return sum((getattr(used, name) for name in _COUNTED[line.name]), Decimal(0))


def _share(line: Line, whole: Decimal, part: Decimal) -> Line:
    if not part:
        return Line(line.name, Decimal(0), Decimal(0))
    if part == whole:
        return line
    with localcontext(_EXACT):
        return Line(line.name, line.quantity * part / whole, line.amount * part / whole)
