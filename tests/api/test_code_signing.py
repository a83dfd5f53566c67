"""Code signing: configurations, what they let in, and `lambdad sign`, which makes signed packages without AWS."""

import base64
import io
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions import PROMPT, call, create, new_name, zip_of
from metric_reading import Reading
from refusals import refused
from server import Server
from signing import PROFILE, SIGNATURE, changed, config, deploy, sign_with_profile

ARN = "arn:aws:lambda:us-east-1:000000000000:"

CODE = "def handler(event, context):\n    return 'signed'\n"

Sign = Callable[..., tuple[str, bytes]]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server in whose data directory the tests sign."""
    server = Server(tmp_path_factory.mktemp("signing") / "data").start()
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def signer(own: Server) -> Any:
    """The shared server's client would do; the server must trust what is signed here."""
    return own.client()


@pytest.fixture
def sign(own: Server, tmp_path: Path) -> Sign:
    def sign(content: bytes, profile: str = "release", data_dir: Path | None = None) -> tuple[str, bytes]:
        return sign_with_profile(content, tmp_path, data_dir or own.data_dir, profile)

    return sign


# --- Configurations -------------------------------------------------------------------------------------------------


def test_the_life_of_a_configuration(client: Any) -> None:
    made = client.create_code_signing_config(
        Description="what is signed", AllowedPublishers={"SigningProfileVersionArns": [PROFILE]}, Tags={"team": "a"}
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    created = made["CodeSigningConfig"]
    arn, name = created["CodeSigningConfigArn"], created["CodeSigningConfigId"]
    assert re.fullmatch(r"csc-[a-z0-9]{17}", name)
    assert created == {
        "CodeSigningConfigId": name,
        "CodeSigningConfigArn": f"{ARN}code-signing-config:{name}",
        "Description": "what is signed",
        "AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"},
        "LastModified": created["LastModified"],
    }
    unchanged = client.update_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]
    assert unchanged == created
    updated = client.update_code_signing_config(
        CodeSigningConfigArn=arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"}
    )["CodeSigningConfig"]
    assert updated["CodeSigningPolicies"] == {"UntrustedArtifactOnDeployment": "Enforce"}
    assert client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"] == updated
    assert updated in client.list_code_signing_configs()["CodeSigningConfigs"]
    assert client.list_tags(Resource=arn)["Tags"] == {"team": "a"}
    client.tag_resource(Resource=arn, Tags={"stage": "b"})
    client.untag_resource(Resource=arn, TagKeys=["team"])
    assert client.list_tags(Resource=arn)["Tags"] == {"stage": "b"}
    deleted = client.delete_code_signing_config(CodeSigningConfigArn=arn)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    gone = ("ResourceNotFoundException", 404, f"The Lambda code signing configuration {arn} can not be found.")
    for action in (
        client.get_code_signing_config,
        client.update_code_signing_config,
        client.delete_code_signing_config,
        client.list_functions_by_code_signing_config,
    ):
        assert refused(action, CodeSigningConfigArn=arn) == gone


def test_a_functions_configuration(client: Any) -> None:
    name, arn = create(client, CODE), config(client, "Warn")
    nothing = client.get_function_code_signing_config(FunctionName=name)
    assert nothing.keys() == {"ResponseMetadata"}
    put = client.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=arn)
    assert (put["CodeSigningConfigArn"], put["FunctionName"]) == (arn, name)
    got = client.get_function_code_signing_config(FunctionName=name)
    assert (got["CodeSigningConfigArn"], got["FunctionName"]) == (arn, name)
    listed = client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)["FunctionArns"]
    assert listed == [f"{ARN}function:{name}"]
    code, status, _ = refused(client.delete_code_signing_config, CodeSigningConfigArn=arn)
    assert (code, status) == ("ResourceConflictException", 409)
    for _ in range(2):
        deleted = client.delete_function_code_signing_config(FunctionName=name)
        assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)["FunctionArns"] == []
    client.delete_code_signing_config(CodeSigningConfigArn=arn)


def test_configurations_that_are_not_there(client: Any) -> None:
    arn = f"{ARN}code-signing-config:csc-0000000000000abcd"
    missing = (
        "CodeSigningConfigNotFoundException",
        404,
        f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}.",
    )
    unknown = new_name()
    put = client.put_function_code_signing_config
    assert refused(put, FunctionName=unknown, CodeSigningConfigArn=arn) == missing
    assert refused(deploy, client=client, content=zip_of({"app.py": CODE}), config_arn=arn) == missing
    no_function = ("ResourceNotFoundException", 404, f"Function not found: {ARN}function:{unknown}")
    assert refused(put, FunctionName=unknown, CodeSigningConfigArn=config(client, "Warn")) == no_function
    assert refused(client.get_function_code_signing_config, FunctionName=unknown) == no_function
    assert refused(client.delete_function_code_signing_config, FunctionName=unknown) == no_function


