"""The signature under what topics send: one key of this process, its certificate where the message says it is.

AWS: docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

_SIGNED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
NAME = "SimpleNotificationService-lambdad.pem"
"""The certificate's, at this server as at SNS's."""


class Signatures:
    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + timedelta(days=3650))
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, notification: Mapping[str, Any], version: str, region: str) -> dict[str, str]:
        """`version`: 1 (SHA-1, SNS's default) or 2."""
        lines = [f"{name}\n{notification[name]}\n" for name in _SIGNED if notification.get(name) is not None]
        algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
        signature = self._key.sign("".join(lines).encode(), padding.PKCS1v15(), algorithm)
        return {
            "SignatureVersion": version,
            "Signature": base64.b64encode(signature).decode(),
            "SigningCertURL": f"https://sns.{region}.amazonaws.com/{NAME}",
        }
