"""Signed packages beside the plain case: damaged, renamed, linked, signed under authorities, layers, and races with their
configurations. See `test_code_signing.py`."""

import datetime
import io
import os
import stat
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from functions import PROMPT, call, create, new_name, zip_of
from lambdad.aws.signer.profiles import Profile
from lambdad.aws.signer.signing import sign_package
from refusals import invalid, refused
from server import Server
from signing import PROFILE, changed, config, deploy, sign_with_profile
from wait import wait_for

ARN = "arn:aws:lambda:us-east-1:000000000000:"
CODE = "def handler(event, context):\n    return 'signed'\n"
EVIL = "def handler(event, context):\n    return 'evil'\n"
BROKEN = invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
TAMPERED = ("InvalidCodeSignatureException", 400)
UNVERIFIED = ("CodeVerificationFailedException", 400)

Sign = Callable[..., tuple[str, bytes]]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in whose data directory the tests sign."""
    server = Server(tmp_path_factory.mktemp("signed") / "data").start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def signer(own: Server) -> Any:
    return own.client()


@pytest.fixture
def sign(own: Server, tmp_path: Path) -> Sign:
    def sign(content: bytes, profile: str = "release") -> tuple[str, bytes]:
        return sign_with_profile(content, tmp_path, own.data_dir, profile)

    return sign


def compressed_anew(content: bytes, compression: int, damaged: bool = False) -> bytes:
    """The same entries; or the first one's compressed bytes are not what they were."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w", compression) as archive:
        for entry in source.infolist():
            archive.writestr(entry.filename, source.read(entry))
        first = archive.infolist()[0]
        start = first.header_offset + 30 + len(first.filename)
    anew = bytearray(target.getvalue())
    if damaged:
        for at in range(start + 9, start + first.compress_size):
            anew[at] ^= 0xFF
    return bytes(anew)


# --- What is no package, and what is not what it says ------------------------------------------------------------------


