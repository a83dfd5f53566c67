"""What may be subscribed to. AWS: docs.aws.amazon.com/lambda/latest/dg/telemetry-api-reference.html"""

import json
from typing import Any

import pytest

from lambdad.environments.telemetry_subscription import InvalidSubscription, read_subscription

HTTP = {"protocol": "HTTP", "URI": "http://sandbox.localdomain:8080"}
GOOD: dict[str, Any] = {"schemaVersion": "2022-12-13", "types": ["platform"], "destination": HTTP}


def to(uri: object) -> dict[str, Any]:
    return {**GOOD, "destination": {"protocol": "HTTP", "URI": uri}}


def test_what_is_not_told_is_aws_s_default() -> None:
    read = read_subscription("telemetry", json.dumps(GOOD).encode())
    assert (read.max_items, read.max_bytes, read.timeout) == (10000, 262144, 1.0)
    assert (read.destination.port, read.destination.path) == (8080, "/")
    assert (
        read_subscription("logs", json.dumps({**GOOD, "schemaVersion": "2020-08-15"}).encode()).schema == "2020-08-15"
    )


def test_the_limits_themselves_are_allowed() -> None:
    for buffering in (
        {"maxItems": 1000, "maxBytes": 262144, "timeoutMs": 25},
        {"maxItems": 10000, "maxBytes": 1048576, "timeoutMs": 30000},
    ):
        read = read_subscription("telemetry", json.dumps({**GOOD, "buffering": buffering}).encode())
        assert [read.max_items, read.max_bytes, read.timeout * 1000] == list(buffering.values())
    read = read_subscription("telemetry", json.dumps(to("http://sandbox/a?b=c")).encode())
    assert (read.destination.host, read.destination.port, read.destination.path) == ("sandbox", 80, "/a?b=c")


@pytest.mark.parametrize(
    "wrong",
    [
        "no document",
        {**GOOD, "schemaVersion": "2020-08-15"},
        {**GOOD, "schemaVersion": 1},
        {name: value for name, value in GOOD.items() if name != "schemaVersion"},
        {**GOOD, "types": []},
        {**GOOD, "types": "platform"},
        {**GOOD, "types": ["other"]},
        {**GOOD, "types": [["platform"]]},
        {**GOOD, "destination": None},
        {**GOOD, "destination": {"protocol": "UDP", "port": 8080}},
        {**GOOD, "destination": {"protocol": "TCP", "port": 9001}},
        {**GOOD, "destination": {"protocol": "TCP", "port": 65536}},
        {**GOOD, "destination": {"protocol": "TCP", "port": "8080"}},
        to("http://169.254.169.254/"),
        to("http://127.0.0.1:8080/"),
        to("http://sandbox.localdomain.example:8080/"),
        to("http://sandbox.localdomain@example:8080/"),
        to("https://sandbox.localdomain:8080/"),
        to("http://sandbox.localdomain:9001/"),
        to("http://sandbox.localdomain:0/"),
        to("http://sandbox.localdomain:80/a b"),
        to("http://sandbox.localdomain:80/\r\nX: y"),
        to("http://sandbox.localdomain:80/\n"),
        to(None),
        {**GOOD, "buffering": []},
        {**GOOD, "buffering": {"maxItems": 999}},
        {**GOOD, "buffering": {"maxItems": 10001}},
        {**GOOD, "buffering": {"maxBytes": 262143}},
        {**GOOD, "buffering": {"maxBytes": 1048577}},
        {**GOOD, "buffering": {"timeoutMs": 24}},
        {**GOOD, "buffering": {"timeoutMs": 30001}},
        {**GOOD, "buffering": {"timeoutMs": True}},
        {**GOOD, "buffering": {"timeoutMs": 100.5}},
    ],
)
def test_what_is_refused(wrong: object) -> None:
    with pytest.raises(InvalidSubscription):
        read_subscription("telemetry", json.dumps(wrong).encode())


def test_no_json() -> None:
    with pytest.raises(InvalidSubscription):
        read_subscription("telemetry", b"{")
