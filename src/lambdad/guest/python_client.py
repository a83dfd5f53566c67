"""The Runtime API as awslambdaric asks for it, over one kept connection and hand-made HTTP/1.1.

awslambdaric does the protocol's work in a compiled module, `runtime_client`, with three calls: `next`,
`post_invocation_result`, `post_error`. This class answers those calls, so everything above (context object, error
shapes, log formats) stays AWS's own. AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html

Why it is fast: a result and the request for the next event leave in one system call, since nothing is decided between
them; the acknowledgement of the result and the next event are then read in order, and the acknowledgement alone, which
changes nothing, does not wake the process (SO_RCVLOWAT). Large bodies are received into a buffer of their size.

The wait for an event has no limit: the platform freezes and ends environments, the runtime never does.
"""

import socket
from typing import Optional

_BUFFER = 16384
_ROOT = "/2018-06-01/runtime/invocation/"
_RESTORE = "/2018-06-01/runtime/restore/next"
_MOST_FAULT = 16384  # bytes: a longer X-Ray cause is left out, as AWS leaves out what its header limit does not hold
_LEAST_EVENT = 160  # bytes: an event with its headers is longer, the acknowledgement of a result is not
_LARGE = 1 << 20  # bytes
_MAPPED, _KEPT = 8 << 20, 32 << 20  # bytes
_ACCEPTED = 202
_TOO_LARGE = 413

# What awslambdaric looks up, by the name as it travels in lower case.
_KNOWN = {
    name.lower(): name
    for name in (
        "Lambda-Runtime-Aws-Request-Id",
        "Lambda-Runtime-Trace-Id",
        "Lambda-Runtime-Invoked-Function-Arn",
        "Lambda-Runtime-Deadline-Ms",
        "Lambda-Runtime-Client-Context",
        "Lambda-Runtime-Cognito-Identity",
        "Lambda-Runtime-Aws-Tenant-Id",
        "Lambda-Runtime-Invocation-Id",
        "Content-Type",
        "Content-Length",
    )
}


class RuntimeApiError(RuntimeError):
    """The Runtime API refused a call: the runtime cannot go on, as with AWS's own client."""


def keep_large_blocks() -> None:
    """A function that is sent megabytes will be again: glibc need not give back what they took (mallopt(3)).

    Other functions' environments stay as small as they are.
    """
    import ctypes  # a zygote has it; a runtime that is executed need not wait for it

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-3, _MAPPED)  # M_MMAP_THRESHOLD
        mallopt(-1, _KEPT)  # M_TRIM_THRESHOLD


