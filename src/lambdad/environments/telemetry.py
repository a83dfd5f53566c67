"""The telemetry of one environment with extensions: what happens and what is printed, to those who subscribed.

AWS: docs.aws.amazon.com/lambda/latest/dg/telemetry-api.html. While the environment is initialised everything is kept (up to a
limit), so that who subscribes then misses nothing; after that there are no more subscriptions.
"""

import asyncio

from lambdad.clock import Clock
from lambdad.environments import telemetry_events
from lambdad.environments.extension import Refusal
from lambdad.environments.telemetry_buffer import TelemetryBuffer
from lambdad.environments.telemetry_delivery import Connect, delivery_to
from lambdad.environments.telemetry_events import EXTENSION, FUNCTION, TelemetryEvent
from lambdad.environments.telemetry_subscription import InvalidSubscription, Subscription

_MOST_KEPT = 1000
_MOST_KEPT_BYTES = 256 * 1024
CLOSED = {
    "telemetry": Refusal("Telemetry.SubscriptionClosed", "Telemetry API subscription is closed already"),
    "logs": Refusal("Logs.SubscriptionClosed", "Logs API subscription is closed already"),
}


class Telemetry:
    __slots__ = ("_buffers", "_clock", "_connect", "_json_lines", "_kept", "_kept_bytes")

    def __init__(self, json_lines: bool, connect: Connect, clock: Clock) -> None:
        """`json_lines`: the function logs in JSON."""
        self._json_lines = json_lines
        self._connect = connect
        self._clock = clock
        self._buffers: dict[str, TelemetryBuffer] = {}
        self._kept: list[TelemetryEvent] | None = []
        """None: initialisation is over."""
        self._kept_bytes = 0

    @property
    def open(self) -> bool:
        return self._kept is not None

    @property
    def wanted(self) -> bool:
        return bool(self._buffers)

    def subscribe(self, name: str, subscription: Subscription) -> None:
        """By an extension of that name; again: instead of its former one. Raises InvalidSubscription."""
        former = self._buffers.get(name)
        if former is not None and former.subscription.api != subscription.api:
            raise InvalidSubscription(f"the extension has subscribed by the {former.subscription.api} API already")
        if former is not None:
            former.close()

        def name_drops(records: int, size: int, reason: str) -> bytes | None:
            event = telemetry_events.logs_dropped(self._clock.now(), records, size, reason)
            return event.written_for(subscription, self._json_lines) if "platform" in subscription.types else None

        buffer = TelemetryBuffer(subscription, delivery_to(subscription.destination, self._connect), name_drops)
        self._buffers[name] = buffer
        for event in self._kept or ():
            self._offer(buffer, event)
        self.tell(telemetry_events.subscribed(self._clock.now(), name, subscription))

    def tell(self, event: TelemetryEvent) -> None:
        if self._kept is not None and len(self._kept) < _MOST_KEPT and self._kept_bytes < _MOST_KEPT_BYTES:
            self._kept.append(event)
        for buffer in self._buffers.values():
            self._offer(buffer, event)

    def _offer(self, buffer: TelemetryBuffer, event: TelemetryEvent) -> None:
        if event.category in buffer.subscription.types:
            written = event.written_for(buffer.subscription, self._json_lines)
            if written is not None:
                buffer.offer(written)

    def function_printed(self, message: bytes) -> None:
        self._printed(FUNCTION, message)

    def extension_printed(self, message: bytes) -> None:
        self._printed(EXTENSION, message)

    def _printed(self, category: str, message: bytes) -> None:
        """A flood is dropped before it costs anything."""
        takers = False
        for buffer in self._buffers.values():
            if category in buffer.subscription.types:
                if buffer.full:
                    buffer.drop(len(message))
                else:
                    takers = True
        if self._kept is not None:
            self._kept_bytes += len(message)
        if takers or self._kept is not None:
            self.tell(telemetry_events.printed(category, message, self._clock.now()))

    def init_over(self) -> None:
        self._kept = None

    def rest(self) -> bool:
        """Begin nothing. False: something is still on its way."""
        for buffer in self._buffers.values():
            buffer.pause()
        return not any(buffer.sending for buffer in self._buffers.values())

    def resume(self) -> None:
        for buffer in self._buffers.values():
            buffer.resume()

    async def flush(self) -> None:
        self.resume()
        await asyncio.gather(*(buffer.flush() for buffer in self._buffers.values()))

    def close(self) -> None:
        self._kept = None
        for buffer in self._buffers.values():
            buffer.close()
