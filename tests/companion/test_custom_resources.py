"""CloudFormation: custom resources are made, updated and deleted by our functions; what fails is rolled back."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import new_name
from refusals import refused
from server import Server
from told import Telling
from wait import wait_for

ANSWER = """
wished = event['ResourceProperties']
if wished.get('Silent') == event['RequestType']:
    return
answer = {**{name: event[name] for name in ('StackId', 'RequestId', 'LogicalResourceId')},
          'Status': 'FAILED' if wished.get('Fails') == event['RequestType'] else 'SUCCESS', 'Reason': 'no luck',
          'PhysicalResourceId': wished.get('Id', 'made'), 'Data': {'Answer': wished['Number'] + '!'}}
request = urllib.request.Request(event['ResponseURL'], json.dumps(answer).encode(), {'Content-Type': ''}, method='PUT')
urllib.request.urlopen(request, timeout=120).read()
"""


class Stack:
    """A custom resource, what depends on it, and what its provider is told."""

    def __init__(self, server: Server, provider: Telling) -> None:
        self.client = server.client("cloudformation")
        self.ssm = server.client("ssm")
        self.provider = provider
        self.name = new_name("stack")
        self.id = ""

    def template(self, **properties: Any) -> str:
        made = {"Type": "Custom::Thing", "Properties": {"ServiceToken": self.provider.arn, **properties}}
        kept = {"Type": "String", "Name": self.name, "Value": {"Fn::Sub": "${Made} ${Made.Answer}"}}
        outputs = {"Id": {"Value": {"Ref": "Made"}}, "Answer": {"Value": {"Fn::GetAtt": ["Made", "Answer"]}}}
        resources = {"Made": made, "Kept": {"Type": "AWS::SSM::Parameter", "Properties": kept}}
        return json.dumps({"Resources": resources, "Outputs": outputs})

    def create(self, **properties: Any) -> None:
        self.id = self.client.create_stack(StackName=self.name, TemplateBody=self.template(**properties))["StackId"]

    def update(self, **properties: Any) -> None:
        self.client.update_stack(StackName=self.name, TemplateBody=self.template(**properties))

    def found(self) -> dict[str, Any]:
        (one,) = self.client.describe_stacks(StackName=self.id)["Stacks"]
        found: dict[str, Any] = one
        return found

    def until(self, status: str) -> dict[str, Any]:
        wait_for(lambda: not self.found()["StackStatus"].endswith("_IN_PROGRESS"))
        found = self.found()
        assert found["StackStatus"] == status
        return found

    def outputs(self) -> dict[str, str]:
        return {one["OutputKey"]: one["OutputValue"] for one in self.found().get("Outputs", [])}

    def reasons(self, status: str) -> list[str]:
        """Of the resource's states."""
        events = self.client.describe_stack_events(StackName=self.id)["StackEvents"]
        mine = [one for one in events if one["LogicalResourceId"] == "Made"]
        return [one.get("ResourceStatusReason", "") for one in mine if one["ResourceStatus"] == status]

    def event(self, kind: str, **members: Any) -> dict[str, Any]:
        """The next that the provider is given, which is this."""
        event: dict[str, Any] = self.provider.next()
        assert event.pop("ResponseURL").startswith("http")
        assert len(event.pop("RequestId")) == 36
        properties = {"ServiceToken": self.provider.arn, **members.pop("ResourceProperties")}
        assert event == {
            "RequestType": kind,
            "ServiceToken": self.provider.arn,
            "StackId": self.id,
            "LogicalResourceId": "Made",
            "ResourceType": "Custom::Thing",
            "ResourceProperties": properties,
            **members,
        }
        return event


@pytest.fixture(scope="module")
def provider(aws: Server) -> Telling:
    return Telling(aws, ANSWER)


@pytest.fixture
def stack(aws: Server, provider: Telling) -> Stack:
    return Stack(aws, provider)


def test_from_its_making_to_its_end(stack: Stack) -> None:
    stack.create(Number=42, On=True)
    stack.event("Create", ResourceProperties={"Number": "42", "On": "true"})
    stack.until("CREATE_COMPLETE")
    assert stack.outputs() == {"Id": "made", "Answer": "42!"}
    assert stack.ssm.get_parameter(Name=stack.name)["Parameter"]["Value"] == "made 42!"
    (made, _) = stack.client.describe_stack_resources(StackName=stack.name)["StackResources"]
    assert (made["PhysicalResourceId"], made["ResourceType"]) == ("made", "Custom::Thing")
    stack.update(Number=43, Id="other")
    before = {"ServiceToken": stack.provider.arn, "Number": "42", "On": "true"}
    after = {"Number": "43", "Id": "other"}
    stack.event("Update", ResourceProperties=after, OldResourceProperties=before, PhysicalResourceId="made")
    stack.event("Delete", ResourceProperties=before, PhysicalResourceId="made")
    stack.until("UPDATE_COMPLETE")
    assert stack.outputs() == {"Id": "other", "Answer": "43!"}
    stack.client.delete_stack(StackName=stack.name)
    stack.event("Delete", ResourceProperties=after, PhysicalResourceId="other")
    assert "Outputs" not in stack.until("DELETE_COMPLETE")
    assert stack.provider.nothing()
    with pytest.raises(ClientError, match="ParameterNotFound"):
        stack.ssm.get_parameter(Name=stack.name)


