"""What a schedule must be like, and what it is without being told.

AWS: docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html, …/API_Target.html
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from lambdad.aws.sdk_operations import find_operation, missing_members
from lambdad.errors.scheduler import InvalidSchedulerRequest
from lambdad.errors.schedules import InvalidScheduleExpression
from lambdad.protocols.context import Members
from lambdad.resources.schedule import At, Expression, expression_of, timezone_of
from lambdad.resources.scheduler_schedule import DEFAULT_AGE, DEFAULT_ATTEMPTS
from lambdad.resources.scheduler_target import (
    NEEDED,
    PARAMETERS,
    SERVICES,
    WANTS_JSON,
    UniversalTarget,
    service_of,
    universal_target,
)

_START_MAY_BE_PAST: Final = 300.0
_MOST_INPUT: Final = 256 * 1024
_KEPT: Final = ("ScheduleExpression", "StartDate", "EndDate", "Description", "KmsKeyArn", "FlexibleTimeWindow")


def settings_of(request: Members, account: str, now: float) -> dict[str, Any]:
    """As GetSchedule answers them. Raises InvalidSchedulerRequest."""
    expression = _expression(request["ScheduleExpression"])
    timezone = request.get("ScheduleExpressionTimezone", "UTC")
    if timezone_of(timezone) is None:
        raise InvalidSchedulerRequest.timezone(timezone)
    _check_window(request["FlexibleTimeWindow"])
    if not isinstance(expression, At):  # for those the dates mean nothing
        _check_dates(request, now)
    check_target(request["Target"], account)
    retry = {
        "MaximumEventAgeInSeconds": DEFAULT_AGE,
        "MaximumRetryAttempts": DEFAULT_ATTEMPTS,
        **request["Target"].get("RetryPolicy", {}),
    }
    return {
        **{name: request[name] for name in _KEPT if name in request},
        "ScheduleExpressionTimezone": timezone,
        "State": request.get("State", "ENABLED"),
        "ActionAfterCompletion": request.get("ActionAfterCompletion", "NONE"),
        "Target": {**request["Target"], "RetryPolicy": retry},
    }


def _expression(text: str) -> Expression:
    try:
        return expression_of(text)
    except InvalidScheduleExpression as error:
        raise InvalidSchedulerRequest.expression(text) from error


def _check_window(window: Mapping[str, Any]) -> None:
    given = "MaximumWindowInMinutes" in window
    if window["Mode"] == "FLEXIBLE" and not given:
        raise InvalidSchedulerRequest.window_missing()
    if window["Mode"] == "OFF" and given:
        raise InvalidSchedulerRequest.window_not_wanted()


def _check_dates(request: Members, now: float) -> None:
    start, end = request.get("StartDate"), request.get("EndDate")
    if start is not None and start < now - _START_MAY_BE_PAST:
        raise InvalidSchedulerRequest.start_too_early()
    if end is not None and end <= now:
        raise InvalidSchedulerRequest.end_is_past()
    if start is not None and end is not None and end <= start:
        raise InvalidSchedulerRequest.end_before_start()


# --- Targets ----------------------------------------------------------------------------------------------------------


def check_target(target: Mapping[str, Any], account: str) -> None:
    """Raises InvalidSchedulerRequest."""
    text = target.get("Input")
    if text is not None and len(text.encode()) > _MOST_INPUT:
        raise InvalidSchedulerRequest.input_size(_MOST_INPUT)
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    if queue is not None:
        _check_account(queue, account)
        if queue.endswith(".fifo"):
            raise InvalidSchedulerRequest.dead_letter_queue()
    universal = universal_target(target["Arn"])
    if universal is not None:
        _check_parameters("scheduler", target)
        _check_universal(universal, text)
    else:
        _check_templated(target, account, text)


def _check_templated(target: Mapping[str, Any], account: str, text: str | None) -> None:
    service = service_of(target["Arn"])
    if service is None:
        raise InvalidSchedulerRequest.target_arn()
    if service not in SERVICES:
        raise InvalidSchedulerRequest.target_service(service)
    _check_account(target["Arn"], account)
    _check_parameters(service, target)
    if text is not None and service in WANTS_JSON:
        _parsed(text)


def _check_account(arn: str, account: str) -> None:
    """What is sent is sent in the name of the account that it goes to: it must be the schedule's."""
    if arn.split(":", 5)[4] != account:
        raise InvalidSchedulerRequest.other_account(arn)


def _check_parameters(service: str, target: Mapping[str, Any]) -> None:
    for member, owner in PARAMETERS.items():
        if member in target and owner != service:
            raise InvalidSchedulerRequest.parameters_not_wanted(member, service)
    needed = NEEDED.get(service)
    if service == "sqs" and target["Arn"].endswith(".fifo"):
        needed = "SqsParameters"
    if needed is not None and needed not in target:
        raise InvalidSchedulerRequest.parameters_missing(needed, service)


def _check_universal(universal: UniversalTarget, text: str | None) -> None:
    if universal.reads_only:
        raise InvalidSchedulerRequest.action(universal.service, universal.action)
    operation = find_operation(universal.service, universal.action)
    if operation is None:
        raise InvalidSchedulerRequest.action(universal.service, universal.action)
    given = _parsed(text) if text is not None else {}
    if not isinstance(given, dict):
        raise InvalidSchedulerRequest.input("It is no JSON object")
    missing = missing_members(operation, given)
    if missing:
        raise InvalidSchedulerRequest.missing_fields(missing)


def _parsed(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise InvalidSchedulerRequest.input(f"It is no well-formed JSON: {error}") from error
