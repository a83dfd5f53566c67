"""FilterCriteria and data that is no JSON: of every source.

AWS: docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html and its siblings.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from lambdad.event_source_mappings import kafka_event, kinesis, rabbitmq_event, sqs_event
from lambdad.event_source_mappings.filters import Filters
from lambdad.event_source_mappings.kafka_event import KafkaRecord

ABSENT = {"a": [{"exists": False}]}


def filters(*patterns: Mapping[str, Any]) -> Filters:
    return Filters.of({"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]})


def of_queue(data: str) -> Mapping[str, Any] | None:
    return sqs_event.filtered_document({"body": data, "attributes": {"kind": "x"}})


def of_stream(data: str) -> Mapping[str, Any] | None:
    return kinesis.filtered_document({"partitionKey": "k", "data": base64.b64encode(data.encode()).decode()})


def of_broker(data: str) -> Mapping[str, Any] | None:
    return rabbitmq_event.filtered_document({"data": base64.b64encode(data.encode()).decode()})


def of_topic(data: str) -> Mapping[str, Any] | None:
    return kafka_event.filtered_document(KafkaRecord("t", 0, 1, 0, 0, None, data.encode(), ()))


SOURCES = [(of_queue, "body"), (of_stream, "data"), (of_broker, "data"), (of_topic, "value")]


@pytest.mark.parametrize(("document_of", "member"), SOURCES)
def test_text_matches_no_pattern_of_json(document_of: Any, member: str) -> None:
    for pattern in ({member: ABSENT}, {"$or": [{member: ABSENT}, {member: {"b": ["x"]}}]}):
        assert not filters(pattern).match(document_of("no JSON"))
        assert filters(pattern).match(document_of('{"c": 1}'))
        assert not filters(pattern).match(document_of('{"a": 1}'))


@pytest.mark.parametrize(("document_of", "member"), [one for one in SOURCES if one[0] is not of_stream])
def test_text_matches_patterns_of_text(document_of: Any, member: str) -> None:
    assert filters({member: ABSENT}, {member: ["no JSON"]}).match(document_of("no JSON"))
    assert not filters({member: ["no JSON"]}).match(document_of('{"a": 1}'))


def test_other_members_are_looked_at_as_before() -> None:
    either = {"$or": [{"body": ABSENT}, {"attributes": {"kind": ["x"]}}]}
    assert filters(either).match(of_queue("no JSON"))
    assert not filters({"body": ABSENT, "attributes": {"kind": ["x"]}}).match(of_queue("no JSON"))
    assert filters({"partitionKey": ["k"]}).match(of_stream("no JSON"))
    assert filters({"attributes": {"other": [{"exists": False}]}}).match(of_queue("no JSON"))
