"""`lambdad cost`: of a server, and as an estimate without one."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from costs import cost
from functions import call, create, new_name
from server import Server

LAMBDAD = str(Path(sys.executable).parent / "lambdad")
CODE = "def handler(event, context):\n    return event\n"
NOWHERE = "http://127.0.0.1:9"
EXAMPLE = ("--requests", "10000000", "--duration-ms", "200", "--memory", "256")


def run(*arguments: str, endpoint: str = NOWHERE, account: str = "000000000000") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": account, "AWS_REGION": "us-east-1"}
    command = [LAMBDAD, "cost", *arguments, "--endpoint-url", endpoint]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def shown(*arguments: str, **more: str) -> list[list[str]]:
    """The words of each line."""
    finished = run(*arguments, **more)
    assert finished.returncode == 0, finished.stderr
    return [line.split() for line in finished.stdout.splitlines()]


def test_an_estimate_needs_no_server() -> None:
    lines = shown(*EXAMPLE)
    assert ["requests", "10,000,000", "$2.00", "$2.00"] in lines
    assert ["duration", "500,000", "$8.33", "$6.67"] in lines
    assert ["total", "$3.46", "$3.14"] in lines
    assert ["512", "$11.80", "$9.80", "$3.46", "$3.14"] in lines
    document = json.loads(run(*EXAMPLE, "--json").stdout)
    assert document["functions"][0]["x86_64"]["cost"] == "3.46"
    assert document["prices"]["source"] == "https://aws.amazon.com/lambda/pricing/"


@pytest.mark.parametrize(
    "arguments",
    [EXAMPLE[:4], (*EXAMPLE, "--month", "2026-01"), ("--month", "2026-13"), ("--month", "lately"), ("--memory", "64")],
)
def test_what_cannot_be_asked(arguments: tuple[str, ...]) -> None:
    refused = run(*arguments)
    assert refused.returncode == 2
    assert not refused.stdout


def test_of_a_server(own_server: Server) -> None:
    own_server.start()
    mine: Any = own_server.client(account="111122223333")
    names = sorted([create(mine, CODE, MemorySize=192), create(mine, CODE)])
    for name in names:
        call(mine, name)
    create(own_server.client(), CODE, name=names[0])
    call(own_server.client(), names[0])
    where = {"endpoint": own_server.url, "account": "111122223333"}
    lines = shown(**where)
    assert [line[0] for line in lines if line and line[0] in (*names, "total")] == [*names, "total"]
    assert next(line[1] for line in lines if line[:1] == ["total"]) == "2"
    detail = shown("--function", names[1], **where)
    assert ["requests", "1", "$0.00", "$0.00"] in detail
    assert "10,240" in [line[0] for line in detail if line]
    document = json.loads(run("--json", **where).stdout)
    assert document["total"]["requests"] == 2
    assert document["account"] == "111122223333"
    assert document["month"] == f"{datetime.now(UTC):%Y-%m}"
    assert "Nothing was used." in run("--month", "2020-02", **where).stdout
    other = new_name()
    assert f"Nothing was used by {other}." in run("--function", other, **where).stdout


def test_the_page(server: Server) -> None:
    assert cost(server, month="2020-02")["total"]["requests"] == 0
    for month in ("2026-13", "2026", "x' OR 1"):
        status, body = server.get(f"/_lambdad/cost?month={month.replace(' ', '%20')}")
        assert status == 400
        assert json.loads(body)["message"].startswith("A month is written like")


def test_no_server() -> None:
    failed = run()
    assert failed.returncode == 1
    assert "lambdad serve" in failed.stderr
