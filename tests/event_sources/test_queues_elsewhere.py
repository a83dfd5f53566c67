"""`--endpoint sqs=URL`: topics tell another service's queues, and mappings poll them there."""

from pathlib import Path

from functions import create, new_name
from server import Server

PRINTS = "def handler(event, context):\n    print('got', event['Records'][0]['body'])\n"


def test_a_topic_tells_a_queue_elsewhere_and_a_mapping_polls_it(server: Server, tmp_path: Path) -> None:
    elsewhere, name = server.client("sqs"), new_name("elsewhere")
    elsewhere.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"})
    queue = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    own = Server(tmp_path / "data", "--endpoint", f"sqs={server.url}").start()
    sns, client = own.client("sns"), own.client()
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    function = create(client, PRINTS)
    client.create_event_source_mapping(FunctionName=function, EventSourceArn=queue)
    sns.publish(TopicArn=topic, Message="hello")
    own.wait_for_log(function, "got hello")
    assert "QueueUrls" not in own.client("sqs").list_queues()
    own.stop()
