"""`lambdad logs --follow`: everything once, and said aloud when the server is gone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from functions import create
from server import Server

CODE = "def handler(event, context):\n    print(event)\n"


@contextmanager
def following(server: Server, name: str, errors: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "lambdad", "logs", name, "--follow", "--endpoint-url", server.url]
    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
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
