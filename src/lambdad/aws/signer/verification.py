"""Verifying a signed zip: is it as it was signed, who says so, and until when?

AWS: docs.aws.amazon.com/lambda/latest/dg/configuration-codesigning.html (signature validation). Revocation is not asked for: that
takes AWS Signer.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from lambdad.aws.signer import cms
from lambdad.aws.signer.package import BrokenPackage, read_package

_LONGEST_CHAIN = 8


class Tampered(Exception):
    """The package is not what was signed."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One that belongs to its package; whether its signer is trusted is `is_trusted`'s to say."""

    profile_version_arn: str
    job_arn: str
    signed: datetime
    expires: datetime
    chain: tuple[x509.Certificate, ...]
    """The signer's certificate first, then what came with it."""


def read_signature(content: bytes) -> Signature | None:
    """None when the zip has none. Raises Tampered."""
    try:
        package = read_package(content)
        return None if package is None else _verify(*package)
    except (BrokenPackage, ValueError, InvalidSignature) as error:
        raise Tampered(str(error) or "the signature does not match") from error


def _verify(document: bytes, digest: bytes) -> Signature:
    """Raises ValueError, InvalidSignature."""
    data = cms.read_signed_data(document)
    signers = data.signers.as_list()
    if len(signers) != 1:
        raise ValueError("not one signer")
    signer, certificates = signers[0], data.certificates.as_list()
    attributes = signer.signed_attributes.as_list()
    if (signer.digest_algorithm.algorithm, signer.signature_algorithm.algorithm) != (cms.SHA384, cms.ECDSA_WITH_SHA384):
        raise ValueError("not SHA-384 with ECDSA")
    if asn1.decode_der(bytes, cms.value_of(attributes, cms.MESSAGE_DIGEST)) != hashlib.sha384(digest).digest():
        raise ValueError("the content was changed")
    issuer = asn1.encode_der(signer.sid.issuer)
    own = [one for one in certificates if (one.serial_number, one.issuer.public_bytes()) == (signer.sid.serial, issuer)]
    if len(own) != 1:
        raise ValueError("the signer's certificate is missing")
    key = own[0].public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("the signer's key is not one of ECDSA")
    key.verify(signer.signature, asn1.encode_der(signer.signed_attributes), ec.ECDSA(hashes.SHA384()))
    return Signature(
        asn1.decode_der(str, cms.value_of(attributes, cms.PROFILE_VERSION)),
        asn1.decode_der(str, cms.value_of(attributes, cms.JOB)),
        cms.time_of(cms.value_of(attributes, cms.SIGNING_TIME)),
        cms.time_of(cms.value_of(attributes, cms.EXPIRY)),
        (own[0], *(one for one in certificates if one is not own[0])),
    )


def is_trusted(
    signature: Signature, of_profiles: Mapping[str, x509.Certificate], roots: Iterable[x509.Certificate]
) -> bool:
    """A profile's certificate may sign for that profile, and a root may have others sign for any."""
    own = of_profiles.get(signature.profile_version_arn)
    return _leads_to(signature, [*roots, *([own] if own is not None else [])])


def _leads_to(signature: Signature, anchors: list[x509.Certificate]) -> bool:
    current = signature.chain[0]
    if current not in anchors and not _may_sign_code(current):
        return False
    for _ in range(_LONGEST_CHAIN):
        if not current.not_valid_before_utc <= signature.signed <= current.not_valid_after_utc:
            return False
        if current in anchors:
            return True
        issuer = _issuer_of(current, [*anchors, *signature.chain[1:]])
        if issuer is None:
            return False
        current = issuer
    return False


def _issuer_of(certificate: x509.Certificate, candidates: list[x509.Certificate]) -> x509.Certificate | None:
    for candidate in candidates:
        if candidate != certificate and _is_authority(candidate):
            try:
                certificate.verify_directly_issued_by(candidate)
            except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
                continue
            return candidate
    return None


def _may_sign_code(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
    return ExtendedKeyUsageOID.CODE_SIGNING in usage


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
