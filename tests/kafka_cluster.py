"""A Kafka cluster for tests: librdkafka's own, which speaks the real protocol on real sockets."""

from typing import Any

from confluent_kafka import Producer

_LIMIT = 30.0


class KafkaCluster:
    """Ends with the object."""

    def __init__(self) -> None:
        self._producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
        brokers = self._producer.list_topics(timeout=_LIMIT).brokers.values()
        self.servers = [f"{broker.host}:{broker.port}" for broker in brokers]

    def topic(self, name: str) -> str:
        """A new one; it has four partitions."""
        self._producer.list_topics(name, timeout=_LIMIT)
        return name

    def send(self, topic: str, *values: bytes | str, key: bytes | None = None, partition: int = 0, **more: Any) -> None:
        for value in values:
            self._producer.produce(topic, value=value, key=key, partition=partition, **more)
        assert self._producer.flush(_LIMIT) == 0
