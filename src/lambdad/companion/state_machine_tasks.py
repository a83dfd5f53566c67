"""How a task's function fails in a state machine, by AWS's names: what Retry and Catch are written for. And what is refused
because it could not run: JSONata, which moto has no evaluator of.

AWS: docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html,
docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.exceptions import AWSError
from moto.stepfunctions.parser.api import (
    HistoryEventType,
    InvalidDefinition,
    LambdaFunctionFailedEventDetails,
    TaskFailedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task import state_task_lambda
from moto.stepfunctions.parser.asl.component.state.exec.state_task.lambda_eval_utils import LambdaFunctionErrorException
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import state_task_service_lambda
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.responses import StepFunctionResponse

_ByArn = state_task_lambda.StateTaskLambda
_ByService = state_task_service_lambda.StateTaskServiceLambda
_UNKNOWN = "The cause could not be determined because Lambda did not return an error type. Returned payload: "


def install() -> None:
    """In moto's place."""
    for refusal in AWSError.__subclasses__():
        if refusal.TYPE is None and isinstance(refusal.code, str):
            refusal.TYPE = refusal.code  # else it would be answered without
    state_task_service_lambda._SUPPORTED_API_PARAM_BINDINGS["invoke"].add("InvocationType")
    _name_failures(_ByArn, _failed_by_arn)
    _name_failures(_ByService, _failed_by_service)
    StepFunctionResponse.create_state_machine = _checked(StepFunctionResponse.create_state_machine)
    StepFunctionResponse.update_state_machine = _checked(StepFunctionResponse.update_state_machine)


# --- Failures -------------------------------------------------------------------------------------------------------------


def _name_failures(task: Any, failed: Any) -> None:
    others = task._from_error

    def from_error(self: Any, env: Any, ex: Exception) -> Any:
        if isinstance(ex, ClientError):
            error, cause = _ByService._error_cause_from_client_error(ex)
        elif isinstance(ex, LambdaFunctionErrorException):
            error, cause = _of_function(ex.payload)
        else:
            return others(self, env, ex)
        kind, details = failed(self, error, cause)
        return FailureEvent(env=env, error_name=CustomErrorName(error), event_type=kind, event_details=details)

    task._from_error = from_error


def _of_function(payload: str) -> tuple[str, str]:
    """A function that timed out says no type. (Error, cause)."""
    answered = json.loads(payload)
    error = answered.get("errorType") if isinstance(answered, dict) else None
    return (error, payload) if error else ("Lambda.Unknown", _UNKNOWN + payload)


def _failed_by_arn(task: Any, error: str, cause: str) -> tuple[Any, Any]:
    details = LambdaFunctionFailedEventDetails(error=error, cause=cause)
    return HistoryEventType.LambdaFunctionFailed, EventDetails(lambdaFunctionFailedEventDetails=details)


def _failed_by_service(task: Any, error: str, cause: str) -> tuple[Any, Any]:
    resource, kind = task._get_sfn_resource(), task._get_sfn_resource_type()
    details = TaskFailedEventDetails(error=error, cause=cause, resource=resource, resourceType=kind)
    return HistoryEventType.TaskFailed, EventDetails(taskFailedEventDetails=details)


# --- Definitions ----------------------------------------------------------------------------------------------------------


def _checked(perform: Any) -> Any:
    def performed(response: Any) -> Any:
        try:
            definition = json.loads(response._get_param("definition") or "{}")
        except ValueError:
            return perform(response)  # which refuses it
        for place in _jsonata_in(definition, ""):
            raise InvalidDefinition(
                "Invalid State Machine Definition: 'SCHEMA_VALIDATION_FAILED: JSONata is not evaluated here, "
                f"the QueryLanguage must be JSONPath at {place}'"
            )
        return perform(response)

    return performed


def _jsonata_in(part: Any, place: str) -> Iterator[str]:
    """Where a machine, a state, or a machine within a state asks for it."""
    if not isinstance(part, dict):
        return
    if part.get("QueryLanguage") == "JSONata":
        yield f"{place}/QueryLanguage"
    states = part.get("States")
    for name, state in (states if isinstance(states, dict) else {}).items():
        yield from _jsonata_in(state, f"{place}/States/{name}")
    for member in ("ItemProcessor", "Iterator"):
        yield from _jsonata_in(part.get(member), f"{place}/{member}")
    branches = part.get("Branches")
    for index, branch in enumerate(branches if isinstance(branches, list) else ()):
        yield from _jsonata_in(branch, f"{place}/Branches[{index}]")
