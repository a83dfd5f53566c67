"""Whether a package may be deployed to a function that has a code signing configuration.

AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html. A package that is not what was signed is always
refused; one without an allowed signature, or whose signature has expired, as the configuration's policy says.
"""

import asyncio
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambdad.api.context import Backend
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


def config_of(backend: Backend, account: str, region: str, arn: str) -> CodeSigningConfig:
    """Raises CodeSigningConfigNotFoundException."""
    key = find_code_signing_config(arn)
    config = backend.code_signing_configs.get(key) if key is not None else None
    if config is None or (config.key.account, config.key.region) != (account, region):
        raise CodeSigningConfigNotFoundException.of(arn)
    return config


async def check_code(backend: Backend, key: FunctionKey, config_arn: str | None, content: bytes) -> dict[str, Any]:
    """The FunctionVersion fields that a package's signature sets. Raises CodeVerificationFailedException,
    InvalidCodeSignatureException."""
    unsigned = {"signing_profile_version_arn": None, "signing_job_arn": None}
    if config_arn is None:
        return unsigned
    config = config_of(backend, key.account, key.region, config_arn)
    signature = await asyncio.to_thread(_judge, backend, config, key.arn, content)
    if signature is None:
        return unsigned
    return {"signing_profile_version_arn": signature.profile_version_arn, "signing_job_arn": signature.job_arn}


async def check_layers(
    backend: Backend, key: FunctionKey, config_arn: str | None, layers: Iterable[LayerReference]
) -> None:
    """As `check_code`, for layers that a function is given."""
    if config_arn is None:
        return
    config = config_of(backend, key.account, key.region, config_arn)
    for layer in layers:
        path = backend.code.zip_path(hex_of(layer.code_sha256))
        content = await asyncio.to_thread(Path(path).read_bytes)
        await asyncio.to_thread(_judge, backend, config, layer.arn, content)


def _judge(backend: Backend, config: CodeSigningConfig, deployed: str, content: bytes) -> "Signature | None":
    """Its signature, if it is one that the configuration allows; None when it is let in all the same."""
    # The libraries behind it take as long to import as the server to start.
    from lambdad.aws.signer.verification import Tampered, read_signature

    try:
        signature = read_signature(content)
    except Tampered as error:
        log.warning("refused a package for %s: %s", deployed, error)
        raise InvalidCodeSignatureException.integrity() from error
    objection = _objection(backend, config, signature)
    if objection is None:
        return signature
    log.warning("a package for %s does not satisfy %s (%s): %s", deployed, config.key.arn, config.policy, objection)
    if config.policy == "Enforce":
        raise CodeVerificationFailedException.of(deployed)
    return None


def _objection(backend: Backend, config: CodeSigningConfig, signature: "Signature | None") -> str | None:
    from lambdad.aws.signer.profiles import load_trust
    from lambdad.aws.signer.verification import is_trusted

    if signature is None:
        return "it is not signed"
    if signature.profile_version_arn not in config.publishers:
        return f"{signature.profile_version_arn} is not an allowed publisher"
    trust = load_trust(backend.config.data_dir)
    if not is_trusted(signature, trust.of_profiles, trust.roots):
        return "its signer's certificate is not trusted"
    if signature.expires <= datetime.fromtimestamp(backend.clock.now(), UTC):
        return "its signature has expired"
    return None
