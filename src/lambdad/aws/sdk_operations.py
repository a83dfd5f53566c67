"""Operations of any AWS service by the names that AWS's SDKs for Java and JavaScript give them: what universal targets name.

AWS: docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html. From botocore's models, read as data. In an
input all members begin with a capital letter, whatever the service's own protocol has.
"""

import importlib.util
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import orjson

from lambdad.protocols.model import Model, Operation, Shape, load_model
from lambdad.resources.scheduler_target import UniversalTarget
from lambdad.store.deliveries import Delivery

_OTHER_NAMES: Final[Mapping[str, str]] = {
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "configservice": "config",
    "costexplorer": "ce",
    "databasemigrationservice": "dms",
    "directoryservice": "ds",
    "elasticloadbalancing": "elb",
    "elasticloadbalancingv2": "elbv2",
    "elasticsearchservice": "es",
    "eventbridge": "events",
    "iotdataplane": "iot-data",
    "marketplacemetering": "meteringmarketplace",
    "sfn": "stepfunctions",
    "simpledb": "sdb",
}
"""What botocore calls them; of the others the same, but perhaps for hyphens."""


def find_operation(service: str, action: str) -> Operation | None:
    """`action`: its first letter small. It may read a large file: not for the event loop."""
    name = botocore_name(service)
    if name is None:
        return None
    return _by_lower_case(name).get(action.lower())


def missing_members(operation: Operation, given: Mapping[str, Any]) -> list[str]:
    """Those that must be in an input, as they are written there."""
    shape = operation.input
    members = shape.members.values() if shape is not None else ()
    return [_written(member.name) for member in members if member.required and _written(member.name) not in given]


def call_operation(called: UniversalTarget, client: Any, delivery: Delivery, endpoint: str) -> None:
    """In a thread; what the client raises is raised. A function is invoked without waiting for it, unless asked otherwise."""
    from botocore import xform_name

    operation = find_operation(called.service, called.action)
    assert operation is not None  # it was there when the schedule was made
    given = orjson.loads(delivery.body) if delivery.body else {}
    if (called.service, operation.name) == ("lambda", "Invoke"):
        given.setdefault("InvocationType", "Event")
    getattr(client, xform_name(operation.name))(**parameters_of(operation, given))


def parameters_of(operation: Operation, given: Mapping[str, Any]) -> dict[str, Any]:
    """An input as AWS's client for Python takes it."""
    if operation.input is None:
        return {}
    parameters: dict[str, Any] = _parameter(given, operation.input)
    return parameters


def _parameter(value: Any, shape: Shape) -> Any:
    """What does not fit is left as it is: the client says so."""
    if shape.type == "structure" and isinstance(value, dict):
        members = {_written(member.name): member for member in shape.members.values()}
        known = {
            members[name].name: _parameter(one, members[name].shape) for name, one in value.items() if name in members
        }
        return known | {name: one for name, one in value.items() if name not in members}
    if shape.type == "list" and isinstance(value, list):
        return [_parameter(one, shape.element) for one in value]
    if shape.type == "map" and isinstance(value, dict):
        return {name: _parameter(one, shape.element) for name, one in value.items()}
    if shape.type == "blob":
        return value.encode() if isinstance(value, str) else orjson.dumps(value)
    return value


def _written(name: str) -> str:
    return name[:1].upper() + name[1:]


@lru_cache(maxsize=2)
def _by_lower_case(name: str) -> Mapping[str, Operation]:
    model: Model = load_model(name)
    return {operation.lower(): found for operation, found in model.operations.items()}


def botocore_name(service: str) -> str | None:
    """What botocore calls it; None: there is no such service."""
    return _OTHER_NAMES.get(service) or _names().get(service)


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    spec = importlib.util.find_spec("botocore")
    assert spec is not None
    assert spec.origin is not None
    folders = (path for path in (Path(spec.origin).parent / "data").iterdir() if path.is_dir())
    return {folder.name.replace("-", ""): folder.name for folder in folders}