def test_a_creation_that_fails(stack: Stack) -> None:
    stack.create(Number=1, Fails="Create", Id="half")
    stack.event("Create", ResourceProperties={"Number": "1", "Fails": "Create", "Id": "half"})
    stack.event(
        "Delete", ResourceProperties={"Number": "1", "Fails": "Create", "Id": "half"}, PhysicalResourceId="half"
    )
    found = stack.until("ROLLBACK_COMPLETE")
    assert found["StackStatusReason"] == "The following resource(s) failed to create: [Made]."
    (reason,) = stack.reasons("CREATE_FAILED")
    words = "Received response status [FAILED] from custom resource. Message returned: no luck (RequestId: "
    assert reason.startswith(words)
    assert refused(stack.update, Number=2)[0] == "ValidationError"


def test_an_update_that_fails(stack: Stack) -> None:
    stack.create(Number=1)
    stack.event("Create", ResourceProperties={"Number": "1"})
    stack.until("CREATE_COMPLETE")
    stack.update(Number=2, Fails="Update")
    one, two = {"Number": "1"}, {"Number": "2", "Fails": "Update"}
    token = {"ServiceToken": stack.provider.arn}
    told = {"PhysicalResourceId": "made"}
    stack.event("Update", ResourceProperties=two, OldResourceProperties={**token, **one}, **told)
    stack.event("Update", ResourceProperties=one, OldResourceProperties={**token, **two}, **told)
    stack.until("UPDATE_ROLLBACK_COMPLETE")
    assert len(stack.reasons("UPDATE_FAILED")) == 1
    assert stack.outputs() == {"Id": "made", "Answer": "1!"}
    stack.client.delete_stack(StackName=stack.name)
    stack.event("Delete", ResourceProperties=one, PhysicalResourceId="made")
    stack.until("DELETE_COMPLETE")


def test_a_deletion_that_fails(stack: Stack) -> None:
    stack.create(Number=1, Fails="Delete")
    stack.until("CREATE_COMPLETE")
    for _ in range(2):
        stack.client.delete_stack(StackName=stack.name)
        found = stack.until("DELETE_FAILED")
        assert found["StackStatusReason"] == "The following resource(s) failed to delete: [Made]."
    assert [stack.provider.next()["RequestType"] for _ in range(3)] == ["Create", "Delete", "Delete"]


def test_a_provider_that_says_nothing(stack: Stack) -> None:
    stack.create(Number=1, Silent="Create", ServiceTimeout=1)
    stack.until("ROLLBACK_COMPLETE")
    (reason,) = stack.reasons("CREATE_FAILED")
    assert reason.startswith("CloudFormation did not receive a response from your Custom Resource.")
    assert [stack.provider.next()["RequestType"] for _ in range(2)] == ["Create", "Delete"]


def test_a_stack_that_is_deleted_while_it_is_made(stack: Stack) -> None:
    stack.create(Number=1, Silent="Create")
    assert stack.provider.next()["RequestType"] == "Create"
    assert (stack.found()["StackStatus"], stack.outputs()) == ("CREATE_IN_PROGRESS", {})
    code, _, message = refused(stack.update, Number=2)
    assert (code, "is in CREATE_IN_PROGRESS state" in message) == ("ValidationError", True)
    stack.client.delete_stack(StackName=stack.name)
    assert stack.provider.next()["RequestType"] == "Delete"
    wait_for(lambda: stack.found()["StackStatus"] == "DELETE_COMPLETE")
    assert stack.provider.nothing()


def test_a_provider_that_is_not_there(stack: Stack) -> None:
    stack.create(Number=1, ServiceToken=f"{stack.provider.arn}-not-there")
    stack.until("ROLLBACK_COMPLETE")
    assert "Function not found" in stack.reasons("CREATE_FAILED")[0]


