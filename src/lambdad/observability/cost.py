"""What a month would have cost on AWS, as the document that `lambdad cost` shows: by function, in all, at other memory sizes.

A function's figures are its share of the account's bill, so that the free tier is given away once, and tiers of price are those of
the whole account. Amounts are text in dollars, quantities text in the unit their name says; both exact.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from lambdad.observability import billing
from lambdad.observability.billing import ARCHITECTURES, FULL_CPU_MB, Bill, Quantities
from lambdad.resources.usage import Counts

MEMORY_SIZES = (128, 256, 512, 1024, FULL_CPU_MB, 2048, 3008, 4096, 6144, 8192, 10_240)

Load = tuple[str, int, Counts]
"""Architecture, memory size in MB, and what was counted with them."""

ASSUMPTIONS = (
    "All of the load on one architecture, as fast on both.",
    "Prices are those of US East (N. Virginia), whatever the region; no Savings Plans, no discounts.",
    "The free tier is this account's alone, and is shared out to functions by what they used of it.",
    f"same_duration: as long as it took. faster: the duration in inverse proportion to memory, up to {FULL_CPU_MB:,} MB.",
)


def cost_of(use: Mapping[str, Sequence[Load]], function: str | None = None) -> dict[str, Any]:
    """Of all functions; with a `function`, only its own figures, and what it would cost at other memory sizes."""
    used = {name: _quantities(loads) for name, loads in use.items()}
    whole = billing.total(used.values()) if used else Quantities()
    bills = _bills(whole)
    shown = use if function is None else {name: loads for name, loads in use.items() if name == function}
    document: dict[str, Any] = {
        "prices": {name: billing.price_list()[name] for name in ("source", "as_of", "region", "currency")},
        "assumptions": ASSUMPTIONS,
        "functions": [
            {
                "function": name,
                "architectures": sorted({architecture for architecture, _, _ in loads}),
                "memory_mb": sorted({memory_mb for _, memory_mb, _ in loads}),
                **_figures(used[name], _shares(bills, whole, used[name])),
            }
            for name, loads in shown.items()
        ],
        "total": _figures(whole, bills),
    }
    if function is not None and function in use:
        others = billing.total([Quantities(), *(one for name, one in used.items() if name != function)])
        document["memory_sizes"] = [_at_size(use[function], others, size) for size in MEMORY_SIZES]
    return document


def _quantities(loads: Iterable[Load]) -> Quantities:
    return billing.total(billing.quantities(memory_mb, counts) for _, memory_mb, counts in loads)


def _bills(used: Quantities) -> dict[str, Bill]:
    return {architecture: billing.bill(used, billing.prices(architecture)) for architecture in ARCHITECTURES}


def _shares(bills: Mapping[str, Bill], whole: Quantities, part: Quantities) -> dict[str, Bill]:
    return {architecture: billing.share(one, whole, part) for architecture, one in bills.items()}


def _at_size(loads: Sequence[Load], others: Quantities, size: int) -> dict[str, Any]:
    found: dict[str, Any] = {"memory_mb": size}
    for assumption, faster in (("same_duration", False), ("faster", True)):
        own = billing.total(
            billing.at_other_size(memory_mb, counts, size, faster=faster) for _, memory_mb, counts in loads
        )
        whole = others + own
        shares = _shares(_bills(whole), whole, own)
        found[assumption] = {
            "gb_seconds": _text(own.duration + own.provisioned_duration),
            **{architecture: _amounts(one) for architecture, one in shares.items()},
        }
    return found


def _figures(used: Quantities, bills: Mapping[str, Bill]) -> dict[str, Any]:
    return {
        "requests": int(used.requests + used.provisioned_requests),
        "gb_seconds": _text(used.duration + used.provisioned_duration),
        **{architecture: {**_amounts(one), "lines": _lines(one)} for architecture, one in bills.items()},
    }


def _amounts(one: Bill) -> dict[str, str]:
    return {"before_free_tier": str(billing.before_free_tier(one)), "cost": str(billing.amount(one))}


def _lines(one: Bill) -> list[dict[str, str]]:
    """Those that count something."""
    return [
        {
            "line": line.name,
            "quantity": _text(line.quantity),
            "amount": str(line.cents),
            "exact_amount": _text(line.amount),
        }
        for line in one
        if line.quantity
    ]


def _text(number: Decimal) -> str:
    """Without an exponent and zeros that say nothing."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
