"""The bill: AWS's examples to the cent, and what holds of any load. AWS: aws.amazon.com/lambda/pricing"""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdad.cli.cost import estimate
from lambdad.observability import billing
from lambdad.observability.billing import ARCHITECTURES, Quantities, amount, before_free_tier, bill, prices, share
from lambdad.observability.cost import cost_of
from lambdad.resources.usage import Counts

NUMBERS = st.integers(0, 10**13)
COUNTS = st.builds(Counts, *[NUMBERS] * 9)
SIZES = st.integers(128, 10_240)
ARCHITECTURE = st.sampled_from(ARCHITECTURES)
TINY = Decimal("1e-12")
"""Dollars: what the sums of this test itself lose."""


def quantities_of(requests: int, milliseconds: int, memory_mb: int) -> Quantities:
    return billing.quantities(memory_mb, Counts(requests=requests, billed_ms=requests * milliseconds))


@pytest.mark.parametrize(("architecture", "duration", "cost"), [("x86_64", "8.33", "3.46"), ("arm64", "6.67", "3.14")])
def test_ten_million_requests(architecture: str, duration: str, cost: str) -> None:
    used = quantities_of(10_000_000, 200, 256)
    assert used.duration == 500_000
    lines = {line.name: line.cents for line in bill(used, prices(architecture))}
    assert lines["duration"] == Decimal(duration)
    assert lines["requests"] == Decimal("2.00")
    assert before_free_tier(bill(used, prices(architecture))) == Decimal(duration) + 2
    assert amount(bill(used, prices(architecture))) == Decimal(cost)


