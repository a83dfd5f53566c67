"""Every protocol against botocore's own: what it serializes is read as it was meant, what is answered it parses to the same."""

import datetime
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import botocore.parsers
import botocore.serialize
import botocore.session
import pytest
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdad.errors import ServiceError
from lambdad.http.exchange import Exchange
from lambdad.protocols.aws_json import AwsJson
from lambdad.protocols.codec import Answer, Codec
from lambdad.protocols.model import load_model
from lambdad.protocols.query import Query
from lambdad.protocols.rest_json import RestJson
from lambdad.protocols.rpc_cbor import RpcCbor

CASES = [
    ("logs", "json", "PutLogEvents"),
    ("logs", "json", "FilterLogEvents"),
    ("logs", "json", "TagResource"),
    ("cloudwatch", "json", "PutMetricData"),
    ("cloudwatch", "query", "PutMetricData"),
    ("cloudwatch", "query", "PutMetricAlarm"),
    ("cloudwatch", "query", "GetMetricData"),
    ("cloudwatch", "query", "DescribeAlarms"),
    ("cloudwatch", "smithy-rpc-v2-cbor", "PutMetricData"),
    ("cloudwatch", "smithy-rpc-v2-cbor", "GetMetricData"),
    ("cloudwatch", "smithy-rpc-v2-cbor", "DescribeAlarms"),
    ("xray", "rest-json", "GetTraceSummaries"),
    ("xray", "rest-json", "CreateSamplingRule"),
    ("sqs", "json", "SendMessageBatch"),
    ("sqs", "json", "ReceiveMessage"),
]
CODECS: Mapping[str, type[Any]] = {
    "json": AwsJson,
    "query": Query,
    "rest-json": RestJson,
    "smithy-rpc-v2-cbor": RpcCbor,
}
_SESSION = botocore.session.get_session()
_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="￾￿"), max_size=20)
_MOMENTS = st.integers(1, 2_000_000_000).map(lambda seconds: datetime.datetime.fromtimestamp(seconds, datetime.UTC))


class _Connection:
    """Answers go nowhere: only what is read is looked at."""


def _values(shape: Shape, names: tuple[str, ...] = ()) -> st.SearchStrategy[Any]:
    """Any value of the right types; recursive shapes end where they begin again."""
    if isinstance(shape, StructureShape):
        kept = {
            name: _values(member, (*names, shape.name))
            for name, member in shape.members.items()
            if member.name not in (*names, shape.name) and not member.serialization.get("eventstream")
        }
        needed = {name: kept[name] for name in shape.required_members if name in kept}
        made = st.fixed_dictionaries(needed, optional={name: kept[name] for name in kept.keys() - needed.keys()})
        return made.filter(bool) if names else made  # a form cannot say that there is a structure of nothing
    if isinstance(shape, ListShape):
        return st.lists(_values(shape.member, (*names, shape.name)), min_size=1, max_size=3)
    if isinstance(shape, MapShape):
        return st.dictionaries(_TEXT.filter(bool), _values(shape.value, (*names, shape.name)), min_size=1, max_size=2)
    return {
        "string": _TEXT.filter(lambda text: text.strip() == text and text != ""),
        "integer": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**53), 2**53),
        "double": st.floats(allow_nan=False, allow_infinity=False, width=32),
        "float": st.floats(allow_nan=False, allow_infinity=False, width=32),
        "boolean": st.booleans(),
        "timestamp": _MOMENTS,
        "blob": st.binary(min_size=1, max_size=20),
    }[shape.type_name]


