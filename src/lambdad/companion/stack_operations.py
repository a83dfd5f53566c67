"""Stacks with custom resources are made, updated and deleted beside the request that asked for it, since providers take their
time; what fails is rolled back. Other stacks are done with at once, by moto itself.

AWS: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html (states)
"""

import json
import threading
from collections.abc import Callable
from typing import Any

from moto.cloudformation import models, parsing
from moto.cloudformation.exceptions import AlreadyExistsException, ValidationError
from werkzeug.exceptions import HTTPException

from lambdad.companion import current
from lambdad.companion.custom_resources import CustomResource, CustomResources, Failed, is_custom
from lambdad.companion.server_calls import Refused
from lambdad.companion.stack_order import deletion_order

_MOST = 50
"""Operations at a time."""
_SHOWN = frozenset({"CREATE_COMPLETE", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
"""States of stacks that have outputs."""
_MOTOS = (HTTPException, LookupError, ValueError, TypeError, AttributeError, NotImplementedError, OSError, Refused)
"""What moto's resources fail by."""


class StackOperations:
    """`install` puts it in moto's place."""

    def __init__(self, resources: CustomResources, changed: Callable[[str], None]) -> None:
        self._resources = resources
        self._changed = changed
        self._running: set[str] = set()
        self._waiting: set[str] = set()
        """Stacks that are deleted once that has ended."""
        self._ended = threading.Condition()

    def install(self) -> None:
        self._resources.install()
        stack, backend = models.Stack, models.CloudFormationBackend
        create, update = stack.create_resources, stack.update
        delete, execute = backend.delete_stack, backend.execute_change_set

        change_set = backend.create_change_set

        def updated(one: Any, template: str, role_arn: Any = None, parameters: Any = None, tags: Any = None) -> None:
            _check_for_changes(one, template, parameters, tags)
            _check(one, template, parameters)
            if _is_ours(one.template_dict, stack.parse_template(template)):
                self._update(one, template, role_arn, parameters, tags)
            else:
                update(one, template, role_arn, parameters, tags)

        def deleted(of: Any, name_or_stack_id: str) -> None:
            named = [one for one in of.stacks.values() if name_or_stack_id in (one.name, one.stack_id)]
            if named and _is_ours(named[0].template_dict):
                self._delete(of, named[0])
            else:
                delete(of, name_or_stack_id)

        def change_set_made(of: Any, **named: Any) -> Any:
            _check_change_set(of, named["stack_name"], named["change_set_name"], named["change_set_type"])
            return change_set(of, **named)

        def executed(of: Any, change_set_name: str, stack_name: str | None = None) -> None:
            sets = [one for key, one in of.change_sets.items() if change_set_name in (key, one.change_set_name)]
            if sets:
                _execute(of.stacks[sets[-1].stack_id], sets[-1])
            else:
                execute(of, change_set_name, stack_name)

        stack.create_resources = lambda one: self._create(one) if _is_ours(one.template_dict) else create(one)
        stack.update, backend.delete_stack, backend.execute_change_set = updated, deleted, executed
        backend.create_change_set = change_set_made
        parsing.ResourceMap.delete = _delete_in_order
        _show_what_there_is(stack)

    # --- Operations ---------------------------------------------------------------------------------------------------

    def _create(self, stack: Any) -> None:
        def work() -> None:
            failure = self._attempt(stack, lambda: _make(stack))
            if not failure:
                _enter(stack, "CREATE_COMPLETE")
                return
            _enter(stack, "ROLLBACK_IN_PROGRESS", f"{failure} Rollback requested by user.")
            left = self._attempt(stack, lambda: _remove(stack))
            _enter(stack, "ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", left or failure)

        self._begin(stack, "CREATE_IN_PROGRESS", work)

    def _update(self, stack: Any, template: str, role_arn: Any, parameters: Any, tags: Any) -> None:
        before, wished = (stack.template, stack.parameters), parameters or stack.parameters

        def work() -> None:
            failure = self._attempt(stack, lambda: self._change(stack, template, wished))
            if not failure:
                stack.role_arn, stack.tags = role_arn, stack.tags if tags is None else tags
                _enter(stack, "UPDATE_COMPLETE")
                return
            _enter(stack, "UPDATE_ROLLBACK_IN_PROGRESS", failure)
            left = self._attempt(stack, lambda: self._change(stack, *before))
            _enter(stack, "UPDATE_ROLLBACK_FAILED" if left else "UPDATE_ROLLBACK_COMPLETE", left or failure)

        self._begin(stack, "UPDATE_IN_PROGRESS", work)

    def _change(self, stack: Any, template: str, parameters: Any) -> None:
        order = deletion_order(stack.template_dict["Resources"])
        stack.template = template
        stack._parse_template()
        stack.parameters = parameters
        with self._resources.dropping_later() as dropped:
            stack.resource_map.update(stack.template_dict, parameters)
            outputs = stack._create_output_map()
            _publish(stack, outputs)
        stack.output_map = outputs
        made = stack.resource_map._parsed_resources
        for resource in sorted(dropped, key=lambda one: order.index(one.logical_resource_id)):
            self._resources.delete(resource, stack.account_id, stack.region_name)
            _tell(stack, resource, "DELETE_FAILED" if resource.failure else "DELETE_COMPLETE", resource.failure or None)
            if made.get(resource.logical_resource_id) is resource:
                del made[resource.logical_resource_id]

    def _delete(self, backend: Any, stack: Any) -> None:
        def work() -> None:
            left = self._attempt(stack, lambda: _remove(stack))
            if left:
                _enter(stack, "DELETE_FAILED", left)
                return
            _enter(stack, "DELETE_COMPLETE")
            backend.deleted_stacks[stack.stack_id] = stack  # so it is never in neither
            backend.stacks.pop(stack.stack_id, None)

        if stack.status != "DELETE_IN_PROGRESS":
            self._resources.cancel(stack.stack_id)  # whatever it is that goes on
            self._begin(stack, "DELETE_IN_PROGRESS", work, waits=True)

    # --- Beside the request -------------------------------------------------------------------------------------------

    def _begin(self, stack: Any, status: str, work: Callable[[], None], waits: bool = False) -> None:
        """One operation on a stack at a time: another one `waits`, or is refused by moto's ValidationError."""
        with self._ended:
            busy = stack.stack_id in self._running
            if busy and not waits:
                raise ValidationError(
                    message=f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
                )
            if busy and stack.stack_id in self._waiting:
                return
            if len(self._running) + len(self._waiting) >= _MOST:
                raise ValidationError(message=f"{_MOST} stacks with custom resources are being changed already")
            (self._waiting if busy else self._running).add(stack.stack_id)
        if not busy:
            _enter(stack, status, "User Initiated")
        given = (stack, status, work, current.trace_id())
        threading.Thread(target=self._run, args=given, name="stack", daemon=True).start()

    def _run(self, stack: Any, status: str, work: Callable[[], None], trace_id: str | None) -> None:
        self._wait_until_free(stack, status)
        with current.serving("cloudformation", inside=True, query="", trace_id=trace_id):
            try:
                work()
            finally:
                end_interrupted(stack, "An internal failure ended the operation.")
                with self._ended:
                    self._running.discard(stack.stack_id)
                    self._ended.notify_all()
                self._changed("cloudformation")

    def _wait_until_free(self, stack: Any, status: str) -> None:
        with self._ended:
            if stack.stack_id not in self._waiting:
                return
            self._ended.wait_for(lambda: stack.stack_id not in self._running)
            self._waiting.discard(stack.stack_id)
            self._running.add(stack.stack_id)
        _enter(stack, status, "User Initiated")

    def _attempt(self, stack: Any, action: Callable[[], None]) -> str:
        """Why it failed, or an empty string."""
        try:
            action()
        except Failed as failed:
            resource, verb = failed.resource, failed.verb or "Create"
            _tell(stack, resource, f"{verb.upper()}_FAILED", failed.reason)
            if failed.verb == "Create":
                stack.resource_map._parsed_resources[resource.logical_resource_id] = resource  # to be deleted, too
            return f"The following resource(s) failed to {verb.lower()}: [{resource.logical_resource_id}]."
        except _MOTOS as error:
            return str(getattr(error, "message", "") or error)
        return ""


def _check_for_changes(stack: Any, template: str, parameters: Any, tags: Any) -> None:
    """Raises moto's ValidationError."""
    same = stack.template_dict == stack.parse_template(template)
    if same and parameters in (None, stack.parameters) and tags in (None, stack.tags):
        raise ValidationError(message="No updates are to be performed.")


def _check_change_set(backend: Any, stack: str, name: str, kind: str) -> None:
    """Raises moto's ValidationError, AlreadyExistsException."""
    there = [one for one in backend.stacks.values() if one.name == stack and one.status != "REVIEW_IN_PROGRESS"]
    if kind == "CREATE" and there:
        what = f"Stack [{stack}] already exists"
        raise ValidationError(message=f"{what} and cannot be created again with the changeSet [{name}].")
    open_ones = [one for one in backend.change_sets.values() if one.execution_status != "EXECUTE_COMPLETE"]
    if any((one.stack_name, one.change_set_name) == (stack, name) for one in open_ones):
        raise AlreadyExistsException(f"ChangeSet {name} already exists for Stack [{stack}].")


def _delete_in_order(resources: Any) -> None:
    """moto's own takes them as they come. What cannot be deleted is tried again once the others are gone. Raises what it does."""
    made, templates = resources._parsed_resources, resources._resource_json_map
    left = [name for name in deletion_order(templates) if templates[name].get("DeletionPolicy") != "Retain"]
    while left:
        failed: dict[str, Exception] = {}
        for name in left:
            resource = made.get(name)
            if resource is None or isinstance(resource, str):
                continue
            try:
                resources._delete_resource(resource, templates[name])
            except _MOTOS as error:
                failed[name] = error
            else:
                made.pop(name, None)
        if len(failed) == len(left):
            raise next(iter(failed.values()))
        left = list(failed)


def _check(stack: Any, template: str, parameters: Any) -> None:
    """Before anything is changed. Raises moto's ValidationError."""
    before = stack.template, stack.template_dict
    stack.template = template
    try:
        stack._parse_template()
        resources = stack.template_dict["Resources"]
        changed = stack.resource_map.build_resource_diff(stack.template_dict, parameters)["Modify"]
    finally:
        stack.template, stack.template_dict = before
    for name in changed:
        kind = resources[name]["Type"]
        of = parsing.resource_class_from_type(kind)
        if of is not None and hasattr(of.update_from_cloudformation_json, "__isabstractmethod__"):
            raise ValidationError(
                message=f"Template error: {name} cannot be updated, {kind} is only made and deleted here"
            )


def _execute(stack: Any, change_set: Any) -> None:
    """As what it stands for: moto's own makes no outputs."""
    if change_set.change_set_type != "CREATE":
        stack.update(change_set.template, change_set.role_arn, change_set.parameters, change_set.tags)
    else:
        stack.template, stack.parameters = change_set.template, change_set.parameters
        stack._parse_template()
        stack.resource_map = stack._create_resource_map()
        stack.output_map = stack._create_output_map()
        stack.create_resources()
        _exports_of(stack).update({export.name: export for export in stack.exports})
    change_set.execution_status = "EXECUTE_COMPLETE"


def _make(stack: Any) -> None:
    stack.resource_map.create(stack.template_dict)
    stack.description = stack.template_dict.get("Description")
    _publish(stack, stack.output_map)


def _publish(stack: Any, outputs: Any) -> None:
    """The resources are there, so the outputs can be known, and are: nobody who looks at them later meets a failure."""
    list(outputs.values())
    exports = {export.name: export for export in outputs.exports}
    _withdraw(stack)
    _exports_of(stack).update(exports)
    for resource in _custom_resources(stack):
        if resource.news:
            _tell(stack, resource, resource.news)
            resource.news = ""


def _withdraw(stack: Any) -> None:
    for export in _own_exports(stack):
        del _exports_of(stack)[export.name]


def _exports_of(stack: Any) -> dict[str, Any]:
    """All that its account and region have."""
    found: dict[str, Any] = models.cloudformation_backends[stack.account_id][stack.region_name].exports
    return found


def _own_exports(stack: Any) -> list[Any]:
    return [one for one in _exports_of(stack).values() if one.exporting_stack_id == stack.stack_id]


def _remove(stack: Any) -> None:
    """Everything else also when a custom resource cannot be deleted. Raises Failed then."""
    resources = _custom_resources(stack)
    stack.resource_map.delete()
    _withdraw(stack)
    left = [resource for resource in resources if resource.failure]
    for resource in resources:
        if resource.failure:
            stack.resource_map._parsed_resources[resource.logical_resource_id] = resource
        else:
            _tell(stack, resource, "DELETE_COMPLETE")
    if left:
        raise Failed(left[0], "Delete", left[0].failure)


def _custom_resources(stack: Any) -> list[CustomResource]:
    return [one for one in _resources_of(stack) if isinstance(one, CustomResource)]


def _is_ours(*templates: Any) -> bool:
    resources = [(one.get("Resources") if isinstance(one, dict) else None) or {} for one in templates]
    kinds = [str(one.get("Type")) for all_of in resources for one in all_of.values() if isinstance(one, dict)]
    return any(map(is_custom, kinds))


# --- What is shown ----------------------------------------------------------------------------------------------------


def _enter(stack: Any, status: str, reason: str | None = None) -> None:
    stack.status, stack.status_reason = status, reason
    if not stack.events or stack.events[-1].resource_status != status:  # moto may have told it
        stack._add_stack_event(status, resource_status_reason=reason)


def _tell(stack: Any, resource: CustomResource, status: str, reason: str | None = None) -> None:
    event = models.Event(
        stack.stack_id,
        stack.name,
        resource.logical_resource_id,
        resource.physical_resource_id,
        resource.cf_resource_type,
        status,
        reason,
        json.dumps(resource.properties),
    )
    event.sendToSns(stack.account_id, stack.region_name, stack.notification_arns)
    stack.events.append(event)


def _show_what_there_is(stack: Any) -> None:
    """moto makes, when somebody looks, what is not there: what is not made yet, or deleted again."""
    outputs, exports = stack.outputs.fget, stack.exports.fget
    stack.outputs = property(lambda one: outputs(one) if one.status in _SHOWN else None)
    stack.exports = property(lambda one: _own_exports(one) if _is_ours(one.template_dict) else exports(one))
    stack.stack_resources = property(_resources_of)


def _resources_of(stack: Any) -> list[Any]:
    made = stack.resource_map._parsed_resources
    return [made[name] for name in stack.resource_map.resources if made.get(name) is not None]


def end_interrupted(stack: Any, reason: str) -> None:
    """Nobody goes on with it."""
    if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
        _enter(stack, stack.status.replace("_IN_PROGRESS", "_FAILED"), reason)


def end_all_interrupted() -> None:
    """Operations that went on when the last process ended."""
    for _, _, backend in models.cloudformation_backends.iter_backends():
        for stack in backend.stacks.values():
            end_interrupted(stack, "lambdad ended while it went on.")
