"""A server whose traces are exported to a collector, and what is asked of it."""

from collections.abc import Iterator
from typing import Any

import pytest

from collector import Collector
from functions import create
from server import Server
from tracing import TRACER


@pytest.fixture(scope="session")
def collector() -> Iterator[Collector]:
    running = Collector()
    yield running
    running.close()


@pytest.fixture(scope="session")
def traced(tmp_path_factory: pytest.TempPathFactory, collector: Collector) -> Iterator[Server]:
    """Every request of an Active function is sampled."""
    place = tmp_path_factory.mktemp("traced") / "data"
    running = Server(
        place,
        "--otlp-endpoint",
        collector.url,
        "--otlp-header",
        "x-key=secret",
        "--companion",
        "off",
        "--retry-wait",
        "0.1",
    ).start()
    update = {"RuleName": "Default", "FixedRate": 1.0}
    running.client("xray").update_sampling_rule(SamplingRuleUpdate=update)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session")
def xray(traced: Server) -> Any:
    return traced.client("xray")


@pytest.fixture(scope="session")
def lambdas(traced: Server) -> Any:
    return traced.client()


@pytest.fixture(scope="session")
def active(lambdas: Any) -> str:
    return create(lambdas, TRACER, TracingConfig={"Mode": "Active"})


@pytest.fixture(scope="session")
def passing(lambdas: Any) -> str:
    return create(lambdas, TRACER)
