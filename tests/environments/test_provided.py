"""Custom runtimes: any executable named bootstrap. AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from functions import call, create

SHELL = """#!/bin/sh
set -eu
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
    headers=$(mktemp)
    event=$(curl -sS -D "$headers" "$api/invocation/next")
    id=$(grep -i '^lambda-runtime-aws-request-id:' "$headers" | tr -d '\\r' | cut -d' ' -f2)
    echo "got $event" >&2
    curl -sS -X POST "$api/invocation/$id/response" -d "{\\"echo\\": $event, \\"handler\\": \\"$_HANDLER\\"}" > /dev/null
done
"""

C = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
static int dial(void) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9001), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (struct sockaddr *)&to, sizeof to)) exit(9);
    return s;
}
int main(void) {
    for (;;) {
        static char in[65536], out[65536], body[256];
        int s = dial(), n = 0, got;
        const char *next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        write(s, next, strlen(next));
        while ((got = read(s, in + n, sizeof in - 1 - n)) > 0) n += got;
        in[n] = 0;
        close(s);
        char *id = strcasestr(in, "lambda-runtime-aws-request-id: ") + 31;
        id[36] = 0;
        snprintf(body, sizeof body, "{\"from\": \"a compiled program\"}");
        snprintf(out, sizeof out, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\n"
                 "Connection: close\r\nContent-Length: %zu\r\n\r\n%s", id, strlen(body), body);
        s = dial();
        write(s, out, strlen(out));
        while (read(s, in, sizeof in) > 0) {}
        close(s);
    }
}
"""


def make(client: Any, bootstrap: str | bytes, **more: Any) -> str:
    runtime = more.pop("runtime", "provided.al2023")
    return create(client, runtime=runtime, files={"bootstrap": bootstrap}, executable=("bootstrap",), **more)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("runtime", ["provided.al2023", "provided.al2"])
def test_a_shell_script(client: Any, runtime: str) -> None:
    name = make(client, SHELL, runtime=runtime, handler="my.handler", Timeout=60)
    for event in ({"a": 1}, [2]):
        assert call(client, name, event)[0] == {"echo": event, "handler": "my.handler"}


@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_a_compiled_program(client: Any, tmp_path: Path, isolated: None) -> None:
    source = tmp_path / "bootstrap.c"
    source.write_text(C)
    subprocess.run(["gcc", "-D_GNU_SOURCE", "-static", "-o", tmp_path / "bootstrap", source], check=True)
    name = make(client, (tmp_path / "bootstrap").read_bytes())
    for _ in range(3):
        assert call(client, name)[0] == {"from": "a compiled program"}


def test_no_bootstrap(client: Any) -> None:
    name = create(client, runtime="provided.al2023", files={"other": "x"})
    payload, answer = call(client, name)
    assert answer["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.InvalidEntrypoint"
    assert "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]" in payload["errorMessage"]


def test_a_bootstrap_that_is_not_executable(client: Any) -> None:
    name = create(client, runtime="provided.al2023", files={"bootstrap": SHELL})
    payload, _ = call(client, name)
    assert payload["errorType"] == "Runtime.InvalidEntrypoint"


def test_a_bootstrap_that_ends(client: Any) -> None:
    payload, _ = call(client, make(client, "#!/bin/sh\necho bye\nexit 5\n"))
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: exit status 5")
