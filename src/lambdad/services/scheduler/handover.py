"""What a schedule hands over to its target, and to its dead-letter queue if the target does not take it.

AWS: docs.aws.amazon.com/scheduler/latest/UserGuide/configuring-schedule-dlq.html
"""

from collections.abc import Mapping
from typing import Any, Final

from lambdad.resources.scheduler_schedule import Occurrence, Schedule
from lambdad.resources.scheduler_target import Execution, input_of, numbered
from lambdad.services.target_delivery import DeadLetter, Handover, RetryPolicy, invokes

_PARAMETERS: Final = ("EventBridgeParameters", "KinesisParameters", "SqsParameters")


def handover_of(schedule: Schedule, occurrence: Occurrence, execution_id: str, event_id: str) -> Handover:
    """Two UUIDs, of which the first is an execution's id in AWS's shorter form."""
    target, key = schedule.target, schedule.key
    execution = Execution(key, occurrence.scheduled_at, execution_id.replace("-", "")[:16], event_id)
    given = input_of(execution, target.get("Input")).encode()
    if invokes(target["Arn"]):
        given = numbered(given, 1)  # the attempts are the queue's of asynchronous events, which are no attempts of ours
    retry = target["RetryPolicy"]
    queue = target.get("DeadLetterConfig", {}).get("Arn")
    return Handover(
        target=target["Arn"],
        input=given,
        sender=key.arn,
        parameters=_parameters_of(target),
        retry=RetryPolicy(retry["MaximumRetryAttempts"], retry["MaximumEventAgeInSeconds"]),
        dead_letter=DeadLetter(queue, given, _attributes_of(execution, target["Arn"])) if queue else None,
        begun_at=occurrence.due_at,
    )


def _parameters_of(target: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for member in _PARAMETERS for name, value in target.get(member, {}).items()}


def _attributes_of(execution: Execution, target: str) -> dict[str, str]:
    return {
        "EXECUTION_ID": execution.id,
        "IS_PAYLOAD_TRUNCATED": "false",
        "SCHEDULED_TIME": execution.time,
        "SCHEDULE_ARN": execution.key.arn,
        "TARGET_ARN": target,
    }