class RuntimeClient:
    """One connection to the Runtime API at `address` (host:port). Not for more than one thread, as the API itself."""

    __slots__ = (
        "_address",
        "_agent",
        "_awaited",
        "_buffer",
        "_connected",
        "_end",
        "_large",
        "_next",
        "_socket",
        "_start",
        "_view",
    )

    def __init__(self, address: str, agent: str) -> None:
        """Connects at the first `next`: a snapshot may be taken before it."""
        host, _, port = address.rpartition(":")
        self._address = (host, int(port))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._agent = f"Host: {address}\r\nUser-Agent: {agent}\r\n"
        self._next = f"GET {_ROOT}next HTTP/1.1\r\n{self._agent}\r\n".encode()
        self._awaited: Optional[str] = (
            None  # what was posted and not yet acknowledged; its request for /next is out too
        )
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._connected = False
        self._large = False

    def restore_next(self) -> None:
        """Before the first `next`: say that initialisation is over; it is answered once the environment is restored."""
        self._connect()
        self._connected = True
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
        self._send([f"GET {_RESTORE} HTTP/1.1\r\n{self._agent}\r\n".encode()])
        status = self._read()[0]
        if status != 200:
            raise RuntimeApiError(f"Failed to be restored. Response code: {status}")
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, _LEAST_EVENT)

    def next(self) -> tuple[str, dict[str, object]]:
        """Wait for an event: its body and the headers awslambdaric knows, under its names."""
        if self._awaited is None:
            if not self._connected:
                self._connect()
            self._send([self._next])
        else:
            self._acknowledge(self._awaited)
            self._awaited = None
        status, headers, body = self._read()
        if status != 200:
            raise RuntimeApiError(f"Failed to get next invocation. Response code: {status}")
        headers["Lambda-Runtime-Deadline-Ms"] = int(str(headers["Lambda-Runtime-Deadline-Ms"]))
        return str(body, "utf-8"), headers

    def _connect(self) -> None:
        self._socket.connect(self._address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, _LEAST_EVENT)

    def post_invocation_result(
        self, invoke_id: str, result: bytes, content_type: str, invocation_id: Optional[str] = None
    ) -> None:
        self._post(f"{invoke_id}/response", result, f"Content-Type: {content_type}\r\n", invocation_id)

    def post_error(self, invoke_id: str, error: str, xray_fault: str, invocation_id: Optional[str] = None) -> None:
        fault = ""
        if 0 < len(xray_fault) <= _MOST_FAULT:
            fault = f"Lambda-Runtime-Function-XRay-Error-Cause: {xray_fault}\r\n"
        headers = f"Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: Unhandled\r\n{fault}"
        self._post(f"{invoke_id}/error", error.encode(), headers, invocation_id)

    def _post(self, path: str, body: bytes, headers: str, invocation_id: Optional[str]) -> None:
        if invocation_id is not None:
            headers += f"Lambda-Runtime-Invocation-Id: {invocation_id}\r\n"
        head = f"POST {_ROOT}{path} HTTP/1.1\r\n{self._agent}{headers}Content-Length: {len(body)}\r\n\r\n".encode()
        self._send([head, body, self._next])
        self._awaited = path

    def _acknowledge(self, posted: str) -> None:
        """A result that was too large has been reported by the platform as Function.ResponseSizeTooLarge: go on."""
        status, _, body = self._read()
        if status not in (_ACCEPTED, _TOO_LARGE):
            raise RuntimeApiError(f"Failed to post {posted}. Response code: {status}. {str(body, 'utf-8', 'replace')}")

    def _send(self, parts: list[bytes]) -> None:
        try:
            sent = self._socket.sendmsg(parts)
            for part in parts:
                if sent < len(part):
                    self._socket.sendall(memoryview(part)[sent:])
                sent = max(sent - len(part), 0)
        except ConnectionError:
            raise SystemExit(0) from None

    def _read(self) -> tuple[int, dict[str, object], "bytes | bytearray"]:
        """One response: status, known headers, body."""
        while (stop := self._buffer.find(b"\r\n\r\n", self._start, self._end)) < 0:
            self._fill()
        lines = str(self._view[self._start : stop], "utf-8").split("\r\n")
        self._start = stop + 4
        headers: dict[str, object] = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            known = _KNOWN.get(name.lower())
            if known is not None:
                headers[known] = value.strip()
        length = int(str(headers.get("Content-Length", "0")))
        return int(lines[0][9:12]), headers, self._take(length)

    def _take(self, length: int) -> "bytes | bytearray":
        """The next `length` bytes: those already here, and the rest from the socket into their own place."""
        here = min(self._end - self._start, length)
        part = self._view[self._start : self._start + here]
        self._start += here
        if here == length:
            return bytes(part)
        if length >= _LARGE and not self._large:
            self._large = True
            keep_large_blocks()
        body = bytearray(length)
        body[:here] = part
        rest = memoryview(body)[here:]
        while rest:
            rest = rest[self._receive(rest) :]
        return body

    def _fill(self) -> None:
        """More of a response's head into the buffer."""
        kept = self._end - self._start
        if kept:
            if kept == _BUFFER:
                raise RuntimeApiError("The Runtime API sent more than 16 KiB of headers")
            # It sends a head in pieces, whose last one may be short.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            self._buffer[:kept] = self._buffer[self._start : self._end]
        self._start, self._end = 0, kept
        self._end += self._receive(self._view[self._end :])

    def _receive(self, place: memoryview) -> int:
        """At least one byte. A closed connection means that the environment is being shut down."""
        try:
            received = self._socket.recv_into(place)
        except ConnectionError:
            received = 0
        if not received:
            raise SystemExit(0)
        return received
