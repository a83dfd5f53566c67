"""Signing profiles of one's own, and certificates that are trusted beside them: files under the data directory.

`<data>/signing/profiles/<name>/` has a key and a self-signed certificate; whoever puts certificate authorities as `*.pem` into
`<data>/signing/roots/` trusts what they say of any profile: AWS Signer's, for packages that AWS has signed.
"""

import datetime
import os
import re
import secrets
import string
from dataclasses import dataclass
from pathlib import Path

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_NAME = re.compile(r"[a-zA-Z0-9_]{2,64}")
"""AWS: docs.aws.amazon.com/signer/latest/api/API_PutSigningProfile.html"""
_VALIDITY = datetime.timedelta(days=135 * 365 // 12)
"""135 months, as AWS's signatures."""
_LETTERS = string.ascii_letters + string.digits


class InvalidProfileName(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Profile:
    """One that can sign."""

    version_arn: str
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def validity(self) -> datetime.timedelta:
        """Of its signatures."""
        return _VALIDITY


@dataclass(frozen=True, slots=True)
class Trust:
    """Who may vouch for a package."""

    of_profiles: dict[str, x509.Certificate]
    """By profile version ARN: it may sign for that one only."""
    roots: tuple[x509.Certificate, ...]


def load_trust(data_dir: Path) -> Trust:
    """As it is on disk now. Raises OSError, ValueError."""
    place = data_dir / "signing"
    of_profiles = {}
    for directory in sorted((place / "profiles").glob("*/profile.json")):
        certificate = x509.load_pem_x509_certificate((directory.parent / "certificate.pem").read_bytes())
        of_profiles[orjson.loads(directory.read_bytes())["versionArn"]] = certificate
    roots = [
        certificate
        for path in sorted((place / "roots").glob("*.pem"))
        for certificate in x509.load_pem_x509_certificates(path.read_bytes())
    ]
    return Trust(of_profiles, tuple(roots))


def open_profile(data_dir: Path, name: str, account: str, region: str) -> Profile:
    """Made at first use. Raises InvalidProfileName, OSError."""
    if _NAME.fullmatch(name) is None:
        raise InvalidProfileName(f"a signing profile's name has 2 to 64 letters, digits and underscores: {name!r}")
    directory = data_dir / "signing" / "profiles" / name
    if not (directory / "profile.json").exists():
        _make(directory, name, account, region)
    key = serialization.load_pem_private_key((directory / "key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    certificate = x509.load_pem_x509_certificate((directory / "certificate.pem").read_bytes())
    return Profile(orjson.loads((directory / "profile.json").read_bytes())["versionArn"], key, certificate)


def _make(directory: Path, name: str, account: str, region: str) -> None:
    version = "".join(secrets.choice(_LETTERS) for _ in range(10))
    arn = f"arn:aws:signer:{region}:{account}:/signing-profiles/{name}/{version}"
    key = ec.generate_private_key(ec.SECP384R1())
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(directory / "key.pem", private)
    _write(directory / "certificate.pem", _certificate(name, key).public_bytes(serialization.Encoding.PEM))
    _write(directory / "profile.json", orjson.dumps({"versionArn": arn}))  # last: now it is whole


def _write(path: Path, content: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _certificate(name: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"lambdad signing profile {name}")])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + _VALIDITY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
        .sign(key, hashes.SHA384())
    )