def test_by_change_sets(stack: Stack) -> None:
    """As `aws cloudformation deploy` does it."""
    one, two = {"Number": "1"}, {"Number": "2"}
    for kind, properties in (("CREATE", one), ("UPDATE", two)):
        made = stack.client.create_change_set(
            StackName=stack.name,
            ChangeSetName=new_name("changes"),
            ChangeSetType=kind,
            TemplateBody=stack.template(**properties),
        )
        stack.id = made["StackId"]
        stack.client.execute_change_set(ChangeSetName=made["Id"])
        stack.until(f"{kind}_COMPLETE")
        assert stack.outputs()["Answer"] == f"{properties['Number']}!"
    stack.event("Create", ResourceProperties=one)
    before = {"ServiceToken": stack.provider.arn, **one}
    stack.event("Update", ResourceProperties=two, OldResourceProperties=before, PhysicalResourceId="made")


def test_a_stack_of_others_only(aws: Server) -> None:
    """Has outputs when a change set made it, and is as it was when it cannot be changed."""
    stacks, name = aws.client("cloudformation"), new_name("stack")

    def template(description: str) -> str:
        properties = {
            "Description": description,
            "KeyPolicy": {},
            "KeyUsage": "ENCRYPT_DECRYPT",
            "EnableKeyRotation": False,
        }
        outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Key", "Arn"]}, "Export": {"Name": name}}}
        resources = {"Key": {"Type": "AWS::KMS::Key", "Properties": properties}}
        return json.dumps({"Resources": resources, "Outputs": outputs})

    made = stacks.create_change_set(
        StackName=name, ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=template("a")
    )
    stacks.execute_change_set(ChangeSetName=made["Id"])
    code, status, message = refused(stacks.update_stack, StackName=name, TemplateBody=template("b"))
    words = "Template error: Key cannot be updated, AWS::KMS::Key is only made and deleted here"
    assert (code, status, message) == ("ValidationError", 400, words)
    (found,) = stacks.describe_stacks(StackName=name)["Stacks"]
    (output,) = found["Outputs"]
    assert (found["StackStatus"], output["ExportName"]) == ("CREATE_COMPLETE", name)
    assert output["OutputValue"].startswith("arn:aws:kms:")
    stacks.delete_stack(StackName=name)
    assert name not in [export["Name"] for export in stacks.list_exports()["Exports"]]


def test_another_account_s_function_is_no_provider(aws: Server, stack: Stack) -> None:
    """Unless its policy lets that account in: nobody is asked in a name that is not theirs."""
    theirs = aws.client("cloudformation", account="111111111111")
    name = theirs.create_stack(StackName=stack.name, TemplateBody=stack.template(Number=1))["StackId"]

    def status() -> str:
        (one,) = theirs.describe_stacks(StackName=name)["Stacks"]
        return str(one["StackStatus"])

    wait_for(lambda: not status().endswith("_IN_PROGRESS"))
    assert status() == "ROLLBACK_COMPLETE"
    reasons = [
        event.get("ResourceStatusReason", "") for event in theirs.describe_stack_events(StackName=name)["StackEvents"]
    ]
    assert any("is not authorized to perform: lambda:InvokeFunction" in reason for reason in reasons)
    assert stack.provider.nothing()


def test_resources_go_before_what_they_depend_on(stack: Stack) -> None:
    token = {"ServiceToken": stack.provider.arn, "Number": 1}
    chain = {"Net": None, "App": "Net", "Base": None, "Zed": "App"}
    resources = {
        name: {"Type": "Custom::Thing", "Properties": {**token, "Id": name, **({"On": {"Ref": on}} if on else {})}}
        for name, on in chain.items()
    }
    made = stack.client.create_stack(StackName=stack.name, TemplateBody=json.dumps({"Resources": resources}))
    stack.id = made["StackId"]
    stack.until("CREATE_COMPLETE")
    stack.client.delete_stack(StackName=stack.name)
    stack.until("DELETE_COMPLETE")
    events = [stack.provider.next() for _ in range(2 * len(chain))]
    deleted = [event["LogicalResourceId"] for event in events if event["RequestType"] == "Delete"]
    assert sorted(deleted) == sorted(chain)
    assert deleted.index("Zed") < deleted.index("App") < deleted.index("Net")


def test_what_changes_nothing_and_what_is_there_already_are_refused(stack: Stack) -> None:
    stack.create(Number=1)
    stack.until("CREATE_COMPLETE")
    assert refused(stack.update, Number=1) == ("ValidationError", 400, "No updates are to be performed.")
    wished = {"StackName": stack.name, "ChangeSetName": "c", "TemplateBody": stack.template(Number=2)}
    code, _, message = refused(stack.client.create_change_set, **wished, ChangeSetType="CREATE")
    words = f"Stack [{stack.name}] already exists and cannot be created again with the changeSet [c]."
    assert (code, message) == ("ValidationError", words)
    stack.client.create_change_set(**wished, ChangeSetType="UPDATE")
    assert refused(stack.client.create_change_set, **wished, ChangeSetType="UPDATE")[0] == "AlreadyExistsException"