def test_the_same_as_an_estimate() -> None:
    document = json.loads(json.dumps(estimate(10_000_000, 200, 256)))
    (one,) = document["functions"]
    assert (one["requests"], one["gb_seconds"]) == (10_000_000, "500000")
    assert one["x86_64"]["before_free_tier"] == "10.33"
    assert (one["x86_64"]["cost"], one["arm64"]["cost"]) == ("3.46", "3.14")
    assert document["total"] == {name: one[name] for name in document["total"]}
    sizes = {size["memory_mb"]: size for size in document["memory_sizes"]}
    assert sizes[256]["same_duration"]["x86_64"] == {"before_free_tier": "10.33", "cost": "3.46"}
    assert sizes[512]["same_duration"]["gb_seconds"] == "1000000"
    assert sizes[512]["same_duration"]["x86_64"]["cost"] == "11.80"
    assert sizes[512]["faster"]["x86_64"]["cost"] == "3.46"
    assert sizes[10_240]["faster"]["gb_seconds"] == str(Decimal(2_000_000_000 * 256 // 1769 + 1) * 10_240 / 1_024_000)


def test_provisioned_concurrency() -> None:
    """1,000 environments of 1 GB for two hours, in which 1.2 million requests take 0.5 s each; no free tier."""
    counts = Counts(provisioned_requests=1_200_000, provisioned_billed_ms=600_000_000, provisioned_s=1000 * 7200)
    lines = {line.name: line.cents for line in bill(billing.quantities(1024, counts), prices("x86_64"))}
    assert lines["provisioned concurrency"] == Decimal("30.00")
    assert lines["provisioned duration"] == Decimal("5.83")
    assert lines["requests"] == Decimal("0.24")
    assert lines["free tier: requests"] == lines["free tier: duration"] == lines["duration"] == 0


@pytest.mark.parametrize(
    ("architecture", "gb_seconds", "dollars"),
    [
        ("x86_64", 6_000_000_000, "100000.20"),
        ("x86_64", 6_000_000_001, "100000.200015"),
        ("x86_64", 20_000_000_000, "301667.20"),
        ("arm64", 7_500_000_000, "100000.50"),
        ("arm64", 20_000_000_000, "248335.0000"),
    ],
)
def test_tiers(architecture: str, gb_seconds: int, dollars: str) -> None:
    assert billing.in_tiers(Decimal(gb_seconds), prices(architecture).duration) == Decimal(dollars)


def test_smaller_charges() -> None:
    counts = Counts(
        ephemeral_mb_ms=9728 * 10**9,
        streamed_bytes=200 * 1024**3,
        snapshot_s=3600 * 24 * 30,
        restores=1_000_000,
    )
    lines = {line.name: line.cents for line in bill(billing.quantities(2048, counts), prices("arm64"))}
    assert lines["ephemeral storage"] == Decimal("0.29")
    assert (lines["streamed responses"], lines["free tier: streamed responses"]) == (Decimal("1.60"), Decimal("-0.80"))
    assert lines["SnapStart cache"] == Decimal("7.80")
    assert lines["SnapStart restores"] == Decimal("279.60")


@given(SIZES, st.lists(COUNTS, min_size=1, max_size=5), ARCHITECTURE)
def test_shares_are_all_of_the_bill(memory_mb: int, counts: list[Counts], architecture: str) -> None:
    parts = [billing.quantities(memory_mb, one) for one in counts]
    whole = billing.total(parts)
    of_all = bill(whole, prices(architecture))
    shares = [share(of_all, whole, part) for part in parts]
    for at, line in enumerate(of_all):
        assert abs(sum(one[at].amount for one in shares) - line.amount) < TINY
        assert abs(sum(one[at].quantity for one in shares) - line.quantity) < TINY


@given(SIZES, st.lists(COUNTS, min_size=1, max_size=5))
def test_adding_counts_is_adding_quantities(memory_mb: int, counts: list[Counts]) -> None:
    added = Counts()
    for one in counts:
        added.add(one)
    assert billing.quantities(memory_mb, added) == billing.total(billing.quantities(memory_mb, one) for one in counts)


@given(NUMBERS, NUMBERS, ARCHITECTURE)
def test_tiers_only_get_cheaper(less: int, more: int, architecture: str) -> None:
    """More costs more, but no more than at the first tier's price; and a part at a time is never cheaper than at once."""
    tiers = prices(architecture).duration
    both = billing.in_tiers(Decimal(less + more), tiers)
    assert billing.in_tiers(Decimal(less), tiers) <= both <= (less + more) * tiers[0].price
    assert billing.in_tiers(Decimal(less), tiers) + billing.in_tiers(Decimal(more), tiers) >= both
    assert both >= (less + more) * tiers[-1].price


@given(SIZES, COUNTS, ARCHITECTURE)
def test_the_free_tier(memory_mb: int, counts: Counts, architecture: str) -> None:
    """It takes away what it covers and no more; nothing is ever paid out."""
    used = billing.quantities(memory_mb, counts)
    lines = bill(used, prices(architecture))
    assert 0 <= amount(lines) <= before_free_tier(lines)
    assert sum(line.amount for line in lines) >= 0
    most = Decimal(1_000_000) * prices(architecture).request + 400_000 * prices(architecture).duration[0].price
    assert before_free_tier(lines) - amount(lines) <= most + Decimal("0.80") + Decimal("0.03")


@given(SIZES, COUNTS, SIZES)
def test_other_memory_sizes(memory_mb: int, counts: Counts, other_mb: int) -> None:
    here = billing.quantities(memory_mb, counts)
    assert billing.at_other_size(memory_mb, counts, memory_mb, faster=True) == here
    same = billing.at_other_size(memory_mb, counts, other_mb, faster=False)
    faster = billing.at_other_size(memory_mb, counts, other_mb, faster=True)
    assert (same.requests, same.ephemeral_storage) == (here.requests, here.ephemeral_storage)
    assert (faster.duration <= same.duration) or other_mb < memory_mb
    if max(memory_mb, other_mb) <= billing.FULL_CPU_MB:  # half the time with twice the memory
        assert 0 <= faster.duration - here.duration <= Decimal(other_mb) / 1_024_000
    if min(memory_mb, other_mb) >= billing.FULL_CPU_MB:  # no faster
        assert faster == same


@given(
    st.dictionaries(
        st.text(max_size=5), st.lists(st.tuples(ARCHITECTURE, SIZES, COUNTS), min_size=1, max_size=3), max_size=4
    )
)
def test_any_document_is_one(use: dict[str, list[tuple[str, int, Counts]]]) -> None:
    for name in (None, *use):
        document = json.loads(json.dumps(cost_of(use, name)))
        assert {one["function"] for one in document["functions"]} == (set(use) if name is None else {name})
        for figures in (*document["functions"], document["total"]):
            for architecture in ARCHITECTURES:
                lines = figures[architecture]["lines"]
                assert sum(Decimal(line["amount"]) for line in lines) == Decimal(figures[architecture]["cost"])
        if name is None and use:
            assert document["total"]["requests"] == sum(one["requests"] for one in document["functions"])