def test_a_zip_that_is_none_is_told_so(signer: Any, sign: Sign) -> None:
    profile, signed = sign(zip_of({"app.py": CODE, "data.bin": os.urandom(5000)}))
    for policy in ("Warn", "Enforce"):
        allowed = config(signer, policy, profile)
        name = deploy(signer, signed, allowed)["FunctionName"]
        signer.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
        for content in (
            b"no zip at all",
            signed[: len(signed) // 2],
            signed.replace(b"META_INF", b"META_INT", 1),
            compressed_anew(signed, zipfile.ZIP_LZMA, damaged=True),
        ):
            assert refused(deploy, client=signer, content=content, config_arn=allowed) == BROKEN
            assert refused(signer.update_function_code, FunctionName=name, ZipFile=content) == BROKEN


def test_how_it_is_compressed_is_not_signed(signer: Any, sign: Sign) -> None:
    profile, signed = sign(zip_of({"app.py": CODE}))
    again = compressed_anew(signed, zipfile.ZIP_LZMA)
    assert deploy(signer, again, config(signer, "Enforce", profile))["SigningProfileVersionArn"] == profile


def with_attributes(content: bytes, name: str, mode: int, extra: bytes = b"") -> bytes:
    """The package with another mode and extra field of one entry: neither is signed."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as archive:
        for entry in source.infolist():
            data = source.read(entry)
            if entry.filename == name:
                entry.external_attr = mode << 16
                entry.extra = extra
            archive.writestr(entry, data)
    return target.getvalue()


def test_a_file_does_not_become_a_link(signer: Any, sign: Sign) -> None:
    profile, signed = sign(zip_of({"app.py": CODE, "target.txt": "app.py"}))
    linked = with_attributes(signed, "target.txt", stat.S_IFLNK | 0o777)
    refusal = refused(deploy, client=signer, content=linked, config_arn=config(signer, "Warn", profile))
    assert refusal[:2] == TAMPERED


def test_an_extra_field_gives_no_other_name(signer: Any, sign: Sign) -> None:
    """Info-ZIP's Unicode path: whoever honours it would unpack `other.txt` as `app.py`."""
    profile, signed = sign(zip_of({"app.py": CODE, "other.txt": EVIL}))
    path = b"\x01" + (zlib.crc32(b"other.txt")).to_bytes(4, "little") + b"app.py"
    extra = (0x7075).to_bytes(2, "little") + len(path).to_bytes(2, "little") + path
    renamed = with_attributes(signed, "other.txt", stat.S_IFREG | 0o644, extra)
    allowed, name = config(signer, "Enforce", profile), new_name()
    try:
        deploy(signer, renamed, allowed, name=name)
    except signer.exceptions.InvalidCodeSignatureException:
        return
    signer.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    assert call(signer, name)[0] == "signed"


def test_what_cannot_be_signed(tmp_path: Path) -> None:
    linked = with_attributes(zip_of({"app.py": CODE, "link": "app.py"}), "link", stat.S_IFLNK | 0o777)
    damaged = compressed_anew(zip_of({"noise": os.urandom(5000)}), zipfile.ZIP_LZMA, damaged=True)
    argv = [sys.executable, "-m", "lambdad", "sign", "--data-dir", str(tmp_path / "data")]
    for content in (linked, damaged):
        package = tmp_path / "package.zip"
        package.write_bytes(content)
        done = subprocess.run([*argv, str(package)], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("lambdad sign: ")
        assert len(done.stderr.splitlines()) == 1


# --- Authorities --------------------------------------------------------------------------------------------------------


def certificate(name: str, issuer: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None, **usage: Any) -> Any:
    """(certificate, key); an authority if it has no issuer or `authority` says so."""
    key = ec.generate_private_key(ec.SECP384R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    authority = usage.get("authority", issuer is None)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if usage.get("extended"):
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage["extended"]), critical=False)
    return builder.sign(issuer[1] if issuer else key, hashes.SHA384()), key


@pytest.mark.parametrize(
    ("extended", "trusted"),
    [
        ([ExtendedKeyUsageOID.CODE_SIGNING], True),
        ([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CODE_SIGNING], True),
        ([ExtendedKeyUsageOID.SERVER_AUTH], False),
        ([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE], False),
        (None, False),
    ],
)
def test_certificates_are_for_signing_code(signer: Any, own: Server, extended: Any, trusted: bool) -> None:
    root = certificate("an authority", None)
    roots = own.data_dir / "signing" / "roots"
    roots.mkdir(parents=True, exist_ok=True)
    (roots / f"{new_name()}.pem").write_bytes(root[0].public_bytes(serialization.Encoding.PEM))
    leaf, key = certificate("a signer", root, extended=extended)
    arn = f"arn:aws:signer:us-east-1:000000000000:/signing-profiles/{new_name('p').replace('-', '_')}/0123456789"
    signed = sign_package(zip_of({"app.py": CODE}), Profile(arn, key, leaf), datetime.datetime.now(datetime.UTC))
    allowed, name = config(signer, "Enforce", arn), new_name()
    if trusted:
        assert deploy(signer, signed, allowed, name=name)["SigningProfileVersionArn"] == arn
    else:
        assert refused(deploy, client=signer, content=signed, config_arn=allowed)[:2] == UNVERIFIED
    not_an_authority = certificate("no authority", root, extended=[ExtendedKeyUsageOID.CODE_SIGNING])
    below, key = certificate("below it", not_an_authority, extended=[ExtendedKeyUsageOID.CODE_SIGNING])
    signed = sign_package(zip_of({"app.py": CODE}), Profile(arn, key, below), datetime.datetime.now(datetime.UTC))
    assert refused(deploy, client=signer, content=signed, config_arn=allowed)[:2] == UNVERIFIED


# --- Layers ---------------------------------------------------------------------------------------------------------------


def test_a_layer_says_who_signed_it(signer: Any, sign: Sign, tmp_path: Path) -> None:
    plain = zip_of({"python/extra.py": "x = 1\n"})
    profile, signed = sign(plain)
    _, forged = sign_with_profile(plain, tmp_path, tmp_path / "elsewhere", "release")
    tampered = changed(signed, "python/extra.py", b"x = 2\n")
    names = [new_name("l") for _ in range(4)]
    made = [
        signer.publish_layer_version(LayerName=name, Content={"ZipFile": content})
        for name, content in zip(names, (signed, plain, forged, tampered), strict=True)
    ]
    content = made[0]["Content"]
    assert content["SigningProfileVersionArn"] == profile
    assert content["SigningJobArn"].startswith("arn:aws:signer:us-east-1:000000000000:/signing-jobs/")
    got = signer.get_layer_version(LayerName=names[0], VersionNumber=1)["Content"]
    assert {**got, "Location": ""} == {**content, "Location": ""}
    for one in made[1:]:
        assert not {"SigningProfileVersionArn", "SigningJobArn"} & one["Content"].keys()
    layers = [one["LayerVersionArn"] for one in made[:2]]
    name = create(signer, CODE, Layers=layers)
    found = signer.get_function_configuration(FunctionName=name)["Layers"]
    told = {member: content[member] for member in ("SigningProfileVersionArn", "SigningJobArn")}
    assert found == [
        {"Arn": layers[0], "CodeSize": len(signed), **told},
        {"Arn": layers[1], "CodeSize": len(plain)},
    ]


# --- Partitions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("partition", "region"), [("aws-cn", "cn-north-1"), ("aws-us-gov", "us-gov-west-1")])
def test_partitions(server: Server, partition: str, region: str) -> None:
    """Their ARNs are taken; ours all say `aws`."""
    client = server.client(region=region)
    publisher = f"arn:{partition}:signer:{region}:000000000000:/signing-profiles/release/0123456789"
    arn = config(client, "Enforce", publisher)
    theirs = arn.replace("arn:aws:", f"arn:{partition}:")
    found = client.get_code_signing_config(CodeSigningConfigArn=theirs)["CodeSigningConfig"]
    assert (found["CodeSigningConfigArn"], found["AllowedPublishers"]) == (
        arn,
        {"SigningProfileVersionArns": [publisher]},
    )
    name = create(client, CODE)
    client.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=theirs)
    assert client.get_function_code_signing_config(FunctionName=name)["CodeSigningConfigArn"] == arn
    listed = client.list_functions_by_code_signing_config(CodeSigningConfigArn=theirs)["FunctionArns"]
    assert [one.rpartition(":")[2] for one in listed] == [name]
    client.tag_resource(Resource=theirs, Tags={"a": "b"})
    assert client.list_tags(Resource=arn)["Tags"] == {"a": "b"}
    plain = zip_of({"app.py": EVIL})
    assert refused(client.update_function_code, FunctionName=name, ZipFile=plain)[:2] == UNVERIFIED
    client.delete_function_code_signing_config(FunctionName=name)
    client.delete_code_signing_config(CodeSigningConfigArn=theirs)
    code, status, _ = refused(client.get_code_signing_config, CodeSigningConfigArn=arn)
    assert (code, status) == ("ResourceNotFoundException", 404)


