"""Targets of rules.

AWS: docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html
"""

import dataclasses
import re
from typing import Final

from lambdad.errors.events import LimitExceededException, ValidationException
from lambdad.protocols.context import Context, Members
from lambdad.resources.event_bus import MOST_TARGETS, Rule
from lambdad.resources.target_input import Target, check_input
from lambdad.services.events.backend import Backend, rule_key
from lambdad.services.events.pages import page_of

_ARN = re.compile(r"arn:[\w-]+:[a-z0-9-]+:[^:]*:[^:]*:.+")
_PARAMETERS: Final = {
    "AppSyncParameters": ("appsync",),
    "BatchParameters": ("batch",),
    "EcsParameters": ("ecs",),
    "HttpParameters": ("events", "execute-api"),
    "KinesisParameters": ("kinesis",),
    "RedshiftDataParameters": ("redshift", "redshift-serverless"),
    "RunCommandParameters": ("ssm",),
    "SageMakerPipelineParameters": ("sagemaker",),
}
"""Which services' targets may have them. Those for queues any may have."""


async def put_targets(backend: Backend, context: Context, request: Members) -> Members:
    """Those with an Id that is there already replace it."""
    key = rule_key(context, request.get("EventBusName"), request["Rule"])
    backend.rule(key)
    for target in request["Targets"]:
        _check(target)
    given = {target["Id"]: target for target in request["Targets"]}

    def change(before: Rule) -> Rule:
        targets = {**{target["Id"]: target for target in before.targets}, **given}
        if len(targets) > MOST_TARGETS:
            raise LimitExceededException.resources()
        return dataclasses.replace(before, targets=tuple(targets.values()))

    await backend.change_rule(key, change)
    return {"FailedEntryCount": 0, "FailedEntries": []}


def _check(target: Target) -> None:
    """Raises ValidationException."""
    name, arn = target["Id"], target["Arn"]
    if _ARN.fullmatch(arn) is None:
        raise ValidationException.arn(arn)
    service = arn.split(":", 3)[2]
    for parameters, services in _PARAMETERS.items():
        if target.get(parameters) and service not in services:
            raise ValidationException.unsupported_parameters(parameters, name)
    if service == "sqs" and arn.endswith(".fifo") and not target.get("SqsParameters"):
        raise ValidationException.missing_parameters("SqsParameters", name)
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if queue:
        if not queue.startswith("arn:"):
            raise ValidationException.arn(queue)
        if queue.split(":")[2] != "sqs":
            raise ValidationException.dead_letter_service(queue.split(":")[2])
        if queue.endswith(".fifo"):
            raise ValidationException.dead_letter_fifo()
    check_input(target)


async def remove_targets(backend: Backend, context: Context, request: Members) -> Members:
    gone = frozenset(request["Ids"])

    def change(before: Rule) -> Rule:
        return dataclasses.replace(before, targets=tuple(one for one in before.targets if one["Id"] not in gone))

    await backend.change_rule(rule_key(context, request.get("EventBusName"), request["Rule"]), change)
    return {"FailedEntryCount": 0, "FailedEntries": []}


async def list_targets_by_rule(backend: Backend, context: Context, request: Members) -> Members:
    rule = backend.rule(rule_key(context, request.get("EventBusName"), request["Rule"]))
    targets = sorted(rule.targets, key=lambda target: str(target["Id"]))
    page, more = page_of(targets, lambda target: str(target["Id"]), request)
    return {"Targets": list(page), **more}
