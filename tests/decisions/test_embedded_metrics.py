"""The embedded metric format: documents that give metrics, and those that do not keep to the specification."""

import copy
from typing import Any

import orjson
import pytest

from lambdad.observability.embedded_metrics import EmbeddedMetrics, InvalidDocument, samples_of
from lambdad.observability.log_writer import LogEvent

NOW = 1_790_000_030.5
MINUTE = int(NOW) // 60 * 60


def document() -> dict[str, Any]:
    return {
        "_aws": {
            "Timestamp": NOW * 1000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "App",
                    "Dimensions": [["Function", "Stage"], ["Stage"], []],
                    "Metrics": [{"Name": "time", "Unit": "Milliseconds", "StorageResolution": 60}, {"Name": "size"}],
                }
            ],
        },
        "Function": "f",
        "Stage": "test",
        "time": 100,
        "size": [1, 2.5, 3],
        "requestId": "not a metric",
    }


def read(given: dict[str, Any]) -> dict[tuple[str, Any, str], tuple[float, float]]:
    found = {}
    for key, minute, point in samples_of("000000000000", "us-east-1", given, NOW):
        assert (key.namespace, minute) == ("App", MINUTE)
        found[key.name, key.dimensions, key.unit] = (point.count, point.total)
    return found


def test_each_metric_comes_with_each_set_of_dimensions() -> None:
    both = (("Function", "f"), ("Stage", "test"))
    stage = (("Stage", "test"),)
    assert read(document()) == {
        **{("time", dimensions, "Milliseconds"): (1, 100) for dimensions in (both, stage, ())},
        **{("size", dimensions, "None"): (3, 6.5) for dimensions in (both, stage, ())},
    }


def test_a_metric_that_the_document_does_not_have_is_left_out() -> None:
    given = document()
    del given["time"]
    assert {name for name, _, _ in read(given)} == {"size"}


def changed(*path: Any, to: Any) -> dict[str, Any]:
    given = copy.deepcopy(document())
    node = given
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = to
    return given


def test_a_document_has_at_most_a_thousand_datapoints() -> None:
    given = document()
    given["_aws"]["CloudWatchMetrics"][0]["Dimensions"] = [["Stage"]] * 501
    store = Recorder()
    metrics = EmbeddedMetrics(store, store)  # type: ignore[arg-type]
    metrics.listen("000000000000", "us-east-1", "g", "s", [LogEvent(0, orjson.dumps(given).decode())])
    assert [key.name for key, _, _ in store.samples] == ["EMFValidationErrors"]


def test_of_a_flood_so_much_is_read_a_second() -> None:
    store = Recorder()
    metrics = EmbeddedMetrics(store, store)  # type: ignore[arg-type]
    line = orjson.dumps({**document(), "padding": "x" * 200_000}).decode()
    for wanted in (60, 120):
        for _ in range(100):
            metrics.listen(
                "000000000000", "us-east-1", "g", "s", [LogEvent(0, line), LogEvent(0, '{"no": "document"}')]
            )
        assert len(store.samples) == wanted
        store.time += 1


class Recorder:
    """A store that remembers, at a time that stands."""

    def __init__(self) -> None:
        self.samples: list[Any] = []
        self.time = NOW

    def add(self, samples: Any) -> None:
        self.samples += samples

    def now(self) -> float:
        return self.time


DIRECTIVE = ("_aws", "CloudWatchMetrics", 0)


@pytest.mark.parametrize(
    "given",
    [
        changed("_aws", "Timestamp", to="now"),
        changed("_aws", "Timestamp", to=True),
        changed("_aws", "Timestamp", to=(NOW - 15 * 86400) * 1000),
        changed("_aws", "Timestamp", to=(NOW + 3 * 3600) * 1000),
        changed("_aws", "CloudWatchMetrics", to={}),
        changed("_aws", "CloudWatchMetrics", 0, to="App"),
        changed(*DIRECTIVE, "Namespace", to=""),
        changed(*DIRECTIVE, "Namespace", to="AWS/Lambda"),
        changed(*DIRECTIVE, "Dimensions", to="Stage"),
        changed(*DIRECTIVE, "Dimensions", to=["Stage"]),
        changed(*DIRECTIVE, "Dimensions", to=[["Nothing"]]),
        changed(*DIRECTIVE, "Dimensions", to=[["time"]]),
        changed(*DIRECTIVE, "Dimensions", to=[["Stage"] * 31]),
        changed(*DIRECTIVE, "Metrics", to=[{"Name": "time"}] * 101),
        changed(*DIRECTIVE, "Metrics", to=["time"]),
        changed(*DIRECTIVE, "Metrics", 0, "Unit", to="Apples"),
        changed(*DIRECTIVE, "Metrics", 0, "Unit", to=["Seconds"]),
        changed(*DIRECTIVE, "Metrics", 0, "StorageResolution", to=30),
        changed("time", to="100"),
        changed("time", to=True),
        changed("size", to=[1] * 101),
        changed("size", to=[1, "2"]),
        changed("time", to=2.0**361),
    ],
    ids=lambda given: orjson.dumps(given).decode()[:60],
)
def test_a_document_that_does_not_keep_to_it_gives_nothing(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidDocument):
        read(given)
