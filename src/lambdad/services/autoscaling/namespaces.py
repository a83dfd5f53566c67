"""Whose request it is: Lambda's targets are scaled here, those of other services go on to the companion."""

from collections.abc import Callable

import orjson

from lambdad.errors import ServiceError
from lambdad.http.exchange import Exchange
from lambdad.protocols.context import Context
from lambdad.resources.scalable_target import NAMESPACE
from lambdad.services.autoscaling.backend import Backend
from lambdad.services.companion.companion import Companion
from lambdad.services.service import Service


class Namespaces:
    """What the front door hands requests to."""

    def __init__(self, own: Service[Backend], has: Callable[[str], bool]) -> None:
        """`has`: is an ARN that of a target here?"""
        self._own = own
        self._has = has
        self.others: Companion | None = None

    def handle(self, exchange: Exchange, context: Context) -> None:
        if self.others is not None and not self._is_ours(exchange.body):
            self.others.handle(exchange, context)
        else:
            self._own.handle(exchange, context)

    def refuse(self, exchange: Exchange, error: ServiceError) -> None:
        self._own.refuse(exchange, error)

    def _is_ours(self, body: bytes) -> bool:
        """What names nobody is refused here."""
        try:
            members = orjson.loads(body or b"{}")
        except orjson.JSONDecodeError:
            return True
        if not isinstance(members, dict):
            return True
        arn = members.get("ResourceARN")
        if isinstance(arn, str):
            return self._has(arn)
        return bool(members.get("ServiceNamespace", NAMESPACE) == NAMESPACE)

    async def close(self) -> None:
        await self._own.close()