def _plain(value: Any) -> Any:
    """Times as seconds: what operations are given."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.timestamp() if isinstance(value, datetime.datetime) else value


def _exchange(request: Mapping[str, Any]) -> Exchange:
    """As a client would have sent it."""
    target = request["url_path"]
    if request["query_string"]:
        target += "?" + urlencode(request["query_string"])
    body = request["body"]
    if isinstance(body, Mapping):
        body = urlencode(body).encode()
    headers = {name.lower().encode(): str(value).encode() for name, value in request["headers"].items()}
    body = body.encode() if isinstance(body, str) else bytes(body)
    return Exchange(_Connection(), request["method"].encode(), target.encode(), headers, body, "127.0.0.1")  # type: ignore[arg-type]


def _botocore(service: str, operation: str) -> OperationModel:
    return _SESSION.get_service_model(service).operation_model(operation)


def _parsed(protocol: str, answer: Answer, model: OperationModel) -> Any:
    assert isinstance(answer.body, bytes)
    headers = {name.decode().lower(): value.decode() for name, value in answer.headers}
    response = {"status_code": answer.status, "headers": headers, "body": answer.body}
    return botocore.parsers.create_parser(protocol).parse(response, model.output_shape)


@pytest.mark.parametrize(("service", "protocol", "operation"), CASES)
def test_a_request_is_read_as_it_was_meant(service: str, protocol: str, operation: str) -> None:
    model = _botocore(service, operation)
    codec: Codec = CODECS[protocol](load_model(service))
    serializer = botocore.serialize.create_serializer(protocol, include_validation=False)
    assert model.input_shape is not None

    @settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
    @given(_values(model.input_shape))
    def check(members: dict[str, Any]) -> None:
        found, request = codec.read(_exchange(serializer.serialize_to_request(members, model)))
        assert found.name == operation
        assert request == _plain(members)

    check()


@pytest.mark.parametrize(("service", "protocol", "operation"), CASES)
def test_an_answer_is_parsed_to_what_was_answered(service: str, protocol: str, operation: str) -> None:
    model = _botocore(service, operation)
    codec: Codec = CODECS[protocol](load_model(service))
    if model.output_shape is None:
        answer = codec.answer(codec_operation(service, operation), {}, "an-id")
        assert answer.status == 200
        assert dict(answer.headers)[b"x-amzn-RequestId"] == b"an-id"
        return

    @settings(deadline=None, max_examples=30, suppress_health_check=list(HealthCheck))
    @given(_values(model.output_shape))
    def check(members: dict[str, Any]) -> None:
        answer = codec.answer(codec_operation(service, operation), _plain(members), "an-id")
        parsed = _parsed(protocol, answer, model)
        metadata = parsed.pop("ResponseMetadata")
        assert (metadata["HTTPStatusCode"], metadata["RequestId"]) == (200, "an-id")
        assert _plain(parsed) == _plain(members)

    check()


def codec_operation(service: str, operation: str) -> Any:
    return load_model(service).operations[operation]


class ResourceNotFoundException(ServiceError):
    status = 404


@pytest.mark.parametrize(("service", "protocol"), sorted({case[:2] for case in CASES}))
def test_an_error_has_its_code_and_words(service: str, protocol: str) -> None:
    model = _SESSION.get_service_model(service)
    codec: Codec = CODECS[protocol](load_model(service))
    answer = codec.refusal(ResourceNotFoundException("There is none: <&>"), "an-id")
    parsed = _parsed(protocol, answer, model.operation_model(model.operation_names[0]))
    assert parsed["Error"]["Code"] == "ResourceNotFoundException"
    assert parsed["Error"]["Message"] == "There is none: <&>"
    assert parsed["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert parsed["ResponseMetadata"]["RequestId"] == "an-id"


def test_a_service_that_spoke_query_names_its_errors_as_then() -> None:
    """AWS: InvalidParameterValueException of CloudWatch is InvalidParameterValue to the query protocol's clients."""

    class InvalidParameterValueException(ServiceError):
        status = 400

    model = load_model("cloudwatch")
    refused = InvalidParameterValueException("No.")
    for codec in (RpcCbor(model), AwsJson(model)):
        assert dict(codec.refusal(refused, "an-id").headers)[b"x-amzn-query-error"] == b"InvalidParameterValue;Sender"
    body = Query(model).refusal(refused, "an-id").body
    assert isinstance(body, bytes)
    assert b"<Code>InvalidParameterValue</Code>" in body


BROKEN = [
    ("json", "/", {b"x-amz-target": b"Logs_20140328.NoSuch"}, b"{}", "UnknownOperationException"),
    ("json", "/", {b"x-amz-target": b"Other.PutMetricData"}, b"{}", "UnknownOperationException"),
    ("json", "/", {b"x-amz-target": b"GraniteServiceVersion20100801.PutMetricData"}, b"{", "SerializationException"),
    ("json", "/", {b"x-amz-target": b"GraniteServiceVersion20100801.PutMetricData"}, b"[1]", "SerializationException"),
    ("smithy-rpc-v2-cbor", "/service/x/operation/NoSuch", {}, b"", "UnknownOperationException"),
    ("smithy-rpc-v2-cbor", "/elsewhere", {}, b"", "UnknownOperationException"),
    ("smithy-rpc-v2-cbor", "/service/x/operation/PutMetricData", {}, b"\xff", "SerializationException"),
    ("smithy-rpc-v2-cbor", "/service/x/operation/PutMetricData", {}, b"\xa0\xa0", "SerializationException"),
    ("smithy-rpc-v2-cbor", "/service/x/operation/PutMetricData", {}, b"\x9b" + b"\xff" * 8, "SerializationException"),
    (
        "smithy-rpc-v2-cbor",
        "/service/x/operation/PutMetricData",
        {},
        b"\x81" * 5000 + b"\x00",
        "SerializationException",
    ),
    ("query", "/", {}, b"", "InvalidAction"),
    ("query", "/", {}, b"Action=NoSuch", "InvalidAction"),
    ("query", "/", {}, b"Action.member.1=PutMetricData", "InvalidAction"),
    ("query", "/", {}, b"Action=PutMetricData&MetricData=1", "MalformedInput"),
    ("query", "/", {}, b"Action=PutMetricData&MetricData.member.x=1", "MalformedInput"),
    ("query", "/", {}, b"Action=PutMetricData&Namespace=a&Namespace.b=1", "MalformedInput"),
    ("query", "/", {}, b"Action=PutMetricData&MetricData.member.1.Value=much", "MalformedInput"),
    ("query", "/", {}, b"Action=PutMetricData&StrictEntityValidation=perhaps", "MalformedInput"),
    ("query", "/", {}, b"a=1&" * 30_000, "MalformedInput"),
]


@pytest.mark.parametrize(("protocol", "target", "headers", "body", "code"), BROKEN)
def test_what_cannot_be_read_is_refused(
    protocol: str, target: str, headers: dict[bytes, bytes], body: bytes, code: str
) -> None:
    codec: Codec = CODECS[protocol](load_model("cloudwatch"))
    exchange = Exchange(_Connection(), b"POST", target.encode(), headers, body, "127.0.0.1")  # type: ignore[arg-type]
    with pytest.raises(ServiceError) as refused:
        codec.read(exchange)
    assert refused.value.code == code
    assert refused.value.status == 400


def test_lists_of_forms_are_in_the_order_of_their_numbers() -> None:
    body = b"Action=DescribeAlarms&AlarmNames.member.10=ten&AlarmNames.member.9=nine&AlarmNames.member.2=two"
    exchange = Exchange(_Connection(), b"POST", b"/", {}, body, "127.0.0.1")  # type: ignore[arg-type]
    _, request = Query(load_model("cloudwatch")).read(exchange)
    assert request == {"AlarmNames": ["two", "nine", "ten"]}