# --- Configurations that change meanwhile -----------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["create", "update"])
def test_the_configuration_of_the_moment_decides(own_server: Server, tmp_path: Path, operation: str) -> None:
    """While a package is looked into (a root certificate that is slow to read holds it up), it is no longer allowed."""
    client = own_server.start().client()
    profile, signed = sign_with_profile(zip_of({"app.py": CODE}), tmp_path, own_server.data_dir, "release")
    allowed, name = config(client, "Enforce", profile), new_name()
    if operation == "update":
        create(client, CODE, name=name)
        client.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=allowed)
    gate = own_server.data_dir / "signing" / "roots" / "gate.pem"
    gate.parent.mkdir(parents=True)
    os.mkfifo(gate)
    opened: list[int] = []

    def reader_is_there() -> bool:
        try:
            opened.append(os.open(gate, os.O_WRONLY | os.O_NONBLOCK))
        except OSError:
            return False
        return True

    def upload() -> tuple[str, int, str]:
        if operation == "update":
            return refused(client.update_function_code, FunctionName=name, ZipFile=signed)
        return refused(deploy, client=client, content=signed, config_arn=allowed, name=name)

    with ThreadPoolExecutor(1) as thread:
        uploading = thread.submit(upload)
        wait_for(reader_is_there)
        publishers = {"SigningProfileVersionArns": [PROFILE]}
        own_server.client().update_code_signing_config(CodeSigningConfigArn=allowed, AllowedPublishers=publishers)
        gate.unlink()
        os.write(opened[0], (own_server.data_dir / "signing/profiles/release/certificate.pem").read_bytes())
        os.close(opened[0])
        assert uploading.result()[:2] == UNVERIFIED
    if operation == "create":
        assert refused(client.get_function, FunctionName=name)[0] == "ResourceNotFoundException"
    else:
        assert "SigningJobArn" not in client.get_function_configuration(FunctionName=name)
