"""Application Auto Scaling of provisioned concurrency: bounds, schedules, target tracking, what was done; with boto3."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions import PROMPT, create, new_name
from refusals import refused
from schedules import at
from server import Server
from wait import wait_for

HANDLER = "def handler(event, context):\n    return event\n"
DIMENSION = {"ServiceNamespace": "lambda", "ScalableDimension": "lambda:function:ProvisionedConcurrency"}
NEVER = "at(2199-01-01T00:00:00)"


@pytest.fixture(scope="module")
def scaling(server: Server) -> Any:
    return server.client("application-autoscaling")


@pytest.fixture
def target(client: Any, scaling: Any) -> Iterator[dict[str, str]]:
    """A version that may be scaled, and is gone after the test."""
    name = create(client, HANDLER)
    client.publish_version(FunctionName=name)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    resource = {**DIMENSION, "ResourceId": f"function:{name}:1"}
    yield resource
    for one in scaling.describe_scalable_targets(ServiceNamespace="lambda", ResourceIds=[resource["ResourceId"]])[
        "ScalableTargets"
    ]:
        scaling.deregister_scalable_target(**DIMENSION, ResourceId=one["ResourceId"])
    client.delete_function(FunctionName=name)


Capacity = Callable[[dict[str, str]], int]


@pytest.fixture
def capacity(client: Any) -> Capacity:
    def capacity_of(target: dict[str, str]) -> int:
        _, name, qualifier = target["ResourceId"].split(":")
        found = client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
        return sum(
            one["RequestedProvisionedConcurrentExecutions"]
            for one in found
            if one["FunctionArn"].endswith(f":{qualifier}")
        )

    return capacity_of


Told = list[tuple[str, str, str]]


def wait_for_activities(scaling: Any, target: dict[str, str], last: Told) -> None:
    """Capacity is set before it is told."""
    wait_for(lambda: activities(scaling, target)[-len(last) :] == last)


def activities(scaling: Any, target: dict[str, str]) -> Told:
    """(description, cause, status), the oldest first."""
    found = scaling.describe_scaling_activities(ServiceNamespace="lambda", ResourceId=target["ResourceId"])
    return [(one["Description"], one["Cause"], one["StatusCode"]) for one in reversed(found["ScalingActivities"])]


def test_capacity_is_brought_within_the_bounds(scaling: Any, target: dict[str, str], capacity: Capacity) -> None:
    made = scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3, Tags={"team": "a"})
    wait_for(lambda: capacity(target) == 1)
    (found,) = scaling.describe_scalable_targets(ServiceNamespace="lambda", ResourceIds=[target["ResourceId"]])[
        "ScalableTargets"
    ]
    assert (found["MinCapacity"], found["MaxCapacity"]) == (1, 3)
    assert found["ScalableTargetARN"] == made["ScalableTargetARN"]
    assert found["RoleARN"].endswith("/AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency")
    assert scaling.list_tags_for_resource(ResourceARN=made["ScalableTargetARN"])["Tags"] == {"team": "a"}
    again = scaling.register_scalable_target(**target, MaxCapacity=0, MinCapacity=0)
    assert again["ScalableTargetARN"] == made["ScalableTargetARN"]
    wait_for(lambda: capacity(target) == 0)
    up = ("Setting desired concurrency to 1.", "minimum capacity was set to 1", "Successful")
    down = ("Setting desired concurrency to 0.", "maximum capacity was set to 0", "Successful")
    wait_for_activities(scaling, target, [up, down])


def test_what_lambda_refuses_is_a_failed_activity(scaling: Any, target: dict[str, str]) -> None:
    scaling.register_scalable_target(**target, MinCapacity=5000, MaxCapacity=5000)
    wait_for(lambda: activities(scaling, target))
    (one,) = scaling.describe_scaling_activities(ServiceNamespace="lambda", ResourceId=target["ResourceId"])[
        "ScalingActivities"
    ]
    assert one["StatusCode"] == "Failed"
    assert one["StatusMessage"].startswith("Failed to set desired concurrency to 5000. Reason: ")


def test_a_scheduled_action(scaling: Any, target: dict[str, str], capacity: Capacity) -> None:
    scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=3)
    action = {**target, "ScalableTargetAction": {"MinCapacity": 2}}
    scaling.put_scheduled_action(**action, ScheduledActionName="soon", Schedule=NEVER)
    scaling.put_scheduled_action(**action, ScheduledActionName="late", Schedule=NEVER, Timezone="Asia/Tokyo")
    names = [one["ScheduledActionName"] for one in _actions(scaling, target)]
    assert names == ["late", "soon"]
    scaling.put_scheduled_action(**action, ScheduledActionName="soon", Schedule=at(0.2))
    wait_for(lambda: capacity(target) == 2)
    (left,) = _actions(scaling, target)
    assert (left["ScheduledActionName"], left["Timezone"]) == ("late", "Asia/Tokyo")
    assert left["ScalableTargetAction"] == {"MinCapacity": 2}
    assert ":resource/lambda/function:" in left["ScheduledActionARN"]
    bounds, cause = "min capacity to 2 and max capacity to 3", "scheduled action name soon was triggered"
    changed = (f"Setting {bounds}", cause, "Successful")
    scaled = ("Setting desired concurrency to 2.", "minimum capacity was set to 2", "Successful")
    wait_for_activities(scaling, target, [changed, scaled])
    scaling.delete_scheduled_action(**target, ScheduledActionName="late")
    assert _actions(scaling, target) == []


def _actions(scaling: Any, target: dict[str, str]) -> list[Any]:
    found = scaling.describe_scheduled_actions(ServiceNamespace="lambda", ResourceId=target["ResourceId"])
    return list(found["ScheduledActions"])


def test_a_policy_and_the_alarms_that_it_has(server: Server, scaling: Any, target: dict[str, str]) -> None:
    cloudwatch = server.client("cloudwatch")
    scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=10)
    configuration = {
        "TargetValue": 0.7,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"},
    }
    given = {"PolicyName": "p", "PolicyType": "TargetTrackingScaling", **target}
    made = scaling.put_scaling_policy(**given, TargetTrackingScalingPolicyConfiguration=configuration)
    names = [one["AlarmName"] for one in made["Alarms"]]
    high, low = (next(one for one in names if f"-Alarm{which}-" in one) for which in ("High", "Low"))
    assert high.startswith(f"TargetTracking-{target['ResourceId']}-AlarmHigh-")
    alarms = {one["AlarmName"]: one for one in cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]}
    assert (alarms[high]["Threshold"], alarms[high]["EvaluationPeriods"]) == (0.7, 3)
    assert (alarms[low]["Threshold"], alarms[low]["EvaluationPeriods"]) == (pytest.approx(0.63), 15)
    assert alarms[high]["AlarmActions"] == [made["PolicyARN"]]
    assert alarms[high]["MetricName"] == "ProvisionedConcurrencyUtilization"
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="lambda", PolicyNames=["p"])["ScalingPolicies"]
    assert policy["PolicyARN"] == made["PolicyARN"]
    assert policy["TargetTrackingScalingPolicyConfiguration"] == configuration
    assert policy["Alarms"] == made["Alarms"]
    changed = scaling.put_scaling_policy(
        **given, TargetTrackingScalingPolicyConfiguration={**configuration, "DisableScaleIn": True}
    )
    assert [one["AlarmName"] for one in changed["Alarms"]] == [high]
    assert len(cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"]) == 1
    scaling.delete_scaling_policy(**target, PolicyName="p")
    assert cloudwatch.describe_alarms(AlarmNames=names)["MetricAlarms"] == []
    missing = (
        "No scaling policy found for service namespace: lambda, resource ID: {}, scalable dimension: {}, policy name: p"
    )
    assert refused(scaling.delete_scaling_policy, **target, PolicyName="p") == (
        "ObjectNotFoundException",
        400,
        missing.format(target["ResourceId"], target["ScalableDimension"]),
    )


def test_an_alarm_scales(server: Server, scaling: Any, target: dict[str, str], capacity: Capacity) -> None:
    """By a metric of one's own, whose alarm is told to be in ALARM: three minutes need not pass."""
    cloudwatch, namespace = server.client("cloudwatch"), new_name("App")
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=10)
    wait_for(lambda: capacity(target) == 1)
    metric = {"MetricName": "Load", "Namespace": namespace, "Statistic": "Average"}
    configuration = {"TargetValue": 50.0, "CustomizedMetricSpecification": metric}
    made = scaling.put_scaling_policy(
        **target,
        PolicyName="load",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=configuration,
    )
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    data = [
        {"MetricName": "Load", "Value": 180.0, "Timestamp": minute - timedelta(minutes=ago)} for ago in (1, 2, 3, 4)
    ]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    high = next(one["AlarmName"] for one in made["Alarms"] if "-AlarmHigh-" in one["AlarmName"])
    cloudwatch.set_alarm_state(AlarmName=high, StateValue="ALARM", StateReason="as if three minutes had passed")
    wait_for(lambda: capacity(target) == 4)  # 180 of one, 50 wanted of each
    cause = f"monitor alarm {high} in state ALARM triggered policy load"
    wait_for_activities(scaling, target, [("Setting desired concurrency to 4.", cause, "Successful")])
    history = cloudwatch.describe_alarm_history(AlarmName=high, HistoryItemType="Action")["AlarmHistoryItems"]
    assert history[0]["HistorySummary"] == f"Successfully executed action {made['PolicyARN']}"


