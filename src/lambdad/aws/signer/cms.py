"""The part of CMS that a signature needs. RFC 5652, sections 3, 5 and 11; DER, but for an outer shell that may be BER."""

from datetime import datetime
from typing import Annotated

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

DATA = ObjectIdentifier("1.2.840.113549.1.7.1")
SIGNED_DATA = ObjectIdentifier("1.2.840.113549.1.7.2")
CONTENT_TYPE = ObjectIdentifier("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = ObjectIdentifier("1.2.840.113549.1.9.4")
SIGNING_TIME = ObjectIdentifier("1.2.840.113549.1.9.5")
SHA384 = ObjectIdentifier("2.16.840.1.101.3.4.2.2")
ECDSA_WITH_SHA384 = ObjectIdentifier("1.2.840.10045.4.3.3")
# AWS Signer's own attributes.
JOB = ObjectIdentifier("1.3.187.137.1.2")
EXPIRY = ObjectIdentifier("1.3.187.137.1.3")
PROFILE_VERSION = ObjectIdentifier("1.3.187.137.1.4")


@asn1.sequence
class AlgorithmIdentifier:
    algorithm: ObjectIdentifier
    parameters: asn1.Null | None = None


@asn1.sequence
class Attribute:
    type: ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class IssuerAndSerialNumber:
    issuer: asn1.TLV
    serial: int


@asn1.sequence
class SignerInfo:
    version: int
    sid: IssuerAndSerialNumber
    digest_algorithm: AlgorithmIdentifier
    signed_attributes: Annotated[asn1.SetOf[Attribute], asn1.Implicit(0)]
    signature_algorithm: AlgorithmIdentifier
    signature: bytes


@asn1.sequence
class EncapsulatedContentInfo:
    content_type: ObjectIdentifier


@asn1.sequence
class SignedData:
    version: int
    digest_algorithms: asn1.SetOf[AlgorithmIdentifier]
    content: EncapsulatedContentInfo
    certificates: Annotated[asn1.SetOf[x509.Certificate], asn1.Implicit(0)]
    signers: asn1.SetOf[SignerInfo]


@asn1.sequence
class ContentInfo:
    content_type: ObjectIdentifier
    content: Annotated[SignedData, asn1.Explicit(0)]


_BER_SHELL = bytes.fromhex("3080 06092a864886f70d010702 a080")
"""ContentInfo and its content of indefinite length: what follows is SignedData and two ends."""
_BER_ENDS = b"\0\0\0\0"


def read_signed_data(content: bytes) -> SignedData:
    """Raises ValueError."""
    if content.startswith(_BER_SHELL) and content.endswith(_BER_ENDS):
        return asn1.decode_der(SignedData, content[len(_BER_SHELL) : -len(_BER_ENDS)])
    return asn1.decode_der(ContentInfo, content).content


def value_of(attributes: list[Attribute], kind: ObjectIdentifier) -> bytes:
    """The one value of the one attribute of that type, in DER. Raises ValueError."""
    found = [attribute for attribute in attributes if attribute.type == kind]
    values = [value for attribute in found for value in attribute.values.as_list()]
    if len(found) != 1 or len(values) != 1:
        raise ValueError(f"not one attribute {kind.dotted_string}")
    return _encoded(values[0])


def _encoded(value: asn1.TLV) -> bytes:
    return asn1.encode_der(value)


def time_of(encoded: bytes) -> datetime:
    """UTCTime or GeneralizedTime. Raises ValueError."""
    if encoded[:1] == b"\x17":
        return asn1.decode_der(asn1.UTCTime, encoded).as_datetime()
    return asn1.decode_der(asn1.GeneralizedTime, encoded).as_datetime()


def attribute(kind: ObjectIdentifier, encoded: bytes) -> Attribute:
    return Attribute(type=kind, values=asn1.SetOf([asn1.decode_der(asn1.TLV, encoded)]))
