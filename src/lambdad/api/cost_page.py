"""`/_lambdad/cost`: what `lambdad cost` shows, as one JSON document. `month` is `2026-01` (UTC; this one, if it is not given),
`function` the name of one.

It has everything that has ended by the time of the request: what is only counted in memory is written down first.
"""

import asyncio
import logging
import re
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import orjson

from lambdad.aws import sigv4
from lambdad.clock import Clock
from lambdad.http.exchange import Exchange
from lambdad.observability.cost import cost_of
from lambdad.observability.metering import Metering
from lambdad.store.database import WRITE_FAILED
from lambdad.store.usage import Usage

log = logging.getLogger(__name__)

_JSON = ((b"Content-Type", b"application/json"),)
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class CostPage:
    def __init__(self, metering: Metering, usage: Usage, clock: Clock, region: str) -> None:
        self._metering = metering
        self._usage = usage
        self._clock = clock
        self._region = region
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, exchange: Exchange) -> None:
        query = parse_qs(urlsplit(exchange.target.decode("latin-1")).query)
        scope = sigv4.scope_of(sigv4.credential_of(exchange.headers, ""), self._region)
        month = query.get("month", [f"{datetime.fromtimestamp(self._clock.now(), UTC):%Y-%m}"])[0]
        if _MONTH.fullmatch(month) is None:
            exchange.respond(400, _JSON, orjson.dumps({"message": f"A month is written like 2026-01, not {month!r}."}))
            return
        work = self._send(exchange, scope.account, scope.region, month, query.get("function", [None])[0])
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, exchange: Exchange, account: str, region: str, month: str, function: str | None) -> None:
        await self._metering.flush()
        try:
            use = await self._usage.month(account, region, month)
        except WRITE_FAILED as error:
            log.error("what was used cannot be read: %r", error)
            exchange.respond(500, _JSON, orjson.dumps({"message": "What was used cannot be read: the log says why."}))
            return
        document = await asyncio.to_thread(cost_of, use, function)
        body = orjson.dumps({"month": month, "account": account, "region": region, **document})
        exchange.respond(200, _JSON, body)

    async def finished(self) -> None:
        """Every request under way is answered."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))
