"""Event source mappings as resources: what each kind of source takes, answers and refuses."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from functions import PROMPT, new_name
from refusals import invalid, refused, violation
from server import Server
from wait import wait_for

Create = Callable[..., dict[str, Any]]
Make = Callable[..., dict[str, Any]]
ARN = "arn:aws:lambda:us-east-1:000000000000:"
TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/2026-01-01T00:00:00.000"
STREAM = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"
CLUSTER = "arn:aws:kafka:us-east-1:000000000000:cluster/main/0a0a0a0a-0000-1111-2222-333344445555-1"
BROKER = "arn:aws:mq:us-east-1:000000000000:broker:bunny:b-0a0a0a0a-0000-1111-2222-333344445555"
DOCUMENTS = "arn:aws:rds:us-east-1:000000000000:cluster:documents"
SECRET = {"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:000000000000:secret:broker"}
MISSING = ("ResourceNotFoundException", 404, "The resource you requested does not exist.")


def queue(fifo: bool = False) -> str:
    """Of the test's own: mappings are listed by it."""
    return f"arn:aws:sqs:us-east-1:000000000000:{new_name('q')}{'.fifo' if fifo else ''}"


def brokers(*servers: str) -> dict[str, Any]:
    return {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": list(servers)}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Without other services: nobody can say whether a stream exists."""
    running = Server(tmp_path_factory.mktemp("mappings") / "data", "--companion", "off").start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def client(server: Server) -> Any:
    return server.client()


@pytest.fixture
def function(create_function: Create) -> str:
    name: str = create_function(Publish=True)["FunctionName"]
    return name


@pytest.fixture(scope="module")
def create_queue_of(server: Server) -> Callable[[dict[str, Any]], None]:
    """The queue that a mapping is of, if it is of one."""
    sqs = server.client("sqs")

    def create(mapping: dict[str, Any]) -> None:
        *_, service, _, _, name = mapping.get("EventSourceArn", ":::::").split(":", 5)
        if service == "sqs" and name:
            sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"} if name.endswith(".fifo") else {})

    return create


@pytest.fixture
def make(client: Any, function: str, create_queue_of: Callable[[dict[str, Any]], None]) -> Iterator[Make]:
    """CreateEventSourceMapping of the function; deleted afterwards."""
    made: list[str] = []

    def make(**parameters: Any) -> dict[str, Any]:
        create_queue_of(parameters)
        answer: dict[str, Any] = client.create_event_source_mapping(**{"FunctionName": function, **parameters})
        made.append(answer["UUID"])
        return answer

    yield make
    for uuid in made:
        try:
            client.delete_event_source_mapping(UUID=uuid)
        except client.exceptions.ResourceNotFoundException:
            continue


def members(answer: dict[str, Any]) -> dict[str, Any]:
    answer = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    assert isinstance(answer.pop("LastModified"), datetime)
    return answer


def settled(client: Any, uuid: str) -> dict[str, Any]:
    """The mapping once it is as it was wished."""
    seen: list[dict[str, Any]] = []

    def look() -> bool:
        seen.append(client.get_event_source_mapping(UUID=uuid))
        return seen[-1]["State"] in ("Enabled", "Disabled")

    wait_for(look)
    return seen[-1]


def test_the_life_of_a_mapping(client: Any, function: str, make: Make) -> None:
    source = queue()
    created = make(EventSourceArn=source)
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 202
    uuid = created["UUID"]
    mapping = {
        "UUID": uuid,
        "EventSourceMappingArn": f"{ARN}event-source-mapping:{uuid}",
        "EventSourceArn": source,
        "FunctionArn": f"{ARN}function:{function}",
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
    }
    assert members(created) == mapping
    assert members(settled(client, uuid)) == {**mapping, "State": "Enabled"}
    updated = client.update_event_source_mapping(
        UUID=uuid,
        BatchSize=5,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 7},
    )
    mapping |= {
        "BatchSize": 5,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": 7},
    }
    assert members(updated) == {**mapping, "State": "Updating"}
    assert client.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabling"
    assert members(settled(client, uuid)) == {**mapping, "State": "Disabled"}
    assert client.update_event_source_mapping(UUID=uuid, Enabled=True)["State"] == "Enabling"
    assert members(settled(client, uuid)) == {**mapping, "State": "Enabled"}
    deleted = client.delete_event_source_mapping(UUID=uuid)
    assert (deleted["ResponseMetadata"]["HTTPStatusCode"], members(deleted)) == (202, {**mapping, "State": "Deleting"})
    wait_for(lambda: not client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"])
    for operation in ("get", "update", "delete"):
        assert refused(getattr(client, f"{operation}_event_source_mapping"), UUID=uuid) == MISSING


def test_streams(client: Any, function: str, make: Make) -> None:
    defaults = {
        "FunctionArn": f"{ARN}function:{function}",
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "DestinationConfig": {"OnFailure": {}},
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "MaximumRetryAttempts": -1,
        "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "LastProcessingResult": "No records processed",
        "State": "Creating",
        "StateTransitionReason": "User action",
    }
    for source, position in ((STREAM, "LATEST"), (TABLE, "TRIM_HORIZON")):
        answer = members(make(EventSourceArn=source, StartingPosition=position))
        identity = {"UUID": answer["UUID"], "EventSourceMappingArn": answer["EventSourceMappingArn"]}
        assert answer == {**defaults, **identity, "EventSourceArn": source, "StartingPosition": position}
    since = datetime.fromisoformat("2026-01-01T12:00:00+00:00")
    other = f"{STREAM}-2"
    at = make(EventSourceArn=other, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=since)
    assert client.get_event_source_mapping(UUID=at["UUID"])["StartingPositionTimestamp"] == since


def test_a_stream_mapping_with_everything(client: Any, make: Make) -> None:
    given = {
        "BatchSize": 7,
        "MaximumBatchingWindowInSeconds": 3,
        "ParallelizationFactor": 2,
        "DestinationConfig": {"OnFailure": {"Destination": queue()}},
        "MaximumRecordAgeInSeconds": 60,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": 4,
        "TumblingWindowInSeconds": 30,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": {"Filters": [{"Pattern": '{"data": {"kind": ["a", {"prefix": "b"}]}}'}]},
        "KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/0a0a0a0a-0000-1111-2222-333344445555",
        "MetricsConfig": {"Metrics": ["EventCount"]},
    }
    created = make(EventSourceArn=STREAM, StartingPosition="LATEST", Enabled=False, **given)
    kept = settled(client, created["UUID"])
    assert {name: kept[name] for name in given} == given
    assert kept["State"] == "Disabled"
    emptied = client.update_event_source_mapping(
        UUID=created["UUID"], FilterCriteria={"Filters": []}, KMSKeyArn="", DestinationConfig={"OnFailure": {}}
    )
    assert not {"FilterCriteria", "KMSKeyArn"} & emptied.keys()
    assert emptied["DestinationConfig"] == {"OnFailure": {}}


def test_clusters_brokers_and_databases(client: Any, make: Make) -> None:
    own = make(SelfManagedEventSource=brokers("kafka:1000"), Topics=["orders"], SourceAccessConfigurations=[SECRET])
    assert own["SelfManagedKafkaEventSourceConfig"] == {"ConsumerGroupId": own["UUID"]}
    assert (own["BatchSize"], own["StartingPosition"], own["Topics"]) == (100, "TRIM_HORIZON", ["orders"])
    assert own["SelfManagedEventSource"] == brokers("kafka:1000")
    named = make(
        EventSourceArn=CLUSTER,
        Topics=["orders"],
        StartingPosition="LATEST",
        AmazonManagedKafkaEventSourceConfig={"ConsumerGroupId": "readers"},
        ProvisionedPollerConfig={"MinimumPollers": 1, "MaximumPollers": 3},
    )
    assert named["AmazonManagedKafkaEventSourceConfig"] == {"ConsumerGroupId": "readers"}
    assert named["ProvisionedPollerConfig"] == {"MinimumPollers": 1, "MaximumPollers": 3}
    both = {"ScalingConfig": {"MaximumConcurrency": 5}, "ProvisionedPollerConfig": {"MinimumPollers": 2}}
    code, _, message = refused(make, EventSourceArn=queue(), **both)
    assert code == "InvalidParameterValueException"
    assert "mutually exclusive" in message
    broker = make(EventSourceArn=BROKER, Queues=["jobs"], SourceAccessConfigurations=[SECRET])
    assert (broker["Queues"], broker["SourceAccessConfigurations"]) == (["jobs"], [SECRET])
    documents = make(
        EventSourceArn=DOCUMENTS,
        StartingPosition="LATEST",
        SourceAccessConfigurations=[SECRET],
        DocumentDBEventSourceConfig={"DatabaseName": "shop"},
    )
    assert documents["DocumentDBEventSourceConfig"] == {"DatabaseName": "shop"}


@pytest.mark.parametrize(
    ("form", "suffix"),
    [
        ("{name}", ""),
        ("000000000000:function:{name}", ""),
        (ARN + "function:{name}", ""),
        ("000000000000:function:{name}:$LATEST", ":$LATEST"),
        (ARN + "function:{name}:1", ":1"),
        ("function:{name}:live", ":live"),
    ],
)
def test_names_of_functions(client: Any, function: str, make: Make, form: str, suffix: str) -> None:
    client.create_alias(FunctionName=function, Name="live", FunctionVersion="1")
    created = make(EventSourceArn=queue(), FunctionName=form.format(name=function))
    assert created["FunctionArn"] == f"{ARN}function:{function}{suffix}"


def test_lists(client: Any, function: str, make: Make) -> None:
    sources = [queue() for _ in range(3)]
    uuids = sorted(make(EventSourceArn=source)["UUID"] for source in sources)
    by_version = make(EventSourceArn=sources[0], FunctionName=f"{function}:1")["UUID"]
    pages = client.get_paginator("list_event_source_mappings").paginate(
        FunctionName=function, PaginationConfig={"PageSize": 2}
    )
    assert [[one["UUID"] for one in page["EventSourceMappings"]] for page in pages] == [uuids[:2], uuids[2:]]

    def listed(**wanted: str) -> list[str]:
        return [one["UUID"] for one in client.list_event_source_mappings(**wanted)["EventSourceMappings"]]

    assert listed(FunctionName=f"{function}:1") == [by_version]
    assert by_version in listed(EventSourceArn=sources[0])
    assert len(listed(EventSourceArn=sources[0])) == 2
    assert listed(EventSourceArn=queue()) == []


def test_the_same_source_twice(client: Any, function: str, make: Make) -> None:
    source = queue()
    first = make(EventSourceArn=source)["UUID"]
    assert refused(make, EventSourceArn=source) == (
        "ResourceConflictException",
        409,
        f'An event source mapping with SQS arn (" {source} ") and function (" {function} ") already exists. '
        f"Please update or delete the existing mapping with UUID {first}",
    )
    make(EventSourceArn=source, FunctionName=f"{function}:1")  # another function, as AWS sees it
    stream = make(EventSourceArn=STREAM, StartingPosition="LATEST")["UUID"]
    assert refused(make, EventSourceArn=STREAM, StartingPosition="LATEST") == (
        "ResourceConflictException",
        409,
        f'The event source arn (" {STREAM} ") and function (" {function} ") provided mapping already exists. '
        f"Please update or delete the existing mapping with UUID {stream}",
    )
    kafka = {"Topics": ["orders"], "SourceAccessConfigurations": [SECRET]}
    cluster = make(SelfManagedEventSource=brokers("kafka:1000"), **kafka)["UUID"]
    make(SelfManagedEventSource=brokers("kafka:1000"), **{**kafka, "Topics": ["others"]})
    assert refused(make, SelfManagedEventSource=brokers("kafka:1000", "kafka:2000"), **kafka) == (
        "ResourceConflictException",
        409,
        f'An event source mapping with event source ("kafka:1000,kafka:2000"), '
        f'function ("{ARN}function:{function}"), topics ("orders") already exists. '
        f"Please update or delete the existing mapping with UUID {cluster}",
    )


def of_kind(parameter: str) -> tuple[str, int, str]:
    return invalid(f"Unsupported {parameter} parameter for given event source mapping type.")


NO_POSITION = "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null."
WRONG_POSITION = (
    "Value 'invalid' at 'startingPosition' failed to satisfy constraint: "
    "Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]"
)
TOO_MUCH_AT_ONCE = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
PATTERN = "Invalid filter pattern definition."
ELSEWHERE = "Event source region must match Lambda region us-east-1."
OF_ANOTHER = "Role and event source must be in the same account as the cloud function."
AGE = "MaximumRecordAgeInSeconds must be either -1 (forever) or between 60 and 604800 (inclusive)"
NO_ACCESS = "Required 'sourceAccessConfigurations' parameter is missing."


@pytest.mark.parametrize(
    ("parameters", "refusal"),
    [
        ({}, invalid("Unrecognized event source.")),
        ({"EventSourceArn": "arn:aws:sns:us-east-1:000000000000:news"}, invalid("Unrecognized event source.")),
        ({"EventSourceArn": queue(), "FunctionName": "nobody"}, invalid("Function does not exist")),
        ({"EventSourceArn": queue(), "BisectBatchOnFunctionError": True}, of_kind("BisectBatchOnFunctionError")),
        ({"EventSourceArn": queue(), "BatchSize": 11}, invalid(TOO_MUCH_AT_ONCE)),
        (
            {"EventSourceArn": queue(fifo=True), "BatchSize": 11},
            violation(
                "Value '11' at 'batchSize' failed to satisfy constraint: Member must have value less than or equal to 10"
            ),
        ),
        (
            {"EventSourceArn": queue(fifo=True), "MaximumBatchingWindowInSeconds": 1},
            invalid("Batching window is not supported for FIFO queues"),
        ),
        ({"EventSourceArn": queue(), "FilterCriteria": {"Filters": [{"Pattern": "[]"}]}}, invalid(PATTERN)),
        ({"EventSourceArn": queue(), "FilterCriteria": {"Filters": [{}]}}, invalid(PATTERN)),
        ({"EventSourceArn": TABLE}, invalid(NO_POSITION)),
        ({"EventSourceArn": STREAM}, invalid(NO_POSITION)),
        ({"EventSourceArn": TABLE, "StartingPosition": "invalid"}, violation(WRONG_POSITION)),
        (
            {"EventSourceArn": TABLE, "StartingPosition": "AT_TIMESTAMP"},
            invalid(f"Unsupported starting position for arn type: {TABLE}"),
        ),
        (
            {
                "EventSourceArn": STREAM,
                "StartingPosition": "LATEST",
                "DestinationConfig": {"OnSuccess": {"Destination": queue()}},
            },
            of_kind("DestinationConfig"),
        ),
        ({"EventSourceArn": STREAM, "StartingPosition": "LATEST", "Queues": ["q"]}, of_kind("Queues")),
        (
            {
                "EventSourceArn": STREAM,
                "StartingPosition": "AT_TIMESTAMP",
                "StartingPositionTimestamp": datetime(2999, 1, 1, tzinfo=UTC),
            },
            invalid("StartingPositionTimestamp cannot be in the future."),
        ),
        (
            {"EventSourceArn": queue(), "ProvisionedPollerConfig": {"MinimumPollers": 1}},
            invalid("MinimumPollers must be between 2 and 10000 for this event source."),
        ),
        (
            {"EventSourceArn": queue(), "ProvisionedPollerConfig": {"PollerGroupName": "g"}},
            of_kind("PollerGroupName"),
        ),
        (
            {
                "EventSourceArn": CLUSTER,
                "Topics": ["orders"],
                "StartingPosition": "LATEST",
                "ProvisionedPollerConfig": {"MaximumPollers": 2001},
            },
            invalid("MaximumPollers must be between 1 and 2000 for this event source."),
        ),
        ({"SelfManagedEventSource": brokers("kafka:1000"), "Topics": ["orders"]}, invalid(NO_ACCESS)),
        ({"EventSourceArn": CLUSTER}, invalid(NO_POSITION)),
        ({"EventSourceArn": CLUSTER, "Topics": ["orders"]}, invalid(NO_POSITION)),
        ({"EventSourceArn": CLUSTER, "StartingPosition": "invalid"}, violation(WRONG_POSITION)),
        (
            {"EventSourceArn": CLUSTER, "StartingPosition": "LATEST"},
            invalid("Required 'topics' parameter is missing."),
        ),
        ({"EventSourceArn": BROKER}, invalid("Required 'queues' parameter is missing.")),
        ({"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:"}, invalid("Unrecognized event source.")),
        ({"EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/"}, invalid("Unrecognized event source.")),
        ({"EventSourceArn": TABLE.partition("/stream/")[0]}, invalid("Unrecognized event source.")),
        ({"EventSourceArn": queue().replace("us-east-1", "eu-west-1")}, invalid(ELSEWHERE)),
        (
            {"EventSourceArn": STREAM.replace("us-east-1", "eu-west-1"), "StartingPosition": "LATEST"},
            invalid(ELSEWHERE),
        ),
        ({"EventSourceArn": BROKER.replace("000000000000", "111111111111")}, invalid(OF_ANOTHER)),
        *(
            ({"EventSourceArn": STREAM, "StartingPosition": "LATEST", "MaximumRecordAgeInSeconds": age}, invalid(AGE))
            for age in (0, 59)
        ),
    ],
)
def test_what_is_refused(
    client: Any, function: str, make: Make, parameters: dict[str, Any], refusal: tuple[str, int, str]
) -> None:
    assert refused(make, **parameters) == refusal
    assert client.list_event_source_mappings(FunctionName=function)["EventSourceMappings"] == []


@pytest.mark.parametrize("source", [STREAM, TABLE, CLUSTER])
def test_destinations_that_are_refused(make: Make, source: str) -> None:
    """Standard queues, standard topics and buckets are told of records; nothing else is."""
    given = {
        "EventSourceArn": source,
        "StartingPosition": "LATEST",
        **({"Topics": ["orders"]} if source == CLUSTER else {}),
    }
    place = "us-east-1:000000000000"
    for target in (
        queue(fifo=True),
        f"arn:aws:sns:{place}:t.fifo",
        f"arn:aws:events:{place}:event-bus/b",
        f"{ARN}function:f",
    ):
        refusal = invalid(
            "The provided destination config DestinationConfig(onSuccess=null, "
            f"onFailure=OnFailure(destination={target})) is invalid."
        )
        assert refused(make, DestinationConfig={"OnFailure": {"Destination": target}}, **given) == refusal


def test_updates_that_are_refused(client: Any, make: Make) -> None:
    uuid = make(EventSourceArn=queue())["UUID"]
    update = client.update_event_source_mapping
    before = settled(client, uuid)
    assert refused(update, UUID=uuid, BatchSize=11) == invalid(TOO_MUCH_AT_ONCE)
    assert refused(update, UUID=uuid, ParallelizationFactor=2) == of_kind("ParallelizationFactor")
    assert refused(update, UUID=uuid, FunctionName="nobody") == invalid("Function does not exist")
    after = client.get_event_source_mapping(UUID=uuid)
    assert {**after, "ResponseMetadata": None} == {**before, "ResponseMetadata": None}


def test_an_update_makes_no_second_mapping_of_the_same(client: Any, function: str, make: Make) -> None:
    source = queue()
    first = make(EventSourceArn=source)["UUID"]
    make(EventSourceArn=source, FunctionName=f"{function}:1")
    refusal = refused(client.update_event_source_mapping, UUID=first, FunctionName=f"{function}:1")
    assert refusal[:2] == ("ResourceConflictException", 409)


def test_ages_and_sources_that_may_be(make: Make) -> None:
    another = {"EventSourceArn": STREAM.replace("000000000000", "111111111111"), "StartingPosition": "LATEST"}
    assert make(**another, MaximumRecordAgeInSeconds=60)["MaximumRecordAgeInSeconds"] == 60
    reader = {"EventSourceArn": f"{STREAM}/consumer/me:1", "StartingPosition": "LATEST"}
    assert make(**reader, MaximumRecordAgeInSeconds=-1)["MaximumRecordAgeInSeconds"] == -1


def test_topics_of_one_cluster_are_sources_of_their_own(make: Make) -> None:
    for topic in ("orders", "returns"):
        make(EventSourceArn=CLUSTER, Topics=[topic], StartingPosition="LATEST")
    refusal = refused(make, EventSourceArn=CLUSTER, Topics=["orders"], StartingPosition="LATEST")
    assert refusal[:2] == ("ResourceConflictException", 409)


def test_what_nobody_could_read_again_is_refused(make: Make) -> None:
    deep = '{"a":' * 600 + '["b"]' + "}" * 600
    assert refused(make, EventSourceArn=queue(), FilterCriteria={"Filters": [{"Pattern": deep}]}) == invalid(PATTERN)
    at = {
        "EventSourceArn": STREAM,
        "StartingPosition": "AT_TIMESTAMP",
        "StartingPositionTimestamp": "1969-01-01T00:00:00Z",
    }
    assert refused(make, **at)[:2] == ("SerializationException", 400)


def test_another_function_takes_over(client: Any, make: Make, create_function: Create) -> None:
    other = create_function()["FunctionName"]
    uuid = make(EventSourceArn=queue())["UUID"]
    assert client.update_event_source_mapping(UUID=uuid, FunctionName=other)["FunctionArn"].endswith(f":{other}")


def test_a_queue_that_is_not_there(client: Any, function: str, make: Make, server: Server) -> None:
    missing = invalid(
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
        "SQS Error Message: The specified queue does not exist."
    )
    assert refused(client.create_event_source_mapping, EventSourceArn=queue(), FunctionName=function) == missing
    source = queue()
    uuid = make(EventSourceArn=source, Enabled=False)["UUID"]
    settled(client, uuid)
    sqs = server.client("sqs")
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=source.rpartition(":")[2])["QueueUrl"])
    update = client.update_event_source_mapping
    assert refused(update, UUID=uuid, FunctionName=f"{function}:1") == missing
    assert update(UUID=uuid, BatchSize=5)["BatchSize"] == 5


