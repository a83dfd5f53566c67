"""Who a mapping is at its source: secrets, certificates and virtual hosts of its SourceAccessConfigurations.

AWS: docs.aws.amazon.com/lambda/latest/api/API_SourceAccessConfiguration.html; what the secrets hold:
…/latest/dg/kafka-cluster-auth.html, …/latest/dg/with-mq-configure.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from lambdad.aws.json_client import SECRETS_MANAGER, JsonClient
from lambdad.resources.event_source_mapping import EventSourceMapping

_SECRETS: Final = frozenset(
    {
        "BASIC_AUTH",
        "SASL_SCRAM_256_AUTH",
        "SASL_SCRAM_512_AUTH",
        "CLIENT_CERTIFICATE_TLS_AUTH",
        "SERVER_ROOT_CA_CERTIFICATE",
    }
)


class AccessError(Exception):
    """What a secret holds is not what its kind of access needs."""


@dataclass(frozen=True, slots=True)
class SourceAccess:
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """What each secret holds, by the type of access."""
    virtual_host: str = "/"

    def credentials(self, kind: str) -> tuple[str, str]:
        """(user name, password). Raises AccessError."""
        return self.member(kind, "username"), self.member(kind, "password")

    def member(self, kind: str, name: str) -> str:
        """Raises AccessError."""
        if kind not in self.secrets:
            raise AccessError(f"SourceAccessConfigurations has no {kind}.")
        value = self.secrets[kind].get(name)
        if not value:
            raise AccessError(f"The secret for {kind} has no {name}.")
        return value


async def access_of(mapping: EventSourceMapping, client: JsonClient) -> SourceAccess:
    """Raises AwsError, AccessError."""
    configurations: Sequence[Mapping[str, str]] = mapping.settings.get("SourceAccessConfigurations") or ()
    secrets: dict[str, Mapping[str, str]] = {}
    virtual_host = "/"
    for one in configurations:
        if one["Type"] in _SECRETS:
            secrets[one["Type"]] = await _secret(mapping, client, one["URI"])
        elif one["Type"] == "VIRTUAL_HOST":
            virtual_host = one["URI"]
    return SourceAccess(secrets, virtual_host)


async def _secret(mapping: EventSourceMapping, client: JsonClient, name: str) -> Mapping[str, str]:
    key = mapping.key
    answer: dict[str, Any] = await client.call(
        SECRETS_MANAGER, "GetSecretValue", key.account, key.region, {"SecretId": name}
    )
    try:
        document = orjson.loads(answer.get("SecretString") or b"null")
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict):
        raise AccessError(f"The secret {name} is no JSON object.")
    return {member: value for member, value in document.items() if isinstance(value, str)}
