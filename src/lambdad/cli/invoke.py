"""`lambdad invoke`: the payload to standard output, everything else to standard error."""

import base64
import sys
import time
from pathlib import Path
from urllib.parse import quote

import click

from lambdad.cli.client import Client, endpoint_option, fail


def _payload(text: str) -> bytes:
    if text == "-":
        return sys.stdin.buffer.read()
    if text.startswith("@"):
        try:
            return Path(text[1:]).read_bytes()
        except OSError as error:
            fail(f"the payload cannot be read: {error}", 2)
    return text.encode()


@click.command("invoke")
@click.argument("function")
@click.option("--payload", default="{}", show_default=True, help="JSON; @FILE reads a file, - standard input.")
@click.option("--qualifier", help="A version.")
@click.option("--async", "asynchronous", is_flag=True, help="Only queue the event (InvocationType Event).")
@click.option("--tail", is_flag=True, help="Print the end of the log of this invocation.")
@click.option("--client-context", help="JSON that the handler finds in its context.")
@click.option("--tenant-id", help="Whose event it is, for functions that isolate their tenants.")
@endpoint_option
def command(
    function: str,
    payload: str,
    qualifier: str | None,
    asynchronous: bool,
    tail: bool,
    client_context: str | None,
    tenant_id: str | None,
    endpoint_url: str,
) -> None:
    """Invoke FUNCTION and print its answer. The exit code is 1 if the function failed."""
    headers = {"X-Amz-Invocation-Type": "Event" if asynchronous else "RequestResponse"}
    if tail:
        headers["X-Amz-Log-Type"] = "Tail"
    if client_context is not None:
        headers["X-Amz-Client-Context"] = base64.b64encode(client_context.encode()).decode()
    if tenant_id is not None:
        headers["X-Amz-Tenant-Id"] = tenant_id
    path = f"/2015-03-31/functions/{quote(function, safe='')}/invocations"
    if qualifier is not None:
        path += f"?Qualifier={quote(qualifier)}"
    began = time.perf_counter()
    answer = Client(endpoint_url).send("POST", path, _payload(payload), headers)
    took = (time.perf_counter() - began) * 1000
    if answer.error:
        fail(f"{answer.error}: {answer.message}")
    if "x-amz-log-result" in answer.headers:
        print(base64.b64decode(answer.headers["x-amz-log-result"]).decode(), file=sys.stderr)
    if asynchronous:
        print(f"queued ({answer.status})", file=sys.stderr)
        return
    sys.stdout.buffer.write(answer.body + b"\n")
    failed = answer.headers.get("x-amz-function-error")
    version = answer.headers.get("x-amz-executed-version")
    print(f"{took:.1f} ms, version {version}{', ' + failed + ' error' if failed else ''}", file=sys.stderr)
    sys.exit(1 if failed else 0)