def test_configurations_survive_a_kill(own_server: Server) -> None:
    client = own_server.start().client()
    arn, name = config(client, "Enforce"), create(client, CODE)
    client.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=arn)
    before = client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]
    own_server.kill()
    client = own_server.start().client()
    assert client.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"] == before
    assert client.get_function_code_signing_config(FunctionName=name)["CodeSigningConfigArn"] == arn


# --- What they let in -----------------------------------------------------------------------------------------------


def test_a_signed_package_is_let_in(signer: Any, sign: Sign) -> None:
    profile, signed = sign(zip_of({"app.py": CODE, "data/ü.txt": "x" * 100_000}))
    assert re.fullmatch(r"arn:aws:signer:us-east-1:000000000000:/signing-profiles/release/\w{10}", profile)
    name = deploy(signer, signed, config(signer, "Enforce", profile))["FunctionName"]
    signer.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    configuration = signer.get_function_configuration(FunctionName=name)
    assert configuration["SigningProfileVersionArn"] == profile
    assert configuration["SigningJobArn"].startswith("arn:aws:signer:us-east-1:000000000000:/signing-jobs/")
    assert call(signer, name)[0] == "signed"


def verification_failed(function_arn: str) -> tuple[str, int, str]:
    return (
        "CodeVerificationFailedException",
        400,
        "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not "
        f"configured to accept. Check the provided signature for {function_arn}.",
    )


def test_enforced_nothing_else_is(signer: Any, sign: Sign, tmp_path: Path) -> None:
    plain = zip_of({"app.py": CODE})
    profile, _ = sign(plain)
    allowed = config(signer, "Enforce", profile)
    _, by_another = sign(plain, profile="other")
    stolen_name, forged = sign(plain, data_dir=tmp_path / "elsewhere")
    for content, config_arn in (
        (plain, allowed),
        (by_another, allowed),
        (forged, config(signer, "Enforce", stolen_name)),
    ):
        name = new_name()
        refusal = refused(deploy, client=signer, content=content, config_arn=config_arn, name=name)
        assert refusal == verification_failed(f"{ARN}function:{name}")
        assert refused(signer.get_function, FunctionName=name)[0] == "ResourceNotFoundException"


def test_a_profile_cannot_sign_for_another(signer: Any, sign: Sign, own: Server, tmp_path: Path) -> None:
    """Whoever has one trusted key and writes another profile's ARN into what he signs."""
    plain = zip_of({"app.py": CODE})
    victim, _ = sign(plain, profile="victim")
    attacker, _ = sign(plain, profile="attacker", data_dir=tmp_path / "attacker")
    profiles = tmp_path / "attacker" / "signing" / "profiles" / "attacker"
    (profiles / "profile.json").write_text((own.data_dir / "signing/profiles/victim/profile.json").read_text())
    shutil.copytree(profiles, own.data_dir / "signing" / "profiles" / "trusted")
    (own.data_dir / "signing/profiles/trusted/profile.json").write_text(f'{{"versionArn": "{attacker}"}}')
    claimed, forged = sign(plain, profile="attacker", data_dir=tmp_path / "attacker")
    assert claimed == victim
    name = new_name()
    refusal = refused(deploy, client=signer, content=forged, config_arn=config(signer, "Enforce", victim), name=name)
    assert refusal == verification_failed(f"{ARN}function:{name}")


def test_with_warn_it_is_let_in_and_logged(signer: Any, own: Server) -> None:
    name = deploy(signer, zip_of({"app.py": CODE}), config(signer, "Warn"))["FunctionName"]
    assert f"a package for {ARN}function:{name} does not satisfy" in own.log()
    assert "SigningJobArn" not in signer.get_function_configuration(FunctionName=name)


def test_what_warn_lets_in_is_counted(signer: Any, own: Server, sign: Sign) -> None:
    """AWS: docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html#deployment-metrics"""
    profile, signed = sign(zip_of({"app.py": CODE}))
    unsigned, reading = zip_of({"app.py": CODE}), Reading(own.client("cloudwatch"))
    warn = config(signer, "Warn", profile)

    def counted(name: str) -> float:
        return reading.sum("SignatureValidationErrors", FunctionName=name)

    name, good = (deploy(signer, content, warn)["FunctionName"] for content in (unsigned, signed))
    for one in (name, good):
        signer.get_waiter("function_active_v2").wait(FunctionName=one, WaiterConfig=PROMPT)
    signer.update_function_code(FunctionName=name, ZipFile=unsigned, DryRun=True)
    assert (counted(name), counted(good)) == (1, 0)
    signer.update_function_code(FunctionName=name, ZipFile=unsigned)
    assert counted(name) == 2
    signer.update_code_signing_config(
        CodeSigningConfigArn=warn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"}
    )
    refused(signer.update_function_code, FunctionName=good, ZipFile=unsigned)
    assert (counted(name), counted(good)) == (2, 0)


