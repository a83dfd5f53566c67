"""Operations on subscription filters."""

import dataclasses

from lambdad.errors.logs import InvalidParameterException, LimitExceededException, ResourceNotFound
from lambdad.protocols.context import Context, Members
from lambdad.resources.arn import find_function_arn, qualifier_of
from lambdad.resources.function import LATEST
from lambdad.resources.policy_evaluation import Asking, evaluate
from lambdad.services.logs.backend import Backend, pattern_of
from lambdad.services.logs.groups import update
from lambdad.services.logs.pages import page_of
from lambdad.store.log_groups import LogGroup, LogGroupKey, Subscription

_MOST = 2
"""Of one group."""
_ACTION = "lambda:InvokeFunction"


async def put_subscription_filter(backend: Backend, context: Context, request: Members) -> Members:
    key = LogGroupKey(context.account, context.region, request["logGroupName"])
    backend.group(key)
    pattern_of(request["filterPattern"])
    _check_destination(backend, key, request["destinationArn"])
    subscription = Subscription(
        name=request["filterName"],
        pattern=request["filterPattern"],
        destination=request["destinationArn"],
        created_at=backend.now(),
        distribution=request.get("distribution", "ByLogStream"),
    )

    def change(group: LogGroup) -> LogGroup:
        others = tuple(one for one in group.subscriptions if one.name != subscription.name)
        if len(others) >= _MOST:
            raise LimitExceededException.resources()
        return dataclasses.replace(group, subscriptions=(*others, subscription))

    await update(backend, key, change)
    return {}


def _check_destination(backend: Backend, key: LogGroupKey, arn: str) -> None:
    """A function that lets CloudWatch Logs invoke it. Raises InvalidParameterException."""
    function_key = find_function_arn(arn)
    if function_key is None:
        raise InvalidParameterException.destination()
    function = backend.function_of(function_key)
    statements = function.policies.get(qualifier_of(arn) or LATEST, ()) if function is not None else ()
    values = {"aws:sourceaccount": key.account, "aws:sourcearn": f"{key.arn}:*"}
    if evaluate(statements, Asking(None, _ACTION, values, "logs.amazonaws.com")) != "Allow":
        raise InvalidParameterException.may_not_invoke()


async def delete_subscription_filter(backend: Backend, context: Context, request: Members) -> Members:
    def change(group: LogGroup) -> LogGroup:
        kept = tuple(one for one in group.subscriptions if one.name != request["filterName"])
        if len(kept) == len(group.subscriptions):
            raise ResourceNotFound.subscription()
        return dataclasses.replace(group, subscriptions=kept)

    await update(backend, LogGroupKey(context.account, context.region, request["logGroupName"]), change)
    return {}


async def describe_subscription_filters(backend: Backend, context: Context, request: Members) -> Members:
    group = backend.group(LogGroupKey(context.account, context.region, request["logGroupName"]))
    prefix = request.get("filterNamePrefix", "")
    found = sorted((one for one in group.subscriptions if one.name.startswith(prefix)), key=lambda one: one.name)
    page, token = page_of(found, lambda one: one.name, request)
    return {"subscriptionFilters": [_members_of(group, one) for one in page], "nextToken": token}


def _members_of(group: LogGroup, one: Subscription) -> Members:
    return {
        "filterName": one.name,
        "logGroupName": group.key.name,
        "filterPattern": one.pattern,
        "destinationArn": one.destination,
        "distribution": one.distribution,
        "creationTime": one.created_at,
    }
