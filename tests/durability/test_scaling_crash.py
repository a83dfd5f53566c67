"""Application Auto Scaling and `kill -9`: what falls due meanwhile is done when the server is back; alarms fit policies."""

from datetime import UTC, datetime

from functions import PROMPT, create
from schedules import at, moment_of
from server import Server
from wait import wait_for


def test_a_scheduled_action_and_alarms_across_a_crash(own_server: Server) -> None:
    server = own_server.start()
    client, scaling, cloudwatch = (server.client(name) for name in ("lambda", "application-autoscaling", "cloudwatch"))
    name = create(client, "def handler(event, context):\n    return event\n")
    client.publish_version(FunctionName=name)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig=PROMPT)
    resource = {"ResourceId": f"function:{name}:1", "ScalableDimension": "lambda:function:ProvisionedConcurrency"}
    target = {"ServiceNamespace": "lambda", **resource}
    scaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=3)
    metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"}}
    made = scaling.put_scaling_policy(
        **target,
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 0.5, **metric},
    )
    names = [one["AlarmName"] for one in made["Alarms"]]
    cloudwatch.delete_alarms(AlarmNames=names[:1])
    about = {"Namespace": "n", "MetricName": "m", "Statistic": "Average", "Period": 60, "EvaluationPeriods": 1}
    compared = {"Threshold": 1.0, "ComparisonOperator": "LessThanThreshold"}
    arn = made["PolicyARN"].replace("policyName/p", "policyName/gone")
    cloudwatch.put_metric_alarm(AlarmName="left over", AlarmActions=[arn], **about, **compared)
    expression = at(0.5)
    scaling.put_scheduled_action(
        **target, ScheduledActionName="up", Schedule=expression, ScalableTargetAction={"MinCapacity": 2}
    )
    server.kill()
    wait_for(lambda: datetime.now(UTC) > moment_of(expression))
    server.start()
    client, scaling, cloudwatch = (server.client(name) for name in ("lambda", "application-autoscaling", "cloudwatch"))

    def capacity() -> int:
        found = client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
        return sum(one["RequestedProvisionedConcurrentExecutions"] for one in found)

    wait_for(lambda: capacity() == 2)
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    assert sorted(one["AlarmName"] for one in alarms) == sorted(names)
    assert scaling.describe_scheduled_actions(ServiceNamespace="lambda")["ScheduledActions"] == []
    told = ["Setting min capacity to 2 and max capacity to 3", "Setting desired concurrency to 2."]

    def activities() -> list[str]:
        found = scaling.describe_scaling_activities(ServiceNamespace="lambda")["ScalingActivities"]
        return [one["Description"] for one in reversed(found)]

    wait_for(lambda: activities() == told)  # capacity is set before it is told