@pytest.mark.parametrize("policy", ["Warn", "Enforce"])
def test_what_was_changed_after_signing_is_always_refused(signer: Any, sign: Sign, policy: str) -> None:
    profile, signed = sign(zip_of({"app.py": CODE, "other.txt": "other"}))
    allowed = config(signer, policy, profile)
    with zipfile.ZipFile(io.BytesIO(signed)) as archive:
        pem = archive.read(SIGNATURE)
    document = bytearray(base64.b64decode(b"".join(pem.split(b"\n")[1:-2])))
    document[-1] ^= 1
    broken = b"-----BEGIN PKCS7-----\n" + base64.b64encode(document) + b"\n-----END PKCS7-----\n"
    for name, content in (
        ("app.py", b"def handler(event, context):\n    return 'evil'\n"),
        ("other.txt", b""),
        (SIGNATURE, broken),
        (SIGNATURE, b"nothing"),
        (SIGNATURE, pem[: len(pem) // 2]),
    ):
        refusal = refused(deploy, client=signer, content=changed(signed, name, content), config_arn=allowed)
        assert refusal[:2] == ("InvalidCodeSignatureException", 400)


def test_a_files_lines_do_not_pass_for_another_files_name(signer: Any, sign: Sign) -> None:
    """The signature is over names and contents with nothing between them: the same bytes, cut elsewhere."""
    profile, signed = sign(zip_of({"app.py": CODE}))
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(signed)) as source, zipfile.ZipFile(target, "w") as archive:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "app.py":
                archive.writestr("app.py", content[:10])
                archive.writestr(content[10:].decode(), b"")
            else:
                archive.writestr(entry, content)
    refusal = refused(deploy, client=signer, content=target.getvalue(), config_arn=config(signer, "Warn", profile))
    assert refusal[:2] == ("InvalidCodeSignatureException", 400)


def test_updates_of_code_are_verified(signer: Any, sign: Sign) -> None:
    profile, signed = sign(zip_of({"app.py": CODE}))
    name = deploy(signer, signed, config(signer, "Enforce", profile))["FunctionName"]
    signer.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    plain = zip_of({"app.py": CODE + "# 2\n"})
    refusal = refused(signer.update_function_code, FunctionName=name, ZipFile=plain)
    assert refusal == verification_failed(f"{ARN}function:{name}")
    assert "SigningJobArn" in signer.update_function_code(FunctionName=name, ZipFile=sign(plain)[1])
    signer.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    signer.delete_function_code_signing_config(FunctionName=name)
    assert "SigningJobArn" not in signer.update_function_code(FunctionName=name, ZipFile=plain)


def test_layers_must_be_signed_too(signer: Any, sign: Sign) -> None:
    profile, signed = sign(zip_of({"app.py": CODE}))
    allowed = config(signer, "Enforce", profile)
    plain = zip_of({"python/extra.py": "x = 1\n"})
    layers = [
        signer.publish_layer_version(LayerName=new_name("l"), Content={"ZipFile": content})["LayerVersionArn"]
        for content in (plain, sign(plain)[1])
    ]
    refusal = refused(deploy, client=signer, content=signed, config_arn=allowed, Layers=layers[:1])
    assert refusal == verification_failed(layers[0])
    name = deploy(signer, signed, allowed, Layers=layers[1:])["FunctionName"]
    signer.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    refusal = refused(signer.update_function_configuration, FunctionName=name, Layers=layers[:1])
    assert refusal == verification_failed(layers[0])


def test_signing_refuses_what_it_cannot_sign(sign: Sign, tmp_path: Path) -> None:
    signed = tmp_path / "signed.zip"
    signed.write_bytes(sign(zip_of({"app.py": CODE}))[1])
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"no zip")
    argv = [sys.executable, "-m", "lambdad", "sign", "--data-dir", str(tmp_path / "data")]
    for arguments in ([str(signed)], [str(broken)], [str(signed), "--profile", "../up"]):
        done = subprocess.run([*argv, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("lambdad sign: ")
        assert len(done.stderr.splitlines()) == 1


def test_the_signature_is_one_that_openssl_verifies(sign: Sign, own: Server, tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    _, signed = sign(zip_of({"app.py": CODE}))
    with zipfile.ZipFile(io.BytesIO(signed)) as archive:
        (tmp_path / "signature.pem").write_bytes(archive.read(SIGNATURE).replace(b"PKCS7", b"CMS"))
        names = [entry for entry in archive.infolist() if entry.filename != SIGNATURE]
        content = b"".join(entry.filename.encode() + archive.read(entry) for entry in names)
    (tmp_path / "content").write_bytes(content)
    digest = subprocess.run(
        [openssl, "dgst", "-sha384", "-binary", str(tmp_path / "content")], capture_output=True, check=True
    ).stdout
    (tmp_path / "digest").write_bytes(digest)
    certificate = own.data_dir / "signing" / "profiles" / "release" / "certificate.pem"
    argv = [openssl, "cms", "-verify", "-binary", "-inform", "PEM", "-in", "signature.pem", "-content", "digest"]
    verified = subprocess.run(
        [*argv, "-CAfile", str(certificate), "-purpose", "any", "-out", "verified"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stderr
