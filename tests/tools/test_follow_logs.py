"""`lambdad logs --follow`: everything once, and said aloud when the server is gone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from functions import create
from server import Server

CODE = "def handler(event, context):\n    print(event)\n"


def second_version() -> str | None:
    """Version 2 of the AWS CLI, which is no package: `apt-get install awscli` has it."""
    for directory in os.get_exec_path():
        program = os.path.join(directory, "aws")
        if os.access(program, os.X_OK):
            said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
            if said.startswith("aws-cli/2."):
                return program
    return None


@contextmanager
def following(server: Server, name: str, errors: Path, *program: str) -> Iterator[subprocess.Popen[str]]:
    command = [*(program or (sys.executable, "-m", "lambdad", "logs", name)), "--follow", "--endpoint-url", server.url]
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, env={**os.environ, **credentials}
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def until(process: "subprocess.Popen[str]", text: str) -> list[str]:
    """The lines up to the one that has `text`."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"no {text!r} in {lines}")


def test_what_comes_is_shown_once(own_server: Server, tmp_path: Path) -> None:
    own_server.start()
    client = own_server.client()
    name = create(client, CODE)
    with following(own_server, name, tmp_path / "errors") as process:
        seen: list[str] = []
        for number in range(5):
            client.invoke(FunctionName=name, Payload=f'"call {number}"')
            seen += until(process, f"call {number}")
    assert [line.strip() for line in seen if line.startswith("call ")] == [f"call {number}" for number in range(5)]


def test_the_aws_cli_tails(own_server: Server, tmp_path: Path) -> None:
    aws = second_version()
    if aws is None:
        pytest.skip("version 2 of the AWS CLI is not installed")
    own_server.start()
    client = own_server.client()
    name = create(client, CODE)
    client.invoke(FunctionName=name, Payload='"call 0"')
    own_server.wait_for_log(name, "REPORT")
    with following(own_server, name, tmp_path / "errors", aws, "logs", "tail", f"/aws/lambda/{name}") as process:
        seen = until(process, "REPORT")
        for number in range(1, 3):
            client.invoke(FunctionName=name, Payload=f'"call {number}"')
            seen += until(process, f"call {number}")
    assert [line.split()[-1] for line in seen if " call " in line] == ["0", "1", "2"]


def test_a_server_that_ends_is_an_error(own_server: Server, tmp_path: Path) -> None:
    own_server.start()
    client = own_server.client()
    name = create(client, CODE)
    client.invoke(FunctionName=name, Payload='"first"')
    with following(own_server, name, tmp_path / "errors") as process:
        until(process, "first")
        own_server.kill()
        assert process.wait(60) == 1
    assert "no server answers" in (tmp_path / "errors").read_text()
