"""Application Auto Scaling of other services than Lambda: the companion's."""

from server import Server


def test_other_namespaces_go_on_to_the_companion(aws: Server) -> None:
    scaling, namespace = aws.client("application-autoscaling"), {"ServiceNamespace": "dynamodb"}
    table = {"ResourceId": "table/t", "ScalableDimension": "dynamodb:table:ReadCapacityUnits"}
    arn = scaling.register_scalable_target(**namespace, **table, MinCapacity=1, MaxCapacity=2)["ScalableTargetARN"]
    (found,) = scaling.describe_scalable_targets(**namespace)["ScalableTargets"]
    assert (found["ResourceId"], found["ScalableTargetARN"]) == ("table/t", arn)
    assert scaling.describe_scalable_targets(ServiceNamespace="lambda")["ScalableTargets"] == []
