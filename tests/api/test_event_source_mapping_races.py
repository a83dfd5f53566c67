"""Event source mappings: many clients at once, and a server that is killed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from functions import create, new_name
from refusals import refused
from server import Server
from wait import wait_for

Create = Callable[..., dict[str, Any]]


def queue_of(server: Server) -> str:
    name = new_name("q")
    server.client("sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": "60"})
    return f"arn:aws:sqs:us-east-1:000000000000:{name}"


def settled(client: Any, uuid: str) -> dict[str, Any]:
    """The mapping, once it has come to what is wished of it."""
    found: dict[str, Any] = {}

    def there() -> bool:
        found.update(client.get_event_source_mapping(UUID=uuid))
        return found["State"] in ("Enabled", "Disabled")

    wait_for(there)
    return found


def test_updates_at_once_make_no_two_mappings_of_the_same(server: Server, create_function: Create) -> None:
    """Whoever moves there first has it: other mappings of the source, and new ones, are refused."""
    source, function = queue_of(server), create_function()["FunctionName"]
    others = [create_function()["FunctionName"] for _ in range(6)]
    clients = [server.client() for _ in range(12)]
    create = clients[0].create_event_source_mapping
    uuids = [create(EventSourceArn=source, FunctionName=other)["UUID"] for other in others]
    for uuid in uuids:
        settled(clients[0], uuid)

    def take(number: int) -> bool:
        try:
            if number < len(uuids):
                clients[number].update_event_source_mapping(UUID=uuids[number], FunctionName=function)
            else:
                clients[number].create_event_source_mapping(EventSourceArn=source, FunctionName=function)
        except clients[number].exceptions.ResourceConflictException:
            return False
        return True

    with ThreadPoolExecutor(len(clients)) as threads:
        taken = list(threads.map(take, range(len(clients))))
    assert taken.count(True) == 1
    found = clients[0].list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
    assert len(found) == 1


def test_mappings_survive_a_kill(own_server: Server) -> None:
    client = own_server.start().client()
    name = create(client, "def handler(event, context):\n    return 1\n")
    made = client.create_event_source_mapping(
        FunctionName=name, EventSourceArn=queue_of(own_server), Enabled=False, Tags={"team": "orders"}
    )
    gone = client.create_event_source_mapping(FunctionName=name, EventSourceArn=queue_of(own_server))["UUID"]
    client.delete_event_source_mapping(UUID=gone)
    wait_for(lambda: len(client.list_event_source_mappings()["EventSourceMappings"]) == 1)
    own_server.kill()
    client = own_server.start().client()
    kept = settled(client, made["UUID"])
    own = {name: kept[name] for name in ("UUID", "EventSourceArn", "FunctionArn", "BatchSize", "State")}
    assert own == {**{name: made[name] for name in own}, "State": "Disabled"}
    assert client.list_tags(Resource=made["EventSourceMappingArn"])["Tags"] == {"team": "orders"}
    assert refused(client.get_event_source_mapping, UUID=gone)[0] == "ResourceNotFoundException"
