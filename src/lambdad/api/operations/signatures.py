"""Whether packages may be deployed to a function that has a code signing configuration.

AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html. A package that is not what was signed is always
refused; one without an allowed signature, or whose signature has expired, as the configuration's policy says.

Looking into a package takes time, in which configurations change and are put on functions: a `Deployment` looks once, and
decides by the configuration of the moment, again in the very change that commits.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lambdad.api.backend import Backend
from lambdad.aws.signer.package import is_signed
from lambdad.errors import (
    CodeSigningConfigNotFoundException,
    CodeVerificationFailedException,
    InvalidCodeSignatureException,
)
from lambdad.resources.code_signing import CodeSigningConfig, find_code_signing_config
from lambdad.resources.function import FunctionKey
from lambdad.resources.layer import LayerReference
from lambdad.store.code_packages import hex_of

if TYPE_CHECKING:
    from lambdad.aws.signer.verification import Signature

log = logging.getLogger(__name__)

T = TypeVar("T")


def config_of(backend: Backend, account: str, region: str, arn: str) -> CodeSigningConfig:
    """Raises CodeSigningConfigNotFoundException."""
    key = find_code_signing_config(arn)
    config = backend.code_signing_configs.get(key) if key is not None else None
    if config is None or (config.key.account, config.key.region) != (account, region):
        raise CodeSigningConfigNotFoundException.of(arn)
    return config


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is to be said of a package, whatever configuration it meets."""

    signature: "Signature | None"
    changed: str | None = None
    """Why it is not what was signed."""
    objection: str | None = None
    """Why nobody may rely on its signature."""


class NotInspected(Exception):
    """There is a configuration by now, and there was none when a look could be taken."""


class Deployment:
    """What one request brings to a function: its code, and layers; either may be missing."""

    def __init__(self, backend: Backend, key: FunctionKey, content: bytes | None = None) -> None:
        self._backend = backend
        self._key = key
        self._content = content
        self._inspections: dict[str, Inspection] = {}
        """By the ARN of the function or layer version."""
        self._let_in = False
        """By the last judgement something comes in that a stricter policy would refuse."""

    async def check(self, config_arn: str | None, layers: Iterable[LayerReference] = ()) -> dict[str, Any]:
        """As `judge`, after a look. Raises InvalidParameterValueException for a zip that is none."""
        if config_arn is not None:
            await self._inspect(layers)
        return self.judge(config_arn, layers)

    async def _inspect(self, layers: Iterable[LayerReference]) -> None:
        if self._content is not None:
            await self._backend.code.inspect(self._content)
            self._inspections[self._key.arn] = await asyncio.to_thread(_inspect, self._backend, self._content)
        for layer in layers:
            path = self._backend.code.zip_path(hex_of(layer.code_sha256))
            content = await asyncio.to_thread(Path(path).read_bytes)
            self._inspections[layer.arn] = await asyncio.to_thread(_inspect, self._backend, content)

    def judge(self, config_arn: str | None, layers: Iterable[LayerReference] = ()) -> dict[str, Any]:
        """The FunctionVersion fields that the code's signature sets, if there is code.

        Raises CodeVerificationFailedException, InvalidCodeSignatureException, NotInspected."""
        signature = None
        self._let_in = False
        if config_arn is not None:
            config = config_of(self._backend, self._key.account, self._key.region, config_arn)
            own = [self._key.arn] if self._content is not None else []
            judged = [self._judge(config, arn) for arn in (*own, *(layer.arn for layer in layers))]
            signature = judged[0] if own else None
        if self._content is None:
            return {}
        return {
            "signing_profile_version_arn": signature.profile_version_arn if signature is not None else None,
            "signing_job_arn": signature.job_arn if signature is not None else None,
        }

    def _judge(self, config: CodeSigningConfig, deployed: str) -> "Signature | None":
        """Its signature, if it is one that the configuration allows; None when it is let in all the same."""
        inspection = self._inspections.get(deployed)
        if inspection is None:
            raise NotInspected(deployed)
        if inspection.changed is not None:
            log.warning("refused a package for %s: %s", deployed, inspection.changed)
            raise InvalidCodeSignatureException.integrity()
        objection = _objection(config, inspection)
        if objection is None:
            return inspection.signature
        log.warning("a package for %s does not satisfy %s (%s): %s", deployed, config.key.arn, config.policy, objection)
        if config.policy == "Enforce":
            raise CodeVerificationFailedException.of(deployed)
        self._let_in = True
        return None

    async def commit(self, change: Callable[[], Awaitable[T]], layers: Iterable[LayerReference] = ()) -> T:
        """`change`, which judges; once more after a look, if the function has got a configuration meanwhile. Then it is deployed,
        and counted if it should not have been."""
        try:
            changed = await change()
        except NotInspected:
            await self._inspect(layers)
            changed = await change()
        if self._let_in:
            self._backend.metrics.count("signature_validation_errors", self._key, None)
        return changed


def _objection(config: CodeSigningConfig, inspection: Inspection) -> str | None:
    if inspection.signature is None:
        return "it is not signed"
    if inspection.signature.profile_version_arn not in config.publishers:
        return f"{inspection.signature.profile_version_arn} is not an allowed publisher"
    return inspection.objection


def _inspect(backend: Backend, content: bytes) -> Inspection:
    # The libraries behind it take as long to import as the server to start.
    from lambdad.aws.signer.profiles import load_trust
    from lambdad.aws.signer.verification import Tampered, is_trusted, read_signature

    try:
        signature = read_signature(content)
    except Tampered as error:
        return Inspection(None, changed=str(error))
    if signature is None:
        return Inspection(None)
    trust = load_trust(backend.config.data_dir)
    if not is_trusted(signature, trust.of_profiles, trust.roots):
        return Inspection(signature, objection="its signer's certificate is not trusted")
    if signature.expires <= datetime.fromtimestamp(backend.clock.now(), UTC):
        return Inspection(signature, objection="its signature has expired")
    return Inspection(signature)


async def signature_of(backend: Backend, content: bytes) -> "Signature | None":
    """The one that a layer's package has, if it can be relied on."""
    if not await asyncio.to_thread(is_signed, content):
        return None
    inspection = await asyncio.to_thread(_inspect, backend, content)
    return inspection.signature if inspection.changed is None and inspection.objection is None else None
