"""Which poller a mapping needs, by the kind of its source."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Protocol

from lambdad.aws.json_client import DYNAMODB_STREAMS, KINESIS, Api, JsonClient
from lambdad.aws.stream_news import StreamNews
from lambdad.clock import Clock
from lambdad.event_source_mappings.batch_attempts import Ending
from lambdad.event_source_mappings.dynamodb_streams import DynamoDbStream
from lambdad.event_source_mappings.event_counts import EventCounts
from lambdad.event_source_mappings.filters import Filters
from lambdad.event_source_mappings.invocations import Invocations
from lambdad.event_source_mappings.kafka_poller import KafkaPoller
from lambdad.event_source_mappings.keeping import Keeping, Stores
from lambdad.event_source_mappings.kinesis import KinesisStream
from lambdad.event_source_mappings.rabbitmq_poller import RabbitMqPoller
from lambdad.event_source_mappings.results import Results
from lambdad.event_source_mappings.shard_place import Store
from lambdad.event_source_mappings.shard_work import Consumer
from lambdad.event_source_mappings.source_check import SourceCheck
from lambdad.event_source_mappings.sqs_poller import SqsPoller
from lambdad.event_source_mappings.stream_client import StreamClient
from lambdad.event_source_mappings.stream_poller import StreamPoller
from lambdad.event_source_mappings.stream_record import StreamSource
from lambdad.event_source_mappings.stream_settings import StreamSettings
from lambdad.observability.lambda_metrics import LambdaMetrics
from lambdad.resources import event_sources
from lambdad.resources.event_source_mapping import EventSourceMapping
from lambdad.resources.event_sources import kind_of

_STREAMS_AT_ONCE = 32
"""Requests to streams that may be under way."""


class Poller(Protocol):
    async def run(self) -> None:
        """Until it is cancelled."""

    async def drain(self) -> None:
        """What has begun comes to its end."""


class Pollers:
    def __init__(
        self,
        client: JsonClient,
        invocations: Invocations,
        clock: Clock,
        brokers: Mapping[str, str],
        stores: Stores,
        news: StreamNews,
        metrics: LambdaMetrics,
    ) -> None:
        """`brokers`: the address of clusters and brokers, by ARN."""
        self._client = client
        self._invocations = invocations
        self._clock = clock
        self._brokers = brokers
        self._stores = stores
        self._news = news
        self._metrics = metrics
        self.look_at_source = SourceCheck(client).look_at
        self._at_once = asyncio.Semaphore(_STREAMS_AT_ONCE)

    def of(self, mapping: EventSourceMapping) -> Poller | None:
        """None: nothing polls this kind of source."""
        parts = (mapping, self._client, self._invocations, self._clock)
        kind = kind_of(mapping.settings)
        if kind in (event_sources.SQS, event_sources.SQS_FIFO):
            return SqsPoller(*parts, self._counts(mapping))
        if kind is event_sources.SELF_MANAGED_KAFKA:
            return KafkaPoller(*parts, self._counts(mapping), self._keeping(mapping), mapping.sources)
        if kind is event_sources.KINESIS:
            return self._of_stream(mapping, self._kinesis(mapping))
        if kind is event_sources.DYNAMODB:
            return self._of_stream(mapping, self._dynamodb(mapping))
        address = self._brokers.get(mapping.sources[0])
        if kind is event_sources.MANAGED_KAFKA:
            return KafkaPoller(
                *parts, self._counts(mapping), self._keeping(mapping), address.split(";") if address else ()
            )
        if kind is event_sources.MQ:
            return RabbitMqPoller(*parts, address)
        return None

    def _keeping(self, mapping: EventSourceMapping) -> Keeping:
        return Keeping(Results(mapping, self._stores.mappings), self._stores.deliveries, self._stores.wake)

    def _counts(self, mapping: EventSourceMapping) -> EventCounts:
        return EventCounts(mapping, self._metrics)

    # --- Streams ------------------------------------------------------------------------------------------------------

    def _kinesis(self, mapping: EventSourceMapping) -> KinesisStream:
        role = partial(self._invocations.role_of, mapping)
        return KinesisStream(mapping.sources[0], self._asking(KINESIS, mapping), _filters_of(mapping), role)

    def _dynamodb(self, mapping: EventSourceMapping) -> DynamoDbStream:
        return DynamoDbStream(mapping.sources[0], self._asking(DYNAMODB_STREAMS, mapping), _filters_of(mapping))

    def _asking(self, api: Api, mapping: EventSourceMapping) -> StreamClient:
        return StreamClient(self._client, api, mapping.key, self._at_once)

    def _of_stream(self, mapping: EventSourceMapping, source: StreamSource) -> StreamPoller:
        consumer = Consumer(
            mapping,
            StreamSettings.of(mapping.settings),
            source,
            self._invocations,
            Results(mapping, self._stores.mappings),
            Ending(),
            self._clock,
            self._counts(mapping),
        )
        store = Store(self._stores.checkpoints, self._stores.wake, self._invocations.logged)
        return StreamPoller(consumer, store, self._news)


def _filters_of(mapping: EventSourceMapping) -> Filters:
    return Filters.of(mapping.settings.get("FilterCriteria"))