# --- Refused ----------------------------------------------------------------------------------------------------------


def test_what_there_is_not(scaling: Any) -> None:
    resource = {**DIMENSION, "ResourceId": "function:nobody:1"}
    about = "service namespace: lambda, resource ID: function:nobody:1, scalable dimension: lambda:function:ProvisionedConcurrency"
    missing = ("ObjectNotFoundException", 400, f"No scalable target registered for {about}")
    assert refused(scaling.deregister_scalable_target, **resource) == missing
    action = {"ScheduledActionName": "a", "Schedule": NEVER, "ScalableTargetAction": {"MinCapacity": 1}}
    assert refused(scaling.put_scheduled_action, **resource, **action) == missing
    assert refused(scaling.register_scalable_target, **resource, MinCapacity=0, MaxCapacity=1) == (
        "ValidationException",
        400,
        "Lambda function doesn't exist: function:nobody:1",
    )


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"ResourceId": "table/t"}, "Unsupported service namespace, resource type or scalable dimension"),
        ({"MinCapacity": 2, "MaxCapacity": 1}, "Maximum capacity cannot be less than minimum capacity"),
        ({"MinCapacity": -1, "MaxCapacity": 1}, "Minimum and maximum capacity cannot be less than 0"),
        ({"MinCapacity": 1}, "MinCapacity and MaxCapacity must be specified when a new scalable target is registered"),
    ],
)
def test_targets_that_cannot_be(scaling: Any, target: dict[str, str], members: dict[str, Any], message: str) -> None:
    answer = refused(scaling.register_scalable_target, **{**target, **members})
    assert answer == ("ValidationException", 400, message)


