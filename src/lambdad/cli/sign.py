"""`lambdad sign`: sign a package with a signing profile of one's own."""

import datetime
import sys
from pathlib import Path

import click

from lambdad.aws.signer.package import BrokenPackage
from lambdad.aws.signer.profiles import InvalidProfileName, open_profile
from lambdad.aws.signer.signing import sign_package
from lambdad.config import default_data_dir


@click.command("sign")
@click.argument("package", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--profile", default="lambdad", show_default=True, help="Signing profile; made at first use.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="[default: PACKAGE with .signed.zip]")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="LAMBDAD_DATA_DIR",
    help="The server's: profiles are kept there, and it trusts them.",
)
@click.option("--region", envvar="AWS_REGION", default="us-east-1", show_default=True, help="In the profile's ARN.")
@click.option("--account", default="000000000000", show_default=True, help="In the profile's ARN.")
def command(package: Path, profile: str, output: Path | None, data_dir: Path | None, region: str, account: str) -> None:
    """Sign PACKAGE (a zip) as AWS Signer does, with a profile of your own.

    Prints the profile version's ARN: put it into a code signing configuration
    as an allowed publisher, and attach that to a function.
    """
    target = output or package.with_suffix(".signed.zip")
    try:
        opened = open_profile(data_dir or Path(default_data_dir()), profile, account, region)
        target.write_bytes(sign_package(package.read_bytes(), opened, datetime.datetime.now(datetime.UTC)))
    except (InvalidProfileName, BrokenPackage, OSError) as error:
        print(f"lambdad sign: {error}", file=sys.stderr)
        sys.exit(1)
    print(f"wrote {target}", file=sys.stderr)
    print(opened.version_arn)
