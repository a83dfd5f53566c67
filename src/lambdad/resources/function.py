"""A function and its versions, as records. AWS: docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from lambdad.errors import PreconditionFailedException, ResourceConflictException, ResourceNotFoundException
from lambdad.resources.alias import Alias
from lambdad.resources.function_settings import (
    EventInvokeConfig,
    FunctionUrl,
    ProvisionedConcurrency,
    RuntimeManagement,
    Scaling,
)
from lambdad.resources.layer import LayerReference
from lambdad.resources.policy import Statements

LATEST = "$LATEST"


class FunctionKey(NamedTuple):
    """Whose function, where, and its name: unique. A tuple, as each invocation looks up a dozen things by it."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """Unqualified."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionVersion:
    """One version of a function: `$LATEST`, or a number and then immutable but for its state.

    `settings` holds the members of FunctionConfiguration that few decisions read (VpcConfig, TracingConfig, …) just as
    they are answered.
    """

    key: FunctionKey
    version: str
    runtime: str | None
    handler: str | None
    role: str
    description: str
    timeout: int
    """Seconds."""
    memory_size: int
    """MB."""
    ephemeral_storage: int
    """MB of /tmp."""
    environment: Mapping[str, str]
    architectures: tuple[str, ...]
    layers: tuple[LayerReference, ...]
    """In the order given."""
    package_type: str
    code_sha256: str
    """Base64, as answered; the code package's content address is its hex form (`code_packages.py`). An image's digest, in hex."""
    code_size: int
    """Bytes of the zip."""
    last_modified: str
    revision_id: str
    state: str
    """Pending | Active | Inactive | Failed."""
    state_reason: str | None = None
    state_reason_code: str | None = None
    last_update_status: str | None = None
    """Successful | InProgress | Failed; None while the function is first created."""
    last_update_status_reason: str | None = None
    last_update_status_reason_code: str | None = None
    has_environment: bool = False
    """Variables were once given (maybe none of them): only then is Environment answered."""
    signing_profile_version_arn: str | None = None
    """Who signed the package, if that was checked."""
    signing_job_arn: str | None = None
    image_uri: str | None = None
    """As given: of a function whose package type is Image."""
    log_format: str = "Text"
    application_log_level: str | None = None
    system_log_level: str | None = None
    log_group: str | None = None
    """None: /aws/lambda/<name>."""
    tenant_isolation_mode: str | None = None
    """PER_TENANT, for as long as the function is there; or None."""
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def snap_start(self) -> bool:
        """Its environments are restored from a snapshot: published versions of functions that have it on."""
        return self.version != LATEST and self.settings.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"

    @property
    def qualified_arn(self) -> str:
        return f"{self.key.arn}:{self.version}"

    @property
    def number(self) -> int:
        """Versions sort by it: `$LATEST` first, then as they were published."""
        return -1 if self.version == LATEST else int(self.version)

    @property
    def log_group_name(self) -> str:
        return self.log_group or f"/aws/lambda/{self.key.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function: its `$LATEST`, what was published from it, and what belongs to it as a whole."""

    key: FunctionKey
    versions: Mapping[str, FunctionVersion]
    """By version; always has `$LATEST`."""
    last_published: int
    """The highest version number ever given; numbers are never used again."""
    tags: Mapping[str, str]
    aliases: Mapping[str, Alias] = field(default_factory=dict)
    """By name, sorted. Each refers to versions that exist."""
    policies: Mapping[str, Statements] = field(default_factory=dict)
    """By the version or alias that they are of; a function's own is that of `$LATEST`."""
    policy_revisions: Mapping[str, str] = field(default_factory=dict)
    """By version or alias: the revision that it got with the last change of its policy."""
    reserved_concurrency: int | None = None
    event_invoke_configs: Mapping[str, EventInvokeConfig] = field(default_factory=dict)
    """By version or alias, as everything below: `BY_QUALIFIER`."""
    urls: Mapping[str, FunctionUrl] = field(default_factory=dict)
    provisioned_concurrency: Mapping[str, ProvisionedConcurrency] = field(default_factory=dict)
    runtime_management: Mapping[str, RuntimeManagement] = field(default_factory=dict)
    scaling: Mapping[str, Scaling] = field(default_factory=dict)
    recursive_loop: str = "Terminate"
    """Terminate | Allow."""
    code_signing_config_arn: str | None = None

    @property
    def latest(self) -> FunctionVersion:
        return self.versions[LATEST]

    @property
    def code_size(self) -> int:
        """Bytes of all versions' packages; each counts its own, also where it is the same."""
        return sum(version.code_size for version in self.versions.values())


