"""AWS's other services are there, their functions are ours, and what they hold outlives the server."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import call, create, new_name
from processes import processes_of
from server import Server
from told import Telling
from wait import wait_for

SILENT = "def handler(event, context):\n    pass\n"


def test_services_answer_in_the_caller_s_account(aws: Server) -> None:
    assert aws.client("sts", account="111122223333").get_caller_identity()["Account"] == "111122223333"
    assert aws.client("sts").get_caller_identity()["Account"] == "000000000000"
    iam = aws.client("iam")
    role = iam.create_role(RoleName=new_name("r"), AssumeRolePolicyDocument="{}")["Role"]
    policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=policy)
    key = aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    sealed = aws.client("kms").encrypt(KeyId=key, Plaintext=b"secret")["CiphertextBlob"]
    assert aws.client("kms").decrypt(CiphertextBlob=sealed)["Plaintext"] == b"secret"
    ssm = aws.client("ssm")
    ssm.put_parameter(Name="/a/b", Value="c", Type="String")
    assert ssm.get_parameter(Name="/a/b")["Parameter"]["Value"] == "c"


def test_what_nobody_has_is_refused_in_words(aws: Server) -> None:
    with pytest.raises(ClientError, match="Neither lambdad nor its companion serves it"):
        aws.client("bedrock-runtime").converse(modelId="a", messages=[])
    assert aws.get("/moto-api/data.json")[0] != 200


def fill(server: Server) -> None:
    server.client("s3").create_bucket(Bucket="kept")
    server.client("s3").put_object(Bucket="kept", Key="object", Body=b"content", Metadata={"a": "b"})
    key = [{"AttributeName": "id", "KeyType": "HASH"}]
    types = [{"AttributeName": "id", "AttributeType": "S"}]
    server.client("dynamodb").create_table(
        TableName="table", KeySchema=key, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST"
    )
    server.client("dynamodb").put_item(TableName="table", Item={"id": {"S": "one"}, "n": {"N": "1"}})
    for stream in ({"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}, {"StreamEnabled": False}):
        server.client("dynamodb").update_table(TableName="table", StreamSpecification=stream)
    topic = server.client("sns").create_topic(Name="topic")["TopicArn"]
    function = Telling(server, name="told")
    function.permit("sns.amazonaws.com", topic)
    server.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function.arn)
    server.client("kinesis").create_stream(StreamName="stream", ShardCount=1)
    server.client("secretsmanager").create_secret(Name="secret", SecretString="hidden")
    server.client("ssm").put_parameter(Name="parameter", Value="value", Type="String")
    server.client("iam").create_role(RoleName="role", AssumeRolePolicyDocument="{}")
    waiting = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 3600, "End": True}}}
    role = "arn:aws:iam::000000000000:role/states"
    machines = server.client("stepfunctions")
    made = machines.create_state_machine(name="machine", definition=json.dumps(waiting), roleArn=role)
    machines.start_execution(stateMachineArn=made["stateMachineArn"])
    silent = f"arn:aws:lambda:us-east-1:000000000000:function:{create(server.client(), SILENT)}"
    made = {"Resources": {"Made": {"Type": "Custom::Thing", "Properties": {"ServiceToken": silent}}}}
    server.client("cloudformation").create_stack(StackName="stack", TemplateBody=json.dumps(made))
    server.client("kms").create_alias(
        AliasName="alias/mine", TargetKeyId=server.client("kms").create_key()["KeyMetadata"]["KeyId"]
    )


def check(server: Server) -> None:
    assert server.client("s3").get_object(Bucket="kept", Key="object")["Body"].read() == b"content"
    assert server.client("dynamodb").scan(TableName="table")["Items"] == [{"id": {"S": "one"}, "n": {"N": "1"}}]
    (stream,) = server.client("dynamodbstreams").list_streams(TableName="table")["Streams"]
    described = server.client("dynamodbstreams").describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]
    assert (described["StreamStatus"], described["StreamViewType"]) == ("DISABLED", "KEYS_ONLY")
    assert server.client("kinesis").describe_stream_summary(StreamName="stream")["StreamDescriptionSummary"][
        "OpenShardCount"
    ]
    assert server.client("secretsmanager").get_secret_value(SecretId="secret")["SecretString"] == "hidden"
    assert server.client("ssm").get_parameter(Name="parameter")["Parameter"]["Value"] == "value"
    assert server.client("iam").get_role(RoleName="role")["Role"]["RoleName"] == "role"
    assert server.client("kms").describe_key(KeyId="alias/mine")["KeyMetadata"]["KeyId"]
    machines = server.client("stepfunctions")
    (machine,) = machines.list_state_machines()["stateMachines"]
    (execution,) = machines.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    assert execution["status"] == "ABORTED"
    (stack,) = server.client("cloudformation").describe_stacks(StackName="stack")["Stacks"]
    assert (stack["StackStatus"], stack["StackStatusReason"]) == ("CREATE_FAILED", "lambdad ended while it went on.")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_it_is_all_there_again(own_server: Server, end: str) -> None:
    """Also when the server is killed: its companion sees that, and saves."""
    own_server.start()
    fill(own_server)
    getattr(own_server, end)()
    own_server.start()
    check(own_server)
    topic = own_server.client("sns").list_topics()["Topics"][0]["TopicArn"]
    own_server.client("sns").publish(TopicArn=topic, Message="after")
    wait_for(lambda: own_server.client("sqs").list_queues().get("QueueUrls"))
    url = own_server.client("sqs").list_queues()["QueueUrls"][0]
    message = own_server.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]
    assert json.loads(message["Body"])["Records"][0]["Sns"]["Message"] == "after"


def test_a_companion_that_dies_is_started_again(own_server: Server) -> None:
    own_server.start()
    own_server.client("s3").create_bucket(Bucket="first")
    wait_for(lambda: (own_server.data_dir / "companion" / "s3.pickle").exists())
    for pid in processes_of(own_server.pid):
        if b"lambdad.companion" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(int(pid), signal.SIGKILL)

    def there() -> Any:
        try:
            return own_server.client("s3").list_buckets()["Buckets"]
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503
            return False

    wait_for(there)


def test_what_is_too_much_is_refused_and_the_rest_is_kept(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--companion-memory-mb", "400").start()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="full")
    contents = [bytes([number]) * 4_000_000 for number in range(100)]
    with pytest.raises(ClientError, match="AWS's other services hold as much as they may"):
        for number, content in enumerate(contents):
            s3.put_object(Bucket="full", Key=f"{number:03}", Body=content)
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket="full")["Contents"]]
    s3.delete_objects(Bucket="full", Delete={"Objects": [{"Key": key} for key in keys[2:]]})
    s3.put_object(Bucket="full", Key="again", Body=contents[0])
    server.kill()
    s3 = server.start() and server.client("s3")
    for key, content in zip(keys[:2], contents, strict=False):
        assert s3.get_object(Bucket="full", Key=key)["Body"].read() == content
    assert [one["Key"] for one in s3.list_objects_v2(Bucket="full")["Contents"]] == [*keys[:2], "again"]
    server.stop()
    objects = list((server.data_dir / "companion" / "objects").iterdir())
    assert sorted(path.read_bytes()[:1] for path in objects) == [b"\0", b"\1"]


def test_it_can_be_left_out(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--companion", "off").start()
    for ask in (server.client("s3").list_buckets, server.client("dynamodb").list_tables):
        with pytest.raises(ClientError, match="lambdad does not serve"):
            ask()
    assert call(server.client(), create(server.client(), "def handler(event, context):\n    return 1\n"))[0] == 1
    server.stop()
