"""Rotating secrets by our functions, in moto's place: a step that fails ends a rotation, and labels alone say which version is
the current one.

AWS: docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html,
docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

import json
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from moto.secretsmanager.exceptions import (
    InvalidParameterException,
    InvalidRequestException,
    OperationNotPermittedOnReplica,
    ResourceNotFoundException,
    SecretNotFoundException,
    SecretsManagerClientError,
)
from moto.secretsmanager.models import FakeSecret, ReplicaSecret, SecretsManagerBackend

from lambdad.companion.server_calls import Refused, ServerCalls

log = logging.getLogger(__name__)

_PRINCIPAL = "secretsmanager.amazonaws.com"
_CURRENT = "AWSCURRENT"
_PENDING = "AWSPENDING"
_STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
_TEST = ("testSecret",)
_DAYS = "AutomaticallyAfterDays"
_MOST_DAYS = 1000
_LONGEST_ARN = 2048
_DAY = 24 * 3600
_NOT_LET_IN = (
    "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the "
    f"principal {_PRINCIPAL}."
)


class SecretRotation:
    """`install` puts it in moto's place."""

    def __init__(self, calls: ServerCalls) -> None:
        self._calls = calls
        self._beginning = threading.Lock()

    def install(self) -> None:
        def rotate(backend: Any, secret_id: str, **asked: Any) -> str:
            return self._rotate(_secret_of(backend, secret_id), backend, **asked)

        SecretsManagerBackend.rotate_secret = rotate
        # moto keeps it beside the labels, where moving them leaves it behind
        FakeSecret.default_version_id = property(
            lambda secret: _labelled(secret, _CURRENT), lambda secret, version: None
        )

    def _rotate(
        self,
        secret: Any,
        backend: Any,
        client_request_token: str | None = None,
        rotation_lambda_arn: str | None = None,
        rotation_rules: Mapping[str, Any] | None = None,
        rotate_immediately: bool = True,
    ) -> str:
        """Whatever refuses it leaves the secret as it was."""
        function = rotation_lambda_arn or secret.rotation_lambda_arn
        days = _days_of(rotation_rules, secret)
        version = backend._from_client_request_token(client_request_token or str(uuid4()))
        self._check(function, secret)
        with self._beginning:
            if version in secret.versions:
                return _answer(secret, version)  # somebody asks again who has not heard the answer
            _begin(secret, version, rotate_immediately)
            _configure(secret, function, days)
        if not rotate_immediately:
            return self._test(secret, version)
        if self._perform(_STEPS, secret, version) and _labelled(secret, _CURRENT) == version:
            secret.last_rotation_date = int(time.time())
        return _answer(secret, version)

    def _check(self, function: str, secret: Any) -> None:
        """May it be invoked?"""
        if not function:
            raise InvalidRequestException("No Lambda rotation function ARN is associated with this secret.")
        if len(function) > _LONGEST_ARN:
            raise InvalidParameterException(f"RotationLambdaARN must <= {_LONGEST_ARN} characters long.")
        if self._calls.permits(function, "", "", secret.account_id):
            raise ResourceNotFoundException(f"Resource not found for ARN '{function}'.")
        if self._calls.permits(function, _PRINCIPAL, secret.arn, secret.account_id):
            raise SecretsManagerClientError("AccessDeniedException", _NOT_LET_IN)

    def _test(self, secret: Any, version: str) -> str:
        """The version is there as long as the test goes on."""
        try:
            self._perform(_TEST, secret, version)
        finally:
            if _labelled(secret, _CURRENT) != version:
                secret.versions.pop(version, None)
        return str(secret.to_short_dict())

    def _perform(self, steps: tuple[str, ...], secret: Any, version: str) -> bool:
        """Until one fails. AWS tells nobody of it but its own logs: RotateSecret has been answered there by then."""
        token = str(uuid5(NAMESPACE_URL, f"{secret.arn}/{version}"))  # all steps of a rotation have the same
        for step in steps:
            event = {"Step": step, "SecretId": secret.arn, "ClientRequestToken": version, "RotationToken": token}
            failed = self._invoke(secret, json.dumps(event))
            if failed:
                log.warning("%s: the rotation to %s ends, as %s failed: %s", secret.arn, version, step, failed)
                return False
        return True

    def _invoke(self, secret: Any, event: str) -> str:
        """How it fails, or an empty string."""
        function, account = secret.rotation_lambda_arn, secret.account_id
        try:
            answer = self._calls.invoke(function, None, event, account, _PRINCIPAL, secret.arn)
        except Refused as error:
            return str(error)
        return answer.error or ""  # what it says is in its log: it may be about the secret


def _secret_of(backend: Any, secret_id: str) -> Any:
    if secret_id not in backend.secrets:
        raise SecretNotFoundException()
    secret = backend.secrets[secret_id]
    if isinstance(secret, ReplicaSecret):
        raise OperationNotPermittedOnReplica
    if secret.is_deleted():
        raise InvalidRequestException(
            "You can't perform this operation on the secret because it was marked for deletion."
        )
    return secret


def _days_of(rules: Mapping[str, Any] | None, secret: Any) -> int:
    """Between rotations; 0: no schedule by days."""
    if rules is None:
        return int(secret.auto_rotate_after_days)
    days = int(rules.get(_DAYS, 0))
    if _DAYS in rules and not 1 <= days <= _MOST_DAYS:
        raise InvalidParameterException(f"RotationRules.{_DAYS} must be within 1-{_MOST_DAYS}.")
    return days


def _begin(secret: Any, version: str, rotate_immediately: bool) -> None:
    """A version that is to be tested only has the current value, and takes the label from no other."""
    current = _labelled(secret, _CURRENT)
    if any(_PENDING in one["version_stages"] for name, one in secret.versions.items() if name != current):
        raise InvalidRequestException("A previous rotation isn't complete. That rotation will be reattempted.")
    begun = {"createdate": int(time.time()), "version_id": version, "version_stages": [_PENDING]}
    if rotate_immediately:
        secret.remove_version_stages_from_old_versions([_PENDING])
    else:
        begun |= _value_of(secret.versions.get(current, {}))
    secret.versions[version] = begun


def _configure(secret: Any, function: str, days: int) -> None:
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = function
    secret.auto_rotate_after_days = days
    secret.next_rotation_date = int(time.time()) + days * _DAY if days else None


def _labelled(secret: Any, label: str) -> str | None:
    """The id of the version that has it."""
    return next((one for one, version in list(secret.versions.items()) if label in version["version_stages"]), None)


def _value_of(version: Mapping[str, Any]) -> dict[str, Any]:
    return {name: version[name] for name in ("secret_string", "secret_binary") if name in version}


def _answer(secret: Any, version: str) -> str:
    return str(secret.to_short_dict(version_id=version))
