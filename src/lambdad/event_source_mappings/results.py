"""LastProcessingResult: what a mapping's last batch came to, kept when it is another than before."""

import asyncio
import logging
from dataclasses import replace
from functools import partial
from typing import Any, Final

from lambdad.resources.event_source_mapping import EventSourceMapping
from lambdad.store.database import WRITE_FAILED
from lambdad.store.event_source_mappings import EventSourceMappings

log = logging.getLogger(__name__)

OK: Final = "OK"
FAILED: Final = "PROBLEM: Function call failed"


class Results:
    def __init__(self, mapping: EventSourceMapping, mappings: EventSourceMappings) -> None:
        self._key = mapping.key
        self._mappings = mappings
        self._kept: Any = mapping.settings.get("LastProcessingResult")
        self._wished = self._kept
        self._task: asyncio.Task[None] | None = None

    def set(self, result: str) -> None:
        self._wished = result
        if self._task is None and result != self._kept:
            self._task = asyncio.get_running_loop().create_task(self._keep())

    async def _keep(self) -> None:
        while self._wished != self._kept:
            result = self._wished
            try:
                await self._mappings.apply(self._key, partial(_with, str(result)))
            except WRITE_FAILED as error:
                log.error("the result of %s could not be kept: %r", self._key.name, error)
                break
            self._kept = result
        self._task = None

    async def kept(self) -> None:
        if self._task is not None:
            await asyncio.wait([self._task])


def _with(result: str, mapping: EventSourceMapping | None) -> EventSourceMapping | None:
    if mapping is None:
        return None
    return replace(mapping, settings={**mapping.settings, "LastProcessingResult": result})
