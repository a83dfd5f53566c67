"""`--endpoint sqs=URL`: topics tell another service's queues, and mappings poll them there."""

from pathlib import Path

from free_ports import free_ports
from functions import create, new_name
from refusals import invalid, refused
from server import Server
from wait import wait_for

PRINTS = "def handler(event, context):\n    print('got', event['Records'][0]['body'])\n"


def test_a_topic_tells_a_queue_elsewhere_and_a_mapping_polls_it(server: Server, tmp_path: Path) -> None:
    elsewhere, name = server.client("sqs"), new_name("elsewhere")
    url = elsewhere.create_queue(QueueName=name)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    own = Server(tmp_path / "data", "--endpoint", f"sqs={server.url}").start()
    sns, client = own.client("sns"), own.client()
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    function = create(client, PRINTS)
    mapping = {"FunctionName": function, "EventSourceArn": queue}
    shorter = invalid("Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds")
    assert refused(client.create_event_source_mapping, **mapping) == shorter
    own.client("sqs").create_queue(QueueName=f"{name}-here", Attributes={"VisibilityTimeout": "60"})
    code, _, message = refused(client.create_event_source_mapping, **{**mapping, "EventSourceArn": f"{queue}-here"})
    assert code == "InvalidParameterValueException"
    assert "AWS.SimpleQueueService.NonExistentQueue" in message
    elsewhere.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "60"})
    client.create_event_source_mapping(**mapping)
    sns.publish(TopicArn=topic, Message="hello")
    own.wait_for_log(function, "got hello")
    assert own.client("sqs").list_queues()["QueueUrls"] == [f"{own.url}/000000000000/{name}-here"]
    own.stop()


def test_a_queue_that_cannot_be_asked_is_mapped(tmp_path: Path) -> None:
    """Its poller goes on looking for it."""
    port = free_ports(1)
    own = Server(tmp_path / "data", "--endpoint", f"sqs=http://127.0.0.1:{port}").start()
    client = own.client()
    queue = "arn:aws:sqs:us-east-1:000000000000:q"
    uuid = client.create_event_source_mapping(FunctionName=create(client, PRINTS), EventSourceArn=queue)["UUID"]
    wait_for(lambda: client.get_event_source_mapping(UUID=uuid)["State"] == "Enabled")
    own.stop()
