"""What depends on another is deleted before it."""

from typing import Any

import pytest

from lambdad.companion.stack_order import deletion_order


def resource(**properties: Any) -> dict[str, Any]:
    return {"Type": "Custom::Thing", "Properties": properties}


@pytest.mark.parametrize(
    "second",
    [
        resource(On={"Ref": "First"}),
        resource(On=[{"Fn::GetAtt": ["First", "Arn"]}]),
        resource(On={"Fn::GetAtt": "First.Arn"}),
        resource(On={"Fn::Sub": "a ${First} b"}),
        resource(On={"Fn::Sub": "${First.Arn}"}),
        resource(On={"Fn::Sub": ["${Name}", {"Name": {"Ref": "First"}}]}),
        resource(On={"Fn::If": ["Condition", {"Fn::Join": ["", [{"Ref": "First"}]]}, ""]}),
        {**resource(), "DependsOn": "First"},
        {**resource(), "DependsOn": ["First"]},
    ],
)
def test_what_depends_on_another_goes_first(second: dict[str, Any]) -> None:
    first = resource(Of={"Fn::Sub": "${AWS::Region} ${!Second}"})
    for resources in ({"First": first, "Second": second}, {"Second": second, "First": first}):
        assert deletion_order(resources) == ["Second", "First"]


def test_chains_go_from_their_ends() -> None:
    chain = {name: resource(On={"Ref": before} if before else "") for name, before in zip("CABD", "BDA ", strict=True)}
    chain["D"] = resource()
    assert deletion_order(chain) == ["C", "B", "A", "D"]
    circle = {"A": resource(On={"Ref": "B"}), "B": resource(On={"Ref": "A"})}
    assert sorted(deletion_order(circle)) == ["A", "B"]
