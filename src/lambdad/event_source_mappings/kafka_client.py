"""Consumers of Kafka clusters, with the access that a mapping names.

AWS: docs.aws.amazon.com/lambda/latest/dg/kafka-cluster-auth.html. Passwords go over TLS only, as on AWS.
"""

import ssl
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lambdad.event_source_mappings.source_access import SourceAccess

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

_MECHANISMS: Final = {
    "BASIC_AUTH": "PLAIN",
    "SASL_SCRAM_256_AUTH": "SCRAM-SHA-256",
    "SASL_SCRAM_512_AUTH": "SCRAM-SHA-512",
}
_CERTIFICATE: Final = "CLIENT_CERTIFICATE_TLS_AUTH"
_ROOT: Final = "SERVER_ROOT_CA_CERTIFICATE"


def consumer_of(servers: Sequence[str], group: str, earliest: bool, access: SourceAccess) -> "AIOKafkaConsumer":
    """Not started yet. Raises AccessError."""
    from aiokafka import AIOKafkaConsumer

    return AIOKafkaConsumer(
        bootstrap_servers=list(servers),
        group_id=group,
        client_id="lambdad",
        enable_auto_commit=False,
        auto_offset_reset="earliest" if earliest else "latest",
        max_poll_interval_ms=2**31 - 1,  # a batch may be tried for days
        **_security_of(access),
    )


def listener_of(assigned: "Callable[[Sequence[TopicPartition]], Awaitable[None]]") -> "ConsumerRebalanceListener":
    """Who hears of the partitions that are now ours."""
    from aiokafka import ConsumerRebalanceListener

    class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
        def on_partitions_revoked(self, revoked: "Sequence[TopicPartition]") -> None:
            """What runs of them goes on; whoever has them now gets it again if it cannot be committed."""

        async def on_partitions_assigned(self, partitions: "Sequence[TopicPartition]") -> None:
            await assigned(partitions)

    return Listener()


def _security_of(access: SourceAccess) -> dict[str, Any]:
    mechanism = next((kind for kind in _MECHANISMS if kind in access.secrets), None)
    secure = bool(access.secrets)
    settings: dict[str, Any] = {"security_protocol": "SSL" if secure else "PLAINTEXT"}
    if secure:
        settings["ssl_context"] = _tls_of(access)
    if mechanism is not None:
        user, password = access.credentials(mechanism)
        settings |= {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": _MECHANISMS[mechanism],
            "sasl_plain_username": user,
            "sasl_plain_password": password,
        }
    return settings


def _tls_of(access: SourceAccess) -> ssl.SSLContext:
    roots = access.member(_ROOT, "certificate") if _ROOT in access.secrets else None
    context = ssl.create_default_context(cadata=roots)
    if _CERTIFICATE in access.secrets:
        secret = access.secrets[_CERTIFICATE]
        chain = access.member(_CERTIFICATE, "certificate") + "\n" + access.member(_CERTIFICATE, "privateKey")
        with tempfile.TemporaryDirectory(prefix="lambdad-") as directory:  # the library reads files only
            path = Path(directory, "chain.pem")
            path.touch(0o600)
            path.write_text(chain)
            context.load_cert_chain(path, password=secret.get("privateKeyPassword"))
    return context
