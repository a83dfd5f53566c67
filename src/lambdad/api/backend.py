"""What an operation is given beside its request: the rooms below."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable

    from lambdad.clock import Clock
    from lambdad.config import Config
    from lambdad.environments.provisioned import Provision
    from lambdad.invocation.asynchronous import Asynchronous
    from lambdad.invocation.concurrency import Concurrency
    from lambdad.invocation.invoke import Invoker
    from lambdad.observability.metrics import Metrics
    from lambdad.resources.event_sources import SourceFacts
    from lambdad.resources.function import FunctionKey
    from lambdad.store.code_packages import CodePackages
    from lambdad.store.code_signing_configs import CodeSigningConfigs
    from lambdad.store.event_source_mappings import EventSourceMappings
    from lambdad.store.functions import Functions
    from lambdad.store.layers import Layers


class Fetch(Protocol):
    """An S3 object's bytes: (account, region, bucket, key, version, the most it may have)."""

    async def __call__(
        self, account: str, region: str, bucket: str, key: str, version: str | None, most: int, /
    ) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Backend:
    """The rooms that operations call into; made once by `server/server.py`."""

    config: "Config"
    clock: "Clock"
    functions: "Functions"
    layers: "Layers"
    event_source_mappings: "EventSourceMappings"
    code_signing_configs: "CodeSigningConfigs"
    code: "CodePackages"
    invoker: "Invoker"
    concurrency: "Concurrency"
    metrics: "Metrics"
    provision_of: "Callable[[FunctionKey, str], Provision]"
    """How far the provisioned concurrency of a version has come."""
    asynchronous: "Asynchronous"
    fetch_code: Fetch
    link_key: bytes
    """What Code.Location links are signed with."""
    localhost_names: "Callable[[], bool]"
    """Do names under `localhost` resolve on this host?"""
    look_at_source: "Callable[[str, str], Awaitable[SourceFacts]]"
    """What there is of this event source (an ARN), as this account sees it."""
    deciding: "asyncio.Lock"
    """Held while a change is decided and committed that other records have a say in: what is left of the account's
    concurrency, whether a code signing configuration is used."""
