"""Which poller a mapping needs, by the kind of its source."""

from collections.abc import Mapping
from typing import Protocol

from lambdad.aws.json_client import JsonClient
from lambdad.clock import Clock
from lambdad.event_source_mappings.invocations import Invocations
from lambdad.event_source_mappings.kafka_poller import KafkaPoller
from lambdad.event_source_mappings.rabbitmq_poller import RabbitMqPoller
from lambdad.event_source_mappings.sqs_poller import SqsPoller
from lambdad.resources.event_source_mapping import EventSourceMapping
from lambdad.resources.event_sources import MANAGED_KAFKA, MQ, SELF_MANAGED_KAFKA, SQS, SQS_FIFO, kind_of


class Poller(Protocol):
    async def run(self) -> None:
        """Until it is cancelled."""

    async def drain(self) -> None:
        """What has begun comes to its end."""


class Pollers:
    def __init__(self, client: JsonClient, invocations: Invocations, clock: Clock, brokers: Mapping[str, str]) -> None:
        """`brokers`: the address of clusters and brokers, by ARN."""
        self._client = client
        self._invocations = invocations
        self._clock = clock
        self._brokers = brokers

    def of(self, mapping: EventSourceMapping) -> Poller | None:
        """None: nothing polls this kind of source."""
        parts = (mapping, self._client, self._invocations, self._clock)
        kind = kind_of(mapping.settings)
        if kind in (SQS, SQS_FIFO):
            return SqsPoller(*parts)
        if kind is SELF_MANAGED_KAFKA:
            return KafkaPoller(*parts, mapping.sources)
        address = self._brokers.get(mapping.sources[0])
        if kind is MANAGED_KAFKA:
            return KafkaPoller(*parts, address.split(";") if address else ())
        if kind is MQ:
            return RabbitMqPoller(*parts, address)
        return None