def test_actions_and_policies_that_cannot_be(scaling: Any, target: dict[str, str]) -> None:
    scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=1)

    def action(**members: Any) -> str:
        given = {"ScheduledActionName": "a", "Schedule": NEVER, "ScalableTargetAction": {"MinCapacity": 1}}
        code, status, message = refused(scaling.put_scheduled_action, **{**target, **given, **members})
        assert (code, status) == ("ValidationException", 400)
        return message

    assert action(Schedule="daily") == "Schedule expression is invalid: daily"
    assert action(Timezone="Mars/Base") == "Timezone is invalid: Mars/Base"
    past = "The schedule must come to pass in the future, before its end time"
    assert action(Schedule="at(2021-01-01T00:00:00)") == past
    assert action(ScalableTargetAction={}) == "ScalableTargetAction must specify MinCapacity, MaxCapacity or both"

    def policy(**members: Any) -> str:
        code, status, message = refused(scaling.put_scaling_policy, **target, PolicyName="p", **members)
        assert (code, status) == ("ValidationException", 400)
        return message

    kind = "StepScaling is not supported for the scalable dimension lambda:function:ProvisionedConcurrency"
    assert policy(PolicyType="StepScaling", StepScalingPolicyConfiguration={}) == kind
    tracking = {"TargetValue": 0.5}
    one = "Specify either a predefined or a customized metric, and not both"
    assert policy(PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=tracking) == one
    other = {**tracking, "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}}
    metric = "Predefined metric type ECSServiceAverageCPUUtilization is not supported for the scalable dimension of this target"
    assert policy(PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=other) == metric
