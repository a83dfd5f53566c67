"""A zygote's rehearsal: invocations that go through the whole runtime and come from nowhere.

After it the interpreter has specialised the runtime's code and filled its caches, in memory that every environment shares;
done for the first time after the fork, all of that would be copied there, and its first invocation would wait for it.
"""

import logging
import os
import socket
import sys
from collections.abc import Callable

from awslambdaric import bootstrap, lambda_runtime_client

from lambdad.guest.python_client import RuntimeClient

_TIMES = 20
"""More often than CPython waits before it specialises a function's code (8 calls in 3.11, 3.12, 3.13)."""
_EVENT = (
    b"HTTP/1.1 200 OK\r\n"
    b"Lambda-Runtime-Aws-Request-Id: 00000000-0000-0000-0000-000000000000\r\n"
    b"Lambda-Runtime-Trace-Id: Root=1-00000000-000000000000000000000000\r\n"
    b"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:rehearsal\r\n"
    b"Lambda-Runtime-Deadline-Ms: 0\r\n"
    b"Content-Type: application/json\r\nContent-Length: 13\r\n\r\n"
    b'{"key": "v1"}'
)
_ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
_VARIABLES = {
    "_HANDLER": "operator.eq",  # any function of two arguments that is loaded already
    "LAMBDA_TASK_ROOT": "/var/task",
    "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:0",
    "AWS_LAMBDA_FUNCTION_NAME": "rehearsal",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
    "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/rehearsal",
    "AWS_LAMBDA_LOG_STREAM_NAME": "rehearsal",
}


class _Prompted(RuntimeClient):
    """Its events are all there before it asks."""

    def _connect(self) -> None:
        self._socket.close()
        self._socket, prompter = socket.socketpair()
        prompter.sendall(_EVENT + (_ACCEPTED + _EVENT) * _TIMES)
        prompter.shutdown(socket.SHUT_WR)
        self._prompter = prompter  # what is sent to it stays unread, in its buffer

    def close(self) -> None:
        """Now, not when the object goes: in a child the numbers of these descriptors belong to others."""
        self._socket.close()
        self._prompter.close()


def rehearse(main: Callable[[type[RuntimeClient]], None]) -> None:
    """Run `main` to its end, and leave everything as it was before."""
    environment, path, streams = dict(os.environ), list(sys.path), (sys.stdout, sys.stderr)
    converter = logging.Formatter.converter
    os.environ.update(_VARIABLES, _LAMBDA_TELEMETRY_LOG_FD=str(os.open(os.devnull, os.O_WRONLY)))
    try:
        main(_Prompted)
    except SystemExit:
        pass  # so it ends when there are no more events
    finally:
        lambda_runtime_client.runtime_client.close()
        lambda_runtime_client.runtime_client = None
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:] = path
        sys.stdout, sys.stderr = streams
        logging.Formatter.converter = converter
        logging.getLogger().handlers.clear()
        bootstrap._GLOBAL_AWS_REQUEST_ID = bootstrap._GLOBAL_TENANT_ID = None
