"""`make demo`: start a server, deploy a function, invoke it cold and warm, say how to go on, stop everything.

Uses nothing but the `lambdad` command and HTTP, like anyone else.
"""

import base64
import http.client
import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).parent
LAMBDAD = Path(sys.executable).with_name("lambdad")
READY = "lambdad ready on "
BOLD, DIM, END = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")
WARM_CALLS = 200


def say(text: str) -> None:
    print(f"{BOLD}{text}{END}", flush=True)


def start(data_dir: str) -> tuple[subprocess.Popen[str], str]:
    """A server on a free port, and its URL."""
    command = [str(LAMBDAD), "serve", "--port", "0", "--data-dir", data_dir, "--log-level", "warning"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith(READY):
            return server, line[len(READY) :].strip()
    raise SystemExit("the server did not start")


def invoke(
    connection: http.client.HTTPConnection, payload: bytes, tail: bool
) -> tuple[float, http.client.HTTPResponse, bytes]:
    """(milliseconds, response, body)."""
    headers = {"X-Amz-Log-Type": "Tail"} if tail else {}
    began = time.perf_counter()
    connection.request("POST", "/2015-03-31/functions/hello/invocations", payload, headers)
    response = connection.getresponse()
    body = response.read()
    return (time.perf_counter() - began) * 1000, response, body


def show(url: str) -> int:
    deploy = [str(LAMBDAD), "deploy", str(HERE / "hello_python"), "--name", "hello", "--endpoint-url", url]
    subprocess.run(deploy, check=True, stdout=subprocess.DEVNULL)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    payload = json.dumps({"name": "world"}).encode()
    cold, response, body = invoke(connection, payload, tail=True)
    say("\nThe answer")
    print(body.decode())
    say("\nThe end of its log")
    print(base64.b64decode(response.headers["X-Amz-Log-Result"]).decode())
    warm = sorted(invoke(connection, payload, tail=False)[0] for _ in range(WARM_CALLS))
    say("Time")
    print(f"cold  {cold:8.2f} ms   (a new execution environment)")
    print(f"warm  {warm[WARM_CALLS // 2]:8.2f} ms   (median of {WARM_CALLS})")
    say("\nGo on")
    print(
        "  .venv/bin/lambdad serve                       # keeps what it is given, in ~/.local/share/lambdad\n"
        "  .venv/bin/lambdad deploy examples/hello_python --name hello\n"
        "  export AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_DEFAULT_REGION=us-east-1 \\\n"
        "         AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test\n"
        "  aws --endpoint-url http://127.0.0.1:4566 lambda invoke --function-name hello /dev/stdout"
    )
    return 0 if response.status == 200 and "X-Amz-Function-Error" not in response.headers else 1


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="lambdad-demo-") as directory:
        say("Starting lambdad …")
        server, url = start(str(Path(directory) / "data"))
        try:
            print(f"{DIM}{url}{END}")
            return show(url)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)


if __name__ == "__main__":
    sys.exit(main())
