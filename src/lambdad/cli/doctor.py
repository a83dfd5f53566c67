"""`lambdad doctor`: what this host can and cannot do, and what would help."""

import os
import sys

import click

from lambdad.config import make_config


@click.command("doctor")
def command() -> None:
    """Say what this host isolates and what it lacks. The exit code is 1 if something is missing."""
    from lambdad.sandbox.doctor import examine

    findings = examine(make_config({}, os.environ).data_dir)
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        print(f"{'✓' if finding.ok else '✗'} {finding.subject:{width}}  {finding.detail}")
        if finding.remedy:
            print(f"  {'':{width}}  → {finding.remedy}")
    sys.exit(0 if all(finding.ok for finding in findings) else 1)
