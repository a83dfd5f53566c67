"""The real AWS CLI and our own, as a person would use them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from functions import new_name, zip_of
from interpreters import PYTHON
from server import Server

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]


def run(server: Server, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "AWS_ENDPOINT_URL": server.url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_PAGER": "",
        **variables,
    }
    return subprocess.run(
        [str(BIN / arguments[0]), *arguments[1:]], capture_output=True, text=True, env=environment, timeout=120
    )


def test_the_life_of_a_function_by_the_aws_cli(server: Server, tmp_path: Path) -> None:
    name = new_name()
    package = tmp_path / "f.zip"
    package.write_bytes(zip_of({"app.py": "def handler(event, context):\n    return event\n"}))
    aws = ("aws", "lambda")
    role = "arn:aws:iam::000000000000:role/r"
    created = run(
        *(
            server,
            *aws,
            "create-function",
            "--function-name",
            name,
            "--runtime",
            PYTHON,
            "--handler",
            "app.handler",
        ),
        *("--role", role, "--zip-file", f"fileb://{package}"),
    )
    assert created.returncode == 0, created.stderr
    assert json.loads(created.stdout)["FunctionName"] == name
    assert run(server, *aws, "wait", "function-active-v2", "--function-name", name).returncode == 0
    out = tmp_path / "out.json"
    invoked = run(server, *aws, "invoke", "--function-name", name, "--payload", '{"a": [1, "ü"]}', str(out))
    assert invoked.returncode == 0, invoked.stderr
    assert json.loads(invoked.stdout)["StatusCode"] == 200
    assert json.loads(out.read_text()) == {"a": [1, "ü"]}
    updated = run(server, *aws, "update-function-configuration", "--function-name", name, "--timeout", "9")
    assert json.loads(updated.stdout)["Timeout"] == 9
    assert run(server, *aws, "wait", "function-updated-v2", "--function-name", name).returncode == 0
    listed = run(
        server, *aws, "list-functions", "--query", f"Functions[?FunctionName=='{name}'].Timeout", "--output", "text"
    )
    assert listed.stdout.strip() == "9"
    assert run(server, *aws, "delete-function", "--function-name", name).returncode == 0
    gone = run(server, *aws, "get-function", "--function-name", name)
    assert gone.returncode != 0
    assert "(ResourceNotFoundException)" in gone.stderr


def test_schedules_by_the_aws_cli(server: Server) -> None:
    name = new_name("s")
    aws, named = (server, "aws", "scheduler"), ("--name", name)
    target = {"Arn": "arn:aws:sqs:us-east-1:000000000000:q", "RoleArn": "arn:aws:iam::000000000000:role/r"}
    settings = (*("--flexible-time-window", "Mode=OFF"), *("--target", json.dumps(target)))
    when = ("--schedule-expression", "cron(0 7 ? * MON-FRI *)", "--schedule-expression-timezone", "Europe/Zurich")
    created = run(*aws, "create-schedule", *named, *when, *settings)
    assert created.returncode == 0, created.stderr
    shown = run(*aws, "get-schedule", *named, "--query", "[ScheduleExpression, State]", "--output", "text")
    assert shown.stdout.split("\t") == ["cron(0 7 ? * MON-FRI *)", "ENABLED\n"]
    refused = run(*aws, "update-schedule", *named, "--schedule-expression", "daily", *settings)
    assert "(ValidationException)" in refused.stderr
    assert "Invalid Schedule Expression daily." in refused.stderr
    assert run(*aws, "delete-schedule", *named).returncode == 0
    assert f"Schedule {name} does not exist." in run(*aws, "delete-schedule", *named).stderr


@pytest.mark.parametrize("example", ["hello_python", "hello_node", "hello_bootstrap"])
def test_deploy_and_invoke_the_examples(server: Server, example: str) -> None:
    name = new_name()
    runtime = ("--runtime", "nodejs20.x") if example == "hello_node" else ()
    for word in ("created", "updated"):
        deployed = run(server, "lambdad", "deploy", str(ROOT / "examples" / example), "--name", name, *runtime)
        assert deployed.returncode == 0, deployed.stderr
        assert word in deployed.stderr
    invoked = run(server, "lambdad", "invoke", name, "--payload", '{"name": "you"}')
    assert invoked.returncode == 0, invoked.stdout + invoked.stderr
    assert "you" in invoked.stdout
    assert name in run(server, "lambdad", "deploy", str(ROOT / "examples" / example), "--name", name).stdout


def test_deploy_a_package_as_it_is(server: Server, tmp_path: Path) -> None:
    package = tmp_path / f"{new_name()}.zip"
    package.write_bytes(zip_of({"app.py": "def handler(event, context):\n    return 'from a zip'\n"}))
    settings = ("--runtime", PYTHON, "--handler", "app.handler")
    deployed = run(server, "lambdad", "deploy", str(package), *settings)
    assert deployed.returncode == 0, deployed.stderr
    assert "from a zip" in run(server, "lambdad", "invoke", package.stem).stdout
    refused = run(server, "lambdad", "deploy", str(package), "--name", new_name())
    assert refused.stderr.splitlines()[-1].endswith("runs on: give --runtime and --handler.")


def test_errors_are_one_sentence(server: Server) -> None:
    for arguments in (("invoke", "nothing-there"), ("logs", "nothing-there"), ("logs", "x", "--since", "yesterday")):
        failed = run(server, "lambdad", *arguments)
        assert failed.returncode != 0
        assert len(failed.stderr.strip().splitlines()) == 1
        assert failed.stderr.startswith("lambdad: ")


def test_no_server() -> None:
    command = [str(BIN / "lambdad"), "invoke", "f", "--endpoint-url", "http://127.0.0.1:9"]
    failed = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert failed.returncode == 1
    assert "lambdad serve" in failed.stderr


@pytest.mark.parametrize("command", ["serve", "deploy", "invoke", "logs", "cost", "runtimes", "doctor", "completion"])
def test_help(command: str) -> None:
    shown = subprocess.run(
        [str(BIN / "lambdad"), command, "--help"], capture_output=True, text=True, timeout=120, check=True
    )
    assert shown.stdout.startswith("Usage:")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--host", "0.0.0.0"), "loopback"),
        (("--auth", "iam"), "iam"),
        (("--auth", "sigv4"), "--credential"),
        (("--function-url-domain", "two words"), "--function-url-domain takes a domain"),
        (("--endpoint", "nonsense"), "--endpoint"),
        (("--network-deny", "x"), "--network-deny"),
        (("--idle-timeout", "-1"), "--idle-timeout"),
        (("--quota", "timeout=forever"), "--quota"),
        (("--quota", "patience=1"), "patience"),
        (("--api-rate", "-1"), "--api-rate"),
        (("--usage-retention-days", "0"), "--usage-retention-days"),
    ],
)
def test_settings_that_are_refused(arguments: tuple[str, ...], word: str, tmp_path: Path) -> None:
    command = [str(BIN / "lambdad"), "serve", "--port", "0", "--data-dir", str(tmp_path), *arguments]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert refused.returncode == 2
    assert word in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_runtimes_and_doctor() -> None:
    shown = subprocess.run([str(BIN / "lambdad"), "runtimes"], capture_output=True, text=True, timeout=120, check=True)
    assert PYTHON in shown.stdout
    assert "provided.al2023" in shown.stdout
    doctor = subprocess.run([str(BIN / "lambdad"), "doctor"], capture_output=True, text=True, timeout=120)
    assert "isolation" in doctor.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str) -> None:
    made = subprocess.run(
        [str(BIN / "lambdad"), "completion", shell], capture_output=True, text=True, timeout=120, check=True
    )
    assert "_LAMBDAD_COMPLETE" in made.stdout


def test_signed_requests_only(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--auth", "sigv4", "--credential", "AKID:hidden").start()
    try:
        import boto3
        from botocore.exceptions import ClientError

        def client(secret: str) -> object:
            return boto3.client(
                "lambda",
                endpoint_url=server.url,
                region_name="us-east-1",
                aws_access_key_id="AKID",
                aws_secret_access_key=secret,
            )

        assert client("hidden").list_functions()["Functions"] == []  # type: ignore[attr-defined]
        with pytest.raises(ClientError, match="InvalidSignatureException"):
            client("wrong").list_functions()  # type: ignore[attr-defined]
        assert server.get("/2015-03-31/functions")[0] == 403
        assert server.get("/_lambdad/cost")[0] == 403
        own = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hidden"}
        deployed = run(server, "lambdad", "deploy", str(ROOT / "examples/hello_python"), "--name", "hello", **own)
        assert deployed.returncode == 0, deployed.stderr
        invoked = run(server, "lambdad", "invoke", "hello", "--payload", '{"name": "ü"}', **own)
        assert invoked.returncode == 0, invoked.stderr
        assert "START RequestId" in run(server, "lambdad", "logs", "hello", **own).stdout
        assert "hello" in run(server, "lambdad", "cost", "--function", "hello", **own).stdout
        refused = run(server, "lambdad", "invoke", "hello", **{**own, "AWS_SECRET_ACCESS_KEY": "wrong"})
        assert refused.returncode == 1
        assert "InvalidSignatureException" in refused.stderr
    finally:
        assert server.stop() == 0


def test_without_the_companion_other_services_are_refused_in_their_own_protocol(tmp_path: Path) -> None:
    from botocore.exceptions import ClientError

    alone = Server(tmp_path / "data", "--companion", "off").start()
    try:
        for service, operation in (("sts", "get_caller_identity"), ("iam", "list_roles"), ("dynamodb", "list_tables")):
            with pytest.raises(ClientError, match=f"lambdad does not serve {service}") as refused:
                getattr(alone.client(service), operation)()
            assert refused.value.response["Error"]["Code"] == "OtherServiceException"
    finally:
        assert alone.stop() == 0


def test_a_data_directory_that_cannot_be_made(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("")
    command = [str(BIN / "lambdad"), "serve", "--port", "0", "--data-dir", str(place / "data")]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert refused.returncode == 1
    assert "--data-dir" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
