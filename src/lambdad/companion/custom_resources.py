"""CloudFormation's custom resources: their providers are asked, as AWS asks them, and their answers waited for.

AWS: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref.html
"""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import moto.settings
from moto.cloudformation import parsing
from moto.cloudformation.responses import CloudFormationResponse

from lambdad.companion.server_calls import ServerCalls, ToFunction

_TYPE = "AWS::CloudFormation::CustomResource"
_NAMED = "Custom::"
_MOST_BYTES = 4096
"""Of an answer."""
_LONGEST = 3600
"""Seconds that an answer may take, unless ServiceTimeout says less."""
_SILENT = (
    "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [{}]. "
    "If you are using the Python cfn-response module, you may need to update your Lambda function code so that "
    "CloudFormation can attach the updated version."
)


@dataclass(slots=True)
class CustomResource:
    """What is known of one, with the attributes that moto looks for in resources."""

    logical_resource_id: str
    cf_resource_type: str
    physical_resource_id: str
    stack_id: str
    properties: dict[str, Any]
    data: dict[str, Any] = field(default_factory=dict)
    asked: bool = False
    """Its provider was, so it must be asked to delete it, too."""
    news: str = ""
    """The state that it has reached, until it is told."""
    attempted: dict[str, Any] | None = None
    """The properties of an update that failed."""
    failure: str = ""
    """Why it could not be deleted."""

    def is_created(self) -> bool:
        return True

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        if attribute_name in self.data:
            return self.data[attribute_name]
        raise Failed(self, "", f"Vendor response doesn't contain {attribute_name} attribute")


class Failed(BaseException):
    """A resource did. moto tries again, or goes on, with whatever is an Exception."""

    def __init__(self, resource: CustomResource, verb: str, reason: str) -> None:
        super().__init__(reason)
        self.resource = resource
        self.verb = verb
        self.reason = reason


@dataclass(slots=True)
class _Question:
    stack_id: str
    answered: threading.Event = field(default_factory=threading.Event)
    answer: Mapping[str, Any] = field(default_factory=dict)


