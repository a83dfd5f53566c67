"""Who waits for news of a stream that this server has itself: nobody need ask again and again whether there is any."""

import asyncio


class StreamNews:
    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def subscribe(self, source: str) -> asyncio.Event:
        """Set whenever that stream (an ARN) was written. Whoever looks clears it before."""
        event = asyncio.Event()
        self._waiting.setdefault(source, set()).add(event)
        return event

    def unsubscribe(self, source: str, event: asyncio.Event) -> None:
        waiting = self._waiting[source]
        waiting.discard(event)
        if not waiting:
            del self._waiting[source]

    def written(self, source: str) -> None:
        """`source`: empty if any of them may have been."""
        for name in (source,) if source else tuple(self._waiting):
            for event in self._waiting.get(name, ()):
                event.set()
