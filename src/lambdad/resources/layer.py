"""Layers, their versions and who may use them, as records.

AWS: docs.aws.amazon.com/lambda/latest/api/API_GetLayerVersion.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lambdad.resources.policy import Policy


@dataclass(frozen=True, slots=True)
class LayerKey:
    """Whose layer, where, and its name: unique."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """Without a version."""
        return f"arn:aws:lambda:{self.region}:{self.account}:layer:{self.name}"


@dataclass(frozen=True, slots=True)
class LayerReference:
    """What a function version keeps of a layer version that it uses, which may be deleted meanwhile."""

    arn: str
    """With the version."""
    code_sha256: str
    """Base64."""
    code_size: int
    """Bytes of the zip."""
    signing_profile_version_arn: str | None = None
    """Who signed it, if that can be relied on."""
    signing_job_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVersion:
    """Immutable but for its policy."""

    key: LayerKey
    version: int
    description: str
    license_info: str | None
    compatible_runtimes: tuple[str, ...] | None
    """None: none were given."""
    compatible_architectures: tuple[str, ...] | None
    code_sha256: str
    """Base64."""
    code_size: int
    """Bytes of the zip."""
    created: str
    policy: Policy | None = None
    signing_profile_version_arn: str | None = None
    """Who signed it, if that can be relied on."""
    signing_job_arn: str | None = None

    @property
    def arn(self) -> str:
        return f"{self.key.arn}:{self.version}"

    @property
    def reference(self) -> LayerReference:
        signed_by = (self.signing_profile_version_arn, self.signing_job_arn)
        return LayerReference(self.arn, self.code_sha256, self.code_size, *signed_by)

    def suits(self, runtime: str | None, architecture: str | None) -> bool:
        """Does it name them as compatible? None: any will do."""
        return (runtime is None or runtime in (self.compatible_runtimes or ())) and (
            architecture is None or architecture in (self.compatible_architectures or ())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    key: LayerKey
    last_version: int = 0
    """The highest number ever given; numbers are never used again."""
    versions: Mapping[int, LayerVersion] = field(default_factory=dict)
    """In order; maybe none is left."""

    @property
    def next_version(self) -> int:
        return self.last_version + 1


def with_layer_version(layer: Layer, version: LayerVersion) -> Layer:
    versions = {**layer.versions, version.version: version}
    return replace(layer, versions=versions, last_version=max(layer.last_version, version.version))


def without_layer_version(layer: Layer, number: int) -> Layer:
    return replace(layer, versions={n: version for n, version in layer.versions.items() if n != number})
