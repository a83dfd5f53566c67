"""Whom a bucket may tell, decided when its notifications are configured: they must be there, and let it in, and not overlap.

AWS: docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
"""

import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from moto.s3.exceptions import InvalidArgumentError
from moto.sns.models import sns_backends

from lambdad.companion.server_calls import ServerCalls

PRINCIPAL = "s3.amazonaws.com"
_KINDS = ("CloudFunction", "Queue", "Topic")
_UNABLE = "Unable to validate the following destination configurations"
_AMBIGUOUS = (
    "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping "
    "for the same event type."
)
_RULE_NAME = re.compile(r"(?<=<Name>)(?:prefix|suffix)(?=</Name>)", re.IGNORECASE)

Configuration = Mapping[str, Any]
"""As the request's XML has it: a list for each kind that is given."""


def with_plain_names(xml: str) -> str:
    """AWS takes `Prefix` and `prefix`; moto knows one of them."""
    return _RULE_NAME.sub(lambda name: name[0].lower(), xml)


def check(config: Configuration, bucket: Any, calls: ServerCalls) -> None:
    """Raises what S3 refuses it with."""
    if any(_overlap(one, other) for (_, one), (_, other) in combinations(_given(config), 2)):
        raise InvalidArgumentError(_AMBIGUOUS, "", "")
    for kind, one in _given(config):
        why = _REASONS[kind](one[kind], bucket, calls)
        if why:
            raise InvalidArgumentError(_UNABLE, one[kind], why)


def _given(config: Configuration) -> Iterator[tuple[str, Configuration]]:
    for kind in _KINDS:
        for one in config.get(f"{kind}Configuration") or ():
            yield kind, one


def _overlap(one: Configuration, other: Configuration) -> bool:
    """Could one object's event go to both?"""
    same = any(_same_event(event, another) for event in one["Event"] for another in other["Event"])
    prefixes, suffixes = ([_rule(given, name) for given in (one, other)] for name in ("prefix", "suffix"))
    begins = prefixes[0].startswith(prefixes[1]) or prefixes[1].startswith(prefixes[0])
    ends = suffixes[0].endswith(suffixes[1]) or suffixes[1].endswith(suffixes[0])
    return same and begins and ends


def _same_event(one: str, other: str) -> bool:
    shared = one.rpartition(":")[0] == other.rpartition(":")[0]
    return one == other or (shared and (one.endswith(":*") or other.endswith(":*")))


def _rule(one: Configuration, name: str) -> str:
    rules = ((one.get("Filter") or {}).get("S3Key") or {}).get("FilterRule") or ()
    return next((rule["Value"] or "" for rule in rules if rule["Name"] == name), "")


def _of_function(arn: str, bucket: Any, calls: ServerCalls) -> str:
    if calls.permits(arn, PRINCIPAL, bucket.arn, bucket.account_id):
        return f"Not authorized to invoke function [{arn}]"
    return ""


def _of_queue(arn: str, bucket: Any, calls: ServerCalls) -> str:
    return "" if calls.has_queue(arn) else "The destination queue does not exist"


def _of_topic(arn: str, bucket: Any, calls: ServerCalls) -> str:
    region, account = arn.split(":")[3:5]
    return "" if arn in sns_backends[account][region].topics else "The destination topic does not exist"


_REASONS = {"CloudFunction": _of_function, "Queue": _of_queue, "Topic": _of_topic}
"""Why it cannot be told, or an empty string; by kind."""