def test_messages_stay_invisible_while_the_function_may_run(
    client: Any, make: Make, server: Server, create_function: Create
) -> None:
    """Of the version that is mapped; at each change of the function."""
    slow = create_function(Timeout=31, Publish=True)["FunctionName"]
    client.get_waiter("function_active_v2").wait(FunctionName=slow, WaiterConfig=PROMPT)
    client.update_function_configuration(FunctionName=slow, Timeout=30)
    client.get_waiter("function_updated_v2").wait(FunctionName=slow, WaiterConfig=PROMPT)
    client.create_alias(FunctionName=slow, Name="live", FunctionVersion="1")
    source = queue()
    shorter = invalid("Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds")
    assert refused(make, EventSourceArn=source, FunctionName=f"{slow}:1") == shorter
    assert refused(make, EventSourceArn=source, FunctionName=f"{slow}:live") == shorter
    uuid = make(EventSourceArn=source, FunctionName=slow)["UUID"]
    settled(client, uuid)
    update = client.update_event_source_mapping
    assert refused(update, UUID=uuid, FunctionName=f"{slow}:live") == shorter
    sqs = server.client("sqs")
    url = sqs.get_queue_url(QueueName=source.rpartition(":")[2])["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "31"})
    assert update(UUID=uuid, FunctionName=f"{slow}:live")["FunctionArn"].endswith(":live")


def test_tags(client: Any, make: Make) -> None:
    arn = make(EventSourceArn=queue(), Tags={"team": "orders"})["EventSourceMappingArn"]
    client.tag_resource(Resource=arn, Tags={"stage": "test"})
    client.untag_resource(Resource=arn, TagKeys=["team"])
    assert client.list_tags(Resource=arn)["Tags"] == {"stage": "test"}
    unknown = f"{ARN}event-source-mapping:00000000-0000-4000-8000-000000000000"
    assert refused(client.list_tags, Resource=unknown) == MISSING
    assert refused(client.tag_resource, Resource=unknown, Tags={"a": "b"}) == MISSING
    too_many = {f"k{number}": "" for number in range(50)}
    assert refused(client.tag_resource, Resource=arn, Tags=too_many)[0] == "InvalidParameterValueException"
