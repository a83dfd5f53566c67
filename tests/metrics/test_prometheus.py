"""The page for Prometheus, read by Prometheus's own parser: what it says is what was invoked.

prometheus.io/docs/instrumenting/exposition_formats
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from functions import call, create
from lambdad.observability.exposition import FAMILIES
from server import Server
from wait import wait_for

DOCUMENT = Path(__file__).parents[2] / "docs" / "observability.md"
CODE = "def handler(event, context):\n    print('a line')\n    assert event != 'fail'\n    return event\n"


def scraped(server: Server) -> dict[str, Metric]:
    families: Iterable[Metric] = text_string_to_metric_families(server.get("/_lambdad/metrics")[1].decode())
    return {family.name: family for family in families}


def value(family: Metric, name: str = "", **labels: str) -> float:
    """Of the one sample that has these labels."""
    (found,) = [
        sample.value
        for sample in family.samples
        if sample.name == (name or sample.name) and labels.items() <= sample.labels.items()
    ]
    return float(found)


def test_what_was_invoked(server: Server, client: Any) -> None:
    name = create(client, CODE)
    for event in ("one", "two", "fail"):
        call(client, name, event)
    client.invoke(FunctionName=name, InvocationType="Event", Payload=b'"later"')
    wait_for(lambda: value(scraped(server)["lambdad_invocations"], function=name) == 4)
    found = scraped(server)
    assert value(found["lambdad_errors"], function=name) == 1
    assert value(found["lambdad_throttles"], function=name) == 0
    assert value(found["lambdad_async_events_received"], function=name) == 1
    assert value(found["lambdad_async_event_age_seconds"], "lambdad_async_event_age_seconds_count", function=name) == 1
    durations = found["lambdad_duration_seconds"]
    assert value(durations, "lambdad_duration_seconds_count", function=name) == 4
    buckets = [
        (float(sample.labels["le"]), sample.value)
        for sample in durations.samples
        if sample.name.endswith("_bucket") and sample.labels["function"] == name
    ]
    assert buckets == sorted(buckets), "they are cumulative"
    assert buckets[-1] == (float("inf"), 4)
    own = found["lambdad_function_duration_seconds"]
    assert value(own, "lambdad_function_duration_seconds_count", function=name) == 4
    total = value(durations, "lambdad_duration_seconds_sum", function=name)
    assert 0 < value(own, "lambdad_function_duration_seconds_sum", function=name) <= total
    assert value(found["lambdad_cold_starts"]) >= 1
    assert value(found["lambdad_log_bytes"]) > 0
    client.delete_function(FunctionName=name)
    gone = (sample.labels.get("function") for family in scraped(server).values() for sample in family.samples)
    assert name not in gone


def test_every_family_says_what_it_is(server: Server) -> None:
    for family in scraped(server).values():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        assert (family.type, family.documentation) == FAMILIES[name]


def test_what_the_document_shows_is_there() -> None:
    shown = set(re.findall(r"lambdad_\w+", DOCUMENT.read_text()))
    assert shown
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown} <= set(FAMILIES)
