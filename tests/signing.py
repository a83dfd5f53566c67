"""Signed packages in tests: made by `lambdad sign`, changed afterwards, deployed under a code signing configuration."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from functions import ROLE, new_name

PROFILE = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/test"
SIGNATURE = "META_INF/aws_signer_signature_v1.0.SF"


def sign_with_profile(content: bytes, place: Path, data_dir: Path, profile: str) -> tuple[str, bytes]:
    """(profile version ARN, the signed package); `place`: where it may write."""
    package = place / f"{new_name()}.zip"
    package.write_bytes(content)
    argv = [sys.executable, "-m", "lambdad", "sign", str(package), "--profile", profile, "--data-dir", str(data_dir)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return done.stdout.strip(), package.with_suffix(".signed.zip").read_bytes()


def config(client: Any, policy: str, *publishers: str) -> str:
    answer = client.create_code_signing_config(
        AllowedPublishers={"SigningProfileVersionArns": list(publishers) or [PROFILE]},
        CodeSigningPolicies={"UntrustedArtifactOnDeployment": policy},
    )
    arn: str = answer["CodeSigningConfig"]["CodeSigningConfigArn"]
    return arn


def deploy(client: Any, content: bytes, config_arn: str, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.create_function(
        FunctionName=more.pop("name", None) or new_name(),
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Code={"ZipFile": content},
        CodeSigningConfigArn=config_arn,
        **more,
    )
    return answer


def changed(content: bytes, name: str, new: bytes) -> bytes:
    """The package with another content of one entry."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as archive:
        for entry in source.infolist():
            archive.writestr(entry, new if entry.filename == name else source.read(entry))
    return target.getvalue()
