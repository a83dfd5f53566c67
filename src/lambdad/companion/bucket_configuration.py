"""What a bucket is to tell, and whom, as requests say it: read from their XML and checked, shown as S3 shows it.

AWS: docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html,
docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

from moto.core.responses import ActionResult, EmptyResult
from moto.core.serialize import S3Serializer
from moto.s3 import notifications, responses
from moto.s3.exceptions import MalformedXML, S3ClientError

_SERVICES = {"CloudFunction": "lambda", "Queue": "sqs", "Topic": "sns"}
"""Of destinations, by what their elements are called."""
_BUS = "EventBridgeConfiguration"
_SKIP = "SkipDestinationValidation"
_SKIP_HEADER = "x-amz-skip-destination-validation"
_ARN = re.compile(r"arn:aws[\w-]*:([a-z]+):[\w-]+:\d{12}:\S+")
_NEWER = ("ObjectAnnotation:*", "ObjectAnnotation:Put", "ObjectAnnotation:Delete", "ObjectRetention:Put")
_EVENTS = frozenset({*notifications.S3NotificationEvent.events(), *(f"s3:{event}" for event in _NEWER)})
_RULES = ("prefix", "suffix")
_LONGEST_RULE = 1024
_AMBIGUOUS = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping "
    "for the same event type."
)

Configuration = dict[str, Any]
"""A list for each kind of destination that is given, as moto wants it; names of rules in lower case, too."""
One = Mapping[str, Any]


class InvalidArgument(S3ClientError):  # type: ignore[misc]
    """`arguments`: further elements of the error."""

    def __init__(self, message: str, **arguments: str) -> None:
        super().__init__("InvalidArgument", message)
        self.arguments = arguments


def install() -> None:
    """In moto's place."""
    describe = S3Serializer._serialize_error_metadata

    def described(serializer: Any, serialized: Any, error: Exception, shape: Any) -> None:
        describe(serializer, serialized, error, shape)
        if isinstance(error, InvalidArgument):
            serialized.update(error.arguments)

    S3Serializer._serialize_error_metadata = described
    notifications.S3NotificationEvent.is_event_valid = _EVENTS.__contains__
    responses.S3Response._notification_config_from_body = lambda response: read(
        response.body, response.headers.get(_SKIP_HEADER)
    )
    responses.S3Response.get_bucket_notification = _shown


def given(configuration: Mapping[str, Any]) -> Iterator[tuple[str, One]]:
    """(kind, one) for each destination."""
    for kind in _SERVICES:
        for one in configuration.get(f"{kind}Configuration") or ():
            yield kind, one


def skips_destinations(configuration: Mapping[str, Any]) -> bool:
    return bool(configuration.get(_SKIP))


# --- From XML ---------------------------------------------------------------------------------------------------------


def read(body: str | bytes, skip: str | None = None) -> Configuration:
    """`skip`: whether destinations are not looked at, as its header has it. Raises MalformedXML or InvalidArgument."""
    try:
        root = ElementTree.fromstring(body)
    except (ElementTree.ParseError, ValueError, LookupError):
        raise MalformedXML from None
    if _name(root) != "NotificationConfiguration":
        raise MalformedXML
    found: Configuration = {}
    for element in root:
        name = _name(element)
        kind = name.removesuffix("Configuration")
        if name == _BUS:
            found[_BUS] = {}
        elif kind in _SERVICES and kind != name:
            found.setdefault(name, []).append(_one(kind, element))
        else:
            raise MalformedXML
    _check_all(found)
    if found and (skip or "").lower() == "true":
        found[_SKIP] = True
    return found


def _one(kind: str, element: ElementTree.Element) -> One:
    arn, events = _texts(element, kind), _texts(element, "Event")
    if len(arn) != 1 or not events:
        raise MalformedXML
    _check_arn(kind, arn[0])
    for event in events:
        if event not in _EVENTS:
            raise InvalidArgument("A specified event is not supported for notifications.", **_argument("Event", event))
    one: dict[str, Any] = {kind: arn[0], "Event": events}
    if "".join(_texts(element, "Id")):
        one["Id"] = _texts(element, "Id")[0]
    rules = [_rule(rule) for filters in _children(element, "Filter") for rule in _rules(filters)]
    for name in _RULES:
        if sum(rule["Name"] == name for rule in rules) > 1:
            raise InvalidArgument(f"Cannot specify more than one {name} rule in a filter.")
    if rules:
        one["Filter"] = {"S3Key": {"FilterRule": rules}}
    return one