BY_QUALIFIER: Mapping[str, type] = {
    "event_invoke_configs": EventInvokeConfig,
    "urls": FunctionUrl,
    "provisioned_concurrency": ProvisionedConcurrency,
    "runtime_management": RuntimeManagement,
    "scaling": Scaling,
}
"""The fields of a Function that map a version or alias to one record each."""


def version_of(function: Function, qualifier: str) -> str:
    """The version that a version or alias means (an alias's first)."""
    alias = function.aliases.get(qualifier)
    return alias.function_version if alias is not None else qualifier


def provisioned_by_version(function: Function) -> dict[str, int]:
    """Provisioned concurrency of each version: its own, and what aliases have that point at it."""
    counts: dict[str, int] = {}
    for name, config in function.provisioned_concurrency.items():
        version = version_of(function, name)
        counts[version] = counts.get(version, 0) + config.requested
    return counts


# --- Lifecycle ----------------------------------------------------------------------------------------------------------

STATES: Mapping[str, frozenset[str]] = {
    "Pending": frozenset({"Active", "Failed"}),
    "Active": frozenset({"Inactive", "Failed"}),
    "Inactive": frozenset({"Pending"}),
    "Failed": frozenset(),
}
"""AWS: docs.aws.amazon.com/lambda/latest/dg/functions-states.html"""

_CREATING = "The function is being created."

UPDATE_STATUSES: Mapping[str | None, frozenset[str]] = {
    None: frozenset({"Successful", "Failed"}),
    "Successful": frozenset({"InProgress"}),
    "InProgress": frozenset({"Successful", "Failed"}),
    "Failed": frozenset({"InProgress"}),
}


def pending(version: FunctionVersion) -> FunctionVersion:
    """The version as it is created: it cannot run yet."""
    return replace(
        version,
        state="Pending",
        state_reason=_CREATING,
        state_reason_code="Creating",
        last_update_status=None,
        last_update_status_reason=None,
        last_update_status_reason_code=None,
    )


def updating(version: FunctionVersion) -> FunctionVersion:
    """The version while an update is made ready; it says so in the words of its creation, as on AWS."""
    _check(UPDATE_STATUSES[version.last_update_status], "InProgress")
    return replace(
        version,
        last_update_status="InProgress",
        last_update_status_reason=_CREATING,
        last_update_status_reason_code="Creating",
    )


def prepared(version: FunctionVersion, revision_id: str) -> FunctionVersion:
    """The version once it can run: Active, Successful."""
    if version.state == "Active" and version.last_update_status == "Successful":
        return version
    state = version.state
    if state != "Active":
        _check(STATES[state], "Active")
    _check(UPDATE_STATUSES[version.last_update_status], "Successful")
    return replace(
        version,
        state="Active",
        state_reason=None,
        state_reason_code=None,
        last_update_status="Successful",
        last_update_status_reason=None,
        last_update_status_reason_code=None,
        revision_id=revision_id,
    )


def failed(version: FunctionVersion, reason: str, code: str, revision_id: str) -> FunctionVersion:
    """The version when it could not be made to run; an update that fails leaves the function Active."""
    _check(UPDATE_STATUSES[version.last_update_status], "Failed")
    after = replace(
        version,
        last_update_status="Failed",
        last_update_status_reason=reason,
        last_update_status_reason_code=code,
        revision_id=revision_id,
    )
    if version.state == "Active":
        return after
    _check(STATES[version.state], "Failed")
    return replace(after, state="Failed", state_reason=reason, state_reason_code=code)


