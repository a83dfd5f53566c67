"""`lambdad doctor`: what this host can and cannot do, and what would help."""

import os
import sys

import click

from lambdad.config import make_config


@click.command("doctor")
@click.option("--data-dir", help="The server's data directory (default: as `lambdad serve` has it).")
def command(data_dir: str | None) -> None:
    """Say what this host isolates and what it lacks. The exit code is 1 if functions cannot be isolated at all."""
    from lambdad.sandbox.doctor import examine
    from lambdad.services.companion.doctor import examine_companion

    findings = examine(make_config({"data_dir": data_dir} if data_dir else {}, os.environ).data_dir)
    findings.append(examine_companion())
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        print(f"{'✓' if finding.ok else '✗'} {finding.subject:{width}}  {finding.detail}")
        if finding.remedy:
            print(f"  {'':{width}}  → {finding.remedy}")
    sys.exit(0 if findings[0].ok else 1)