def _check_arn(kind: str, arn: str) -> None:
    parts = _ARN.fullmatch(arn)
    if parts is None or parts[1] != _SERVICES[kind]:
        raise InvalidArgument("The ARN could not be parsed", **_argument(kind, arn))
    if kind != "CloudFunction" and arn.endswith(".fifo"):
        what = "SQS queues" if kind == "Queue" else "SNS topics"
        raise InvalidArgument(f"FIFO {what} are not supported.", **_argument(kind, arn))


def _rules(filters: ElementTree.Element) -> Iterator[ElementTree.Element]:
    keys = _children(filters, "S3Key")
    if not keys:
        raise MalformedXML
    for key in keys:
        yield from _children(key, "FilterRule")


def _rule(element: ElementTree.Element) -> dict[str, str]:
    names, values = _texts(element, "Name"), _texts(element, "Value")
    if len(names) != 1 or len(values) != 1:
        raise MalformedXML
    if names[0].lower() not in _RULES:
        why = "filter rule name must be either prefix or suffix"
        raise InvalidArgument(why, **_argument("FilterRule.Name", names[0]))
    if not values[0]:
        raise InvalidArgument("filter value cannot be empty", **_argument("FilterRule.Value", ""))
    if len(values[0].encode()) > _LONGEST_RULE:
        why = f"Size of filter rule value cannot exceed {_LONGEST_RULE} bytes in UTF-8 representation"
        raise InvalidArgument(why, **_argument("FilterRule.Value", values[0]))
    return {"Name": names[0].lower(), "Value": values[0]}


def _check_all(found: Configuration) -> None:
    """What they must not have in common."""
    every = [one for _, one in given(found)]
    names = [one["Id"] for one in every if "Id" in one]
    if len(names) != len(set(names)):
        raise InvalidArgument("Same ID used for multiple configurations. IDs must be unique")
    if any(_overlap(one, other) for one, other in combinations(every, 2)):
        raise InvalidArgument(_AMBIGUOUS)


def _overlap(one: One, other: One) -> bool:
    """Could one object's event go to both?"""
    same = any(_same_event(event, another) for event in one["Event"] for another in other["Event"])
    prefixes, suffixes = ([_value(each, name) for each in (one, other)] for name in _RULES)
    begins = prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0])
    ends = suffixes[0].endswith(suffixes[1]) or suffixes[1].endswith(suffixes[0])
    return same and begins and ends


def _same_event(one: str, other: str) -> bool:
    shared = one.rpartition(":")[0] == other.rpartition(":")[0]
    return one == other or (shared and (one.endswith(":*") or other.endswith(":*")))


def _value(one: One, name: str) -> str:
    rules = one["Filter"]["S3Key"]["FilterRule"] if "Filter" in one else ()
    return next((rule["Value"] for rule in rules if rule["Name"] == name), "")


def _argument(name: str, value: str) -> dict[str, str]:
    return {"ArgumentName": name, "ArgumentValue": value}


def _name(element: ElementTree.Element) -> str:
    """Without its namespace, which not every client gives."""
    return element.tag.rpartition("}")[2]


def _children(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [child for child in element if _name(child) == name]


def _texts(element: ElementTree.Element, name: str) -> list[str]:
    return ["".join(child.itertext()) for child in _children(element, name)]


# --- As it is shown ---------------------------------------------------------------------------------------------------


def _shown(response: Any) -> Any:
    """In the place of `S3Response.get_bucket_notification`."""
    wanted = response.backend.get_bucket_notification_configuration(response.bucket_name)
    response.data["Action"] = "GetBucketNotificationConfiguration"
    if not wanted:
        return response.serialized(EmptyResult())
    result: dict[str, Any] = {
        "TopicConfigurations": [_members(one, "TopicArn") for one in wanted.topic],
        "QueueConfigurations": [_members(one, "QueueArn") for one in wanted.queue],
        "LambdaFunctionConfigurations": [_members(one, "LambdaFunctionArn") for one in wanted.cloud_function],
    }
    if wanted.event_bridge is not None:
        result[_BUS] = {}
    return response.serialized(ActionResult(result))


def _members(one: Any, arn: str) -> dict[str, Any]:
    members: dict[str, Any] = {"Id": one.id, arn: one.arn, "Events": one.events}
    if one.filters:
        rules = one.filters["S3Key"]["FilterRule"]
        shown = [{"Name": rule["Name"].capitalize(), "Value": rule["Value"]} for rule in rules]
        members["Filter"] = {"Key": {"FilterRules": shown}}
    return members