def _check(allowed: frozenset[str], wanted: str) -> None:
    if wanted not in allowed:
        raise RuntimeError(f"a function version cannot become {wanted} now")


def is_settled(version: FunctionVersion) -> bool:
    """Nothing is left to prepare."""
    return version.state != "Pending" and version.last_update_status not in (None, "InProgress")


# --- Changes ------------------------------------------------------------------------------------------------------------


def check_changeable(key: FunctionKey, function: Function | None, revision_id: str | None) -> FunctionVersion:
    """`$LATEST`, if it may be changed now. Raises what AWS refuses."""
    if function is None:
        raise ResourceNotFoundException.function(key.arn)
    latest = function.latest
    if revision_id is not None and revision_id != latest.revision_id:
        raise PreconditionFailedException.function_revision()
    if latest.state in ("Pending", "Failed"):
        raise ResourceConflictException.state(latest.state)
    if latest.last_update_status == "InProgress":
        raise ResourceConflictException.update_in_progress(key.arn)
    return latest


def with_latest(function: Function, latest: FunctionVersion) -> Function:
    return replace(function, versions={**function.versions, LATEST: latest})


def with_revision(function: Function, name: str, revision_id: str) -> Function:
    """With a new revision of a version or alias, because of something that belongs to it."""
    if name in function.aliases:
        alias = replace(function.aliases[name], revision_id=revision_id)
        return replace(function, aliases={**function.aliases, name: alias})
    version = replace(function.versions[name], revision_id=revision_id)
    return replace(function, versions={**function.versions, name: version})


def publish(function: Function, description: str | None, revision_id: str) -> tuple[Function, FunctionVersion]:
    """The function with a new version made from `$LATEST`, and that version; or, if nothing has changed since the last
    one was published, as it is, and the last one.

    A version of code that is still being prepared is Pending, too: versions are never updated. So is one that has to be
    initialised for its snapshot.
    """
    last = function.versions.get(str(function.last_published))
    if last is not None and same_content(last, function.latest):
        return function, last
    number = function.last_published + 1
    version = replace(
        function.latest,
        version=str(number),
        description=function.latest.description if description is None else description,
        revision_id=revision_id,
    )
    if not is_settled(version) or version.snap_start:
        version = pending(version)
    versions = {**function.versions, str(number): version}
    return replace(function, versions=versions, last_published=number), version


def without_version(function: Function, version: str) -> Function:
    """A version that is not there (any more) is as deleted as it can be: AWS says nothing either."""
    referring = [alias.name for alias in function.aliases.values() if version in alias.versions]
    if referring:
        raise ResourceConflictException.aliases_refer(referring)
    versions = {name: record for name, record in function.versions.items() if name != version}
    return replace(without_what_belongs_to(function, version), versions=versions)


def without_alias(function: Function, name: str) -> Function:
    """One that is not there is deleted, too."""
    aliases = {one: alias for one, alias in function.aliases.items() if one != name}
    return replace(without_what_belongs_to(function, name), aliases=aliases)


def without_what_belongs_to(function: Function, name: str) -> Function:
    """When a version or alias is gone, its policy and settings are; but not its URL, which AWS keeps and lets nobody use."""
    changes: dict[str, Any] = {}
    for name_of_field in ("policies", "policy_revisions", *(BY_QUALIFIER.keys() - {"urls"})):
        records = getattr(function, name_of_field)
        changes[name_of_field] = {one: record for one, record in records.items() if one != name}
    return replace(function, **changes)


def same_content(published: FunctionVersion, latest: FunctionVersion) -> bool:
    """Was nothing changed since: is the code the same, and was the configuration not updated?"""
    return published.code_sha256 == latest.code_sha256 and published.last_modified == latest.last_modified
