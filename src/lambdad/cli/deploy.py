"""`lambdad deploy`: a directory, a zip or a jar becomes a function."""

import base64
import io
import os
import re
import sys
import time
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from lambdad.cli.client import Answer, Client, endpoint_option, fail
from lambdad.runtimes.catalogue import RUNTIMES
from lambdad.runtimes.interpreters import Interpreter, Interpreters

_LEFT_OUT = {".git", ".venv", "__pycache__", ".pytest_cache", ".mypy_cache", ".DS_Store"}
_ROLE = "arn:aws:iam::000000000000:role/lambdad"
_SETTLE_LIMIT = 60.0
_FUNCTIONS = "/2015-03-31/functions"


def zip_directory(directory: Path) -> bytes:
    """Modes and links are kept; what no function needs is left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for root, directories, files in os.walk(directory):
            directories[:] = sorted(name for name in directories if name not in _LEFT_OUT)
            for name in sorted(files):
                if name not in _LEFT_OUT:
                    path = Path(root, name)
                    archive.write(path, path.relative_to(directory))
    return buffer.getvalue()


def package_of(source: Path) -> bytes:
    """A file is a package as it is."""
    return zip_directory(source) if source.is_dir() else source.read_bytes()


def guess(directory: Path) -> tuple[str | None, str | None]:
    """(runtime, handler) from the files that are there."""
    if (directory / "bootstrap").is_file():
        return "provided.al2023", "bootstrap"
    for name in ("handler", "app", "lambda_function", "main", "index"):
        if (directory / f"{name}.py").is_file():
            function = "lambda_handler" if "def lambda_handler" in (directory / f"{name}.py").read_text() else "handler"
            return _newest_installed("python"), f"{name}.{function}"
        if any((directory / f"{name}{ending}").is_file() for ending in (".mjs", ".js", ".cjs")):
            return _newest_installed("nodejs"), f"{name}.handler"
    return None, None


def _newest_installed(family: str) -> str:
    """The newest runtime that this host has an interpreter for; else the newest there is: the server may run elsewhere."""
    released = [name for name, runtime in RUNTIMES.items() if runtime.family == family and runtime.runs]
    released = [name for name in released if not RUNTIMES[name].preview]
    newest_first = sorted(released, key=lambda name: [int(part) for part in re.findall(r"\d+", name)], reverse=True)
    interpreters = Interpreters({}, os.environ)
    for name in newest_first:
        if isinstance(interpreters.find(RUNTIMES[name]), Interpreter):
            return name
    return newest_first[0]


def _settings(options: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {
        member: options[name]
        for name, member in (("handler", "Handler"), ("role", "Role"), ("memory", "MemorySize"), ("timeout", "Timeout"))
        if options[name] is not None
    }
    if options["runtime"] is not None:
        settings["Runtime"] = options["runtime"]
    if options["env"]:
        for pair in options["env"]:
            if "=" not in pair:
                fail(f"--env takes NAME=VALUE, not {pair!r}.", 2)
        settings["Environment"] = {"Variables": dict(pair.split("=", 1) for pair in options["env"])}
    return settings


def _settled(client: Client, name: str) -> Answer:
    """Wait until nothing is pending."""
    deadline = time.monotonic() + _SETTLE_LIMIT
    while True:
        answer = _checked(client.send("GET", f"{_FUNCTIONS}/{quote(name)}/configuration"))
        state = answer.json()
        if state["State"] != "Pending" and state.get("LastUpdateStatus") != "InProgress":
            return answer
        if time.monotonic() > deadline:
            fail(f"{name} is still {state['State']} after {_SETTLE_LIMIT:.0f} seconds.")
        time.sleep(0.02)


def _checked(answer: Answer) -> Answer:
    if answer.status >= 400:
        fail(f"{answer.error}: {answer.message}")
    return answer


def _create(client: Client, name: str, content: str, settings: dict[str, Any], source: Path) -> None:
    runtime, handler = guess(source)
    members = {"Runtime": runtime, "Handler": handler, "Role": _ROLE, **settings}
    if not members["Runtime"] or not members["Handler"]:
        fail(f"it cannot be seen what {source} runs on: give --runtime and --handler.", 2)
    _checked(client.send("POST", _FUNCTIONS, {"FunctionName": name, "Code": {"ZipFile": content}, **members}))


def _update(client: Client, name: str, content: str, settings: dict[str, Any]) -> None:
    _settled(client, name)
    _checked(client.send("PUT", f"{_FUNCTIONS}/{quote(name)}/code", {"ZipFile": content}))
    if settings:
        _settled(client, name)
        _checked(client.send("PUT", f"{_FUNCTIONS}/{quote(name)}/configuration", settings))


@click.command("deploy")
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--name", help="The function's name (default: the directory's, or the file's).")
@click.option("--runtime", help="E.g. python3.12 (default: seen from the files).")
@click.option("--handler", help="E.g. app.handler (default: seen from the files).")
@click.option("--role", help="The execution role's ARN.")
@click.option("--memory", type=int, help="MB.")
@click.option("--timeout", type=int, help="Seconds.")
@click.option("--env", multiple=True, help="NAME=VALUE; may be given several times.")
@endpoint_option
def command(source: Path, name: str | None, endpoint_url: str, **options: Any) -> None:
    """Zip SOURCE, unless it is a zip or a jar, and create a function from it, or update the one of that name."""
    name = name or (source.resolve().name if source.is_dir() else source.stem)
    began = time.perf_counter()
    package = package_of(source)
    content, settings, client = base64.b64encode(package).decode(), _settings(options), Client(endpoint_url)
    print(f"{name}: {len(package) / 1024:.1f} KB … ", end="", file=sys.stderr, flush=True)
    there = client.send("GET", f"{_FUNCTIONS}/{quote(name)}/configuration").status == 200
    if there:
        _update(client, name, content, settings)
    else:
        _create(client, name, content, settings, source)
    state = _settled(client, name).json()
    took = time.perf_counter() - began
    print(
        f"{'updated' if there else 'created'}, {state['State']} ({state['Runtime']}) in {took:.2f} s", file=sys.stderr
    )
    print(f"lambdad invoke {name}")
