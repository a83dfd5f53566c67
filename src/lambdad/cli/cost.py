"""`lambdad cost`: what the load of a month would have cost on AWS, or what one that is only thought of would."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import click

from lambdad.cli.client import Client, endpoint_option, fail
from lambdad.observability.billing import ARCHITECTURES, FULL_CPU_MB
from lambdad.observability.cost import cost_of
from lambdad.resources.usage import Counts

_ESTIMATE = "(estimate)"
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


@click.command("cost")
@click.option("--month", help="E.g. 2026-01, in UTC (default: this one).")
@click.option("--function", "function", help="Only this one, line by line, and at other memory sizes.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON document.")
@click.option("--requests", type=click.IntRange(min=0), help="Estimate, without a server: requests a month.")
@click.option("--duration-ms", type=click.IntRange(min=0), help="Estimate: billed milliseconds of each.")
@click.option("--memory", type=click.IntRange(128, 10_240), help="Estimate: MB.")
@endpoint_option
def command(
    month: str | None,
    function: str | None,
    as_json: bool,
    requests: int | None,
    duration_ms: int | None,
    memory: int | None,
    endpoint_url: str,
) -> None:
    """Say what a month's load would have cost on AWS, on x86 and on Arm.

    With --requests, --duration-ms and --memory: what such a load would cost, without asking a server.
    """
    if requests is None and duration_ms is None and memory is None:
        document = _asked(endpoint_url, month, function)
    elif requests is None or duration_ms is None or memory is None or month or function:
        fail(
            "an estimate takes --requests, --duration-ms and --memory, all three, and neither --month nor --function.",
            2,
        )
    else:
        document = estimate(requests, duration_ms, memory)
    click.echo(json.dumps(document, indent=2) if as_json else "\n".join(_shown(document, function)))


def estimate(requests: int, duration_ms: int, memory_mb: int) -> dict[str, Any]:
    """As the server answers for a function, that has run so often, so long."""
    counts = Counts(requests=requests, billed_ms=requests * duration_ms)
    return cost_of({_ESTIMATE: [(ARCHITECTURES[0], memory_mb, counts)]}, _ESTIMATE)


def _asked(endpoint_url: str, month: str | None, function: str | None) -> dict[str, Any]:
    if month is not None and _MONTH.fullmatch(month) is None:
        fail(f"--month takes a month such as 2026-01, not {month!r}.", 2)
    query = urlencode({name: value for name, value in (("month", month), ("function", function)) if value is not None})
    answer = Client(endpoint_url).send("GET", "/_lambdad/cost" + (f"?{query}" if query else ""))
    if answer.status != 200:
        fail(answer.message)
    document: dict[str, Any] = answer.json()
    return document


# --- What is printed ------------------------------------------------------------------------------------------------------


def _shown(document: Mapping[str, Any], function: str | None) -> list[str]:
    prices = document["prices"]
    where = f"{document['month']}, account {document['account']}, {document['region']}: " if "month" in document else ""
    lines = [f"{where}what it would cost on AWS ({prices['currency']}; {prices['region']}, {prices['as_of']})", ""]
    if not document["functions"]:
        return [*lines, f"Nothing was used{f' by {function}' if function is not None else ''}."]
    if "memory_sizes" not in document:
        return [
            *lines,
            *_functions(document),
            "",
            "`--function NAME` shows one line by line, and at other memory sizes.",
        ]
    (one,) = document["functions"]
    return [*lines, *_bill(one), "", *_sizes(document["memory_sizes"])]


def _functions(document: Mapping[str, Any]) -> list[str]:
    head = ["function", "MB", "requests", "GB-s"]
    for architecture in ARCHITECTURES:
        head += [architecture, "less free tier"]
    rows = [_row(one["function"], ", ".join(map(str, one["memory_mb"])), one) for one in document["functions"]]
    return _table([head, *rows, _row("total", "", document["total"])])


def _row(name: str, memory: str, figures: Mapping[str, Any]) -> list[str]:
    row = [name, memory, f"{figures['requests']:,}", _number(figures["gb_seconds"])]
    for architecture in ARCHITECTURES:
        row += [_dollars(figures[architecture]["before_free_tier"]), _dollars(figures[architecture]["cost"])]
    return row


def _bill(one: Mapping[str, Any]) -> list[str]:
    first, second = (one[architecture] for architecture in ARCHITECTURES)
    name = one["function"] if one["function"] != _ESTIMATE else ""
    rows = [[name, "quantity", *ARCHITECTURES]]
    for here, there in zip(first["lines"], second["lines"], strict=True):
        rows.append([here["line"], _number(here["quantity"]), _dollars(here["amount"]), _dollars(there["amount"])])
    rows.append(["before the free tier", "", *(_dollars(each["before_free_tier"]) for each in (first, second))])
    rows.append(["total", "", _dollars(first["cost"]), _dollars(second["cost"])])
    return _table(rows)


def _sizes(sizes: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [["MB", *(f"{architecture}, {how}" for how in ("same", "faster") for architecture in ARCHITECTURES)]]
    for size in sizes:
        costs = [
            size[how][architecture]["cost"] for how in ("same_duration", "faster") for architecture in ARCHITECTURES
        ]
        rows.append([f"{size['memory_mb']:,}", *map(_dollars, costs)])
    return [
        "The same load at other memory sizes, less the free tier. same: it takes as long. faster: its",
        f"duration is in inverse proportion to memory, up to {FULL_CPU_MB:,} MB (one whole CPU).",
        "",
        *_table(rows),
    ]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def _dollars(amount: str) -> str:
    number = Decimal(amount)
    return f"{'-' if number < 0 else ''}${abs(number):,.2f}"


def _number(quantity: str) -> str:
    """At most three decimals."""
    text = f"{Decimal(quantity):,.3f}"
    return text.rstrip("0").rstrip(".")
