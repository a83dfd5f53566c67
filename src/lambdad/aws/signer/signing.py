"""Signing a zip with a profile of one's own, in the form of AWS Signer."""

import datetime
import hashlib
import io
import zipfile

from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from lambdad.aws.signer import cms
from lambdad.aws.signer.package import DIRECTORY, SIGNATURE, UNREADABLE, BrokenPackage, digest_of, is_link, to_pem
from lambdad.aws.signer.profiles import Profile
from lambdad.ids import new_uuid


def sign_package(content: bytes, profile: Profile, now: datetime.datetime) -> bytes:
    """The zip with a signature. Raises BrokenPackage, also for one that is signed already."""
    target = io.BytesIO()
    try:
        with (
            zipfile.ZipFile(io.BytesIO(content)) as source,
            zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as signed,
        ):
            if SIGNATURE in source.namelist():
                raise BrokenPackage("it is signed already")
            if any(map(is_link, source.infolist())):
                raise BrokenPackage("it has symbolic links, and what a link is would not be signed")
            for entry in source.infolist():
                signed.writestr(entry, source.read(entry))
            if DIRECTORY not in source.namelist():
                signed.mkdir(DIRECTORY.rstrip("/"))
        with zipfile.ZipFile(target, "a", zipfile.ZIP_DEFLATED) as signed:
            signed.writestr(SIGNATURE, to_pem(_document(digest_of(signed), profile, now)))
    except UNREADABLE as error:
        raise BrokenPackage(str(error)) from error
    return target.getvalue()


def _document(digest: bytes, profile: Profile, now: datetime.datetime) -> bytes:
    """The CMS document of that content."""
    job = f"{profile.version_arn.partition('/signing-profiles/')[0]}/signing-jobs/{new_uuid()}"
    times = [asn1.encode_der(asn1.GeneralizedTime(one)) for one in (now, now + profile.validity)]
    attributes = asn1.SetOf(
        [
            cms.attribute(cms.CONTENT_TYPE, asn1.encode_der(cms.DATA)),
            cms.attribute(cms.MESSAGE_DIGEST, asn1.encode_der(hashlib.sha384(digest).digest())),
            cms.attribute(cms.SIGNING_TIME, times[0]),
            cms.attribute(cms.EXPIRY, times[1]),
            cms.attribute(cms.JOB, asn1.encode_der(job)),
            cms.attribute(cms.PROFILE_VERSION, asn1.encode_der(profile.version_arn)),
        ]
    )
    digests = cms.AlgorithmIdentifier(algorithm=cms.SHA384)
    issuer = asn1.decode_der(asn1.TLV, profile.certificate.issuer.public_bytes())
    signer = cms.SignerInfo(
        version=1,
        sid=cms.IssuerAndSerialNumber(issuer=issuer, serial=profile.certificate.serial_number),
        digest_algorithm=digests,
        signed_attributes=attributes,
        signature_algorithm=cms.AlgorithmIdentifier(algorithm=cms.ECDSA_WITH_SHA384),
        signature=profile.key.sign(asn1.encode_der(attributes), ec.ECDSA(hashes.SHA384())),
    )
    data = cms.SignedData(
        version=1,
        digest_algorithms=asn1.SetOf([digests]),
        content=cms.EncapsulatedContentInfo(content_type=cms.DATA),
        certificates=asn1.SetOf([profile.certificate]),
        signers=asn1.SetOf([signer]),
    )
    return asn1.encode_der(cms.ContentInfo(content_type=cms.SIGNED_DATA, content=data))