class CustomResources:
    """In the place of moto's class of them: it makes, updates and deletes."""

    def __init__(self, calls: ServerCalls) -> None:
        self._calls = calls
        self._questions: dict[str, _Question] = {}
        """By their request ids."""
        self._held = threading.local()

    def install(self) -> None:
        class_of, delete = parsing.resource_class_from_type, parsing.ResourceMap._delete_resource

        def deleted(resources: Any, resource: Any, template: Any) -> None:
            if isinstance(resource, CustomResource):
                self._drop(resource, resources._account_id, resources._region_name)
            else:
                delete(resources, resource, template)

        parsing.resource_class_from_type = lambda kind: self if is_custom(kind) else class_of(kind)
        parsing.ResourceMap._delete_resource = deleted
        CloudFormationResponse.process_cfn_response = lambda response: self._take(response)

    # --- What moto calls ----------------------------------------------------------------------------------------------

    def has_cfn_attr(self, attr: str) -> bool:
        """Nobody knows before there is an answer."""
        return True

    def create_from_cloudformation_json(
        self, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
    ) -> CustomResource:
        properties = _as_texts(cloudformation_json["Properties"])
        made = CustomResource(kwargs["LogicalId"], kwargs["ResourceType"], resource_name, kwargs["StackId"], properties)
        answer = self._ask(made, "Create", properties, account_id, region_name)
        made.data, made.news = answer.get("Data") or {}, "CREATE_COMPLETE"
        return made

    def update_from_cloudformation_json(
        self,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> CustomResource:
        old: CustomResource = original_resource
        properties = _as_texts(cloudformation_json["Properties"])
        if properties == old.properties and old.attempted is None:
            return old
        new = CustomResource(
            old.logical_resource_id, old.cf_resource_type, old.physical_resource_id, old.stack_id, properties
        )
        before = old.properties if old.attempted is None else old.attempted
        old.attempted = properties
        answer = self._ask(new, "Update", properties, account_id, region_name, OldResourceProperties=before)
        new.data, new.news = answer.get("Data") or {}, "UPDATE_COMPLETE"
        if new.physical_resource_id != old.physical_resource_id:
            self._drop(old, account_id, region_name)
        return new

    @contextmanager
    def dropping_later(self) -> Iterator[list[CustomResource]]:
        """What is not needed any more is deleted once all else has succeeded."""
        self._held.dropped = []
        try:
            yield self._held.dropped
        finally:
            self._held.dropped = None

    def _drop(self, resource: CustomResource, account: str, region: str) -> None:
        held: list[CustomResource] | None = getattr(self._held, "dropped", None)
        if held is None:
            self.delete(resource, account, region)
        else:
            held.append(resource)

    def delete(self, resource: CustomResource, account: str, region: str) -> None:
        """Why it failed, if it did, is with the resource."""
        if not resource.asked:
            return
        resource.failure = ""
        try:
            self._ask(resource, "Delete", resource.properties, account, region)
        except Failed as failed:
            resource.failure = failed.reason

    # --- Questions and answers ----------------------------------------------------------------------------------------

    def _ask(
        self, resource: CustomResource, verb: str, properties: Mapping[str, Any], account: str, region: str, **more: Any
    ) -> Mapping[str, Any]:
        """Wait for the answer, which gives the resource its physical id. Raises Failed."""
        request, token = str(uuid4()), str(properties.get("ServiceToken", ""))
        known = {} if verb == "Create" else {"PhysicalResourceId": resource.physical_resource_id}
        host = f"{moto.settings.moto_server_host()}:{moto.settings.moto_server_port()}"
        event = {
            "RequestType": verb,
            "ServiceToken": token,
            "ResponseURL": f"{host}/cloudformation_{region}/cfnresponse?stack={resource.stack_id}",
            "StackId": resource.stack_id,
            "RequestId": request,
            "LogicalResourceId": resource.logical_resource_id,
            **known,
            "ResourceType": resource.cf_resource_type,
            "ResourceProperties": properties,
            **more,
        }
        question = self._questions[request] = _Question(resource.stack_id)
        try:
            (refused,) = self._calls.notify([ToFunction(token, json.dumps(event), "", resource.stack_id, account)])
            if refused:
                raise Failed(resource, verb, refused)
            resource.asked = True
            if not question.answered.wait(_seconds(properties)):
                raise Failed(resource, verb, _SILENT.format(request))
        finally:
            del self._questions[request]
        return _checked(resource, verb, request, question.answer)

    def cancel(self, stack_id: str) -> None:
        """Nobody waits for answers about this stack any more."""
        for question in [one for one in self._questions.copy().values() if one.stack_id == stack_id]:
            question.answer = {"Status": "FAILED", "Reason": "Resource operation cancelled"}
            question.answered.set()

    def _take(self, response: Any) -> tuple[int, dict[str, int], str]:
        """What a provider has put to its ResponseURL. What nobody waits for is taken, and that is all."""
        try:
            answer = json.loads(response.body)
        except ValueError:
            answer = None
        question = self._questions.get(str(answer.get("RequestId"))) if isinstance(answer, dict) else None
        if question is not None and not question.answered.is_set():
            long = len(response.body) > _MOST_BYTES
            question.answer = {"Status": "FAILED", "Reason": "Response object is too long."} if long else answer
            question.answered.set()
        return 200, {"status": 200}, ""


def is_custom(kind: str) -> bool:
    return kind == _TYPE or kind.startswith(_NAMED)


def _checked(resource: CustomResource, verb: str, request: str, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Its physical id holds also when it failed: that is what is deleted then."""
    physical = answer.get("PhysicalResourceId")
    if verb != "Delete" and isinstance(physical, str) and physical:
        resource.physical_resource_id = physical
    if answer.get("Status") != "SUCCESS":
        words = f"Message returned: {answer.get('Reason') or ''} (RequestId: {request})"
        raise Failed(resource, verb, f"Received response status [{answer.get('Status')}] from custom resource. {words}")
    if verb != "Delete" and resource.physical_resource_id != physical:
        raise Failed(resource, verb, "Invalid PhysicalResourceId")
    if not isinstance(answer.get("Data") or {}, dict):
        raise Failed(resource, verb, "Response is not valid JSON")
    return answer


def _seconds(properties: Mapping[str, Any]) -> int:
    text = str(properties.get("ServiceTimeout", ""))
    return min(int(text), _LONGEST) if text.isdigit() else _LONGEST


def _as_texts(value: Any) -> Any:
    """Providers are given every number and boolean as a text."""
    if isinstance(value, dict):
        return {name: _as_texts(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_as_texts(one) for one in value]
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value
