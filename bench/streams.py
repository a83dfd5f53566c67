"""A streamed response: when its first byte is here, how fast 200 MB are, what the server holds meanwhile."""

import socket
import statistics
import threading
import time
from dataclasses import dataclass, field

from bench.client import Refused, Target
from bench.targets import Lambdad

SOURCE = r"""
import http.client, json, os
HOST, PORT = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
ROOT = "/2018-06-01/runtime/invocation/"
connection = http.client.HTTPConnection(HOST, int(PORT))
block = b"10000\r\n" + b"x" * 65536 + b"\r\n"
while True:
    connection.request("GET", ROOT + "next")
    answer = connection.getresponse()
    blocks = json.loads(answer.read())
    head = f"POST {ROOT}{answer.headers['Lambda-Runtime-Aws-Request-Id']}/response HTTP/1.1\r\nHost: x\r\n"
    mode = "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.sock.sendall((head + mode).encode())
    for _ in range(blocks):
        connection.sock.sendall(block)
    connection.sock.sendall(b"0\r\n\r\n")
    connection.sock.recv(65536)
"""
"""A function that is its own runtime, and writes as many blocks of 64 KB as it is told."""
_END = b"\r\n0\r\n\r\n"


@dataclass(slots=True)
class Streamed:
    first: list[float] = field(default_factory=list)
    """Seconds to the first byte of a function's answer."""
    megabytes_per_second: float = 0.0
    grown_mb: float = 0.0
    """The server's memory while it streams, above what it was before."""


def measure(server: Lambdad, target: Target, megabytes: int, count: int) -> Streamed:
    streamed = Streamed()
    with target.connect() as connection:
        for _ in range(50):
            _receive(connection, target, 1)
        streamed.first = [_receive(connection, target, 1)[0] for _ in range(count)]
        before, most, done = server.resident_mb(), 0.0, threading.Event()

        def watch() -> None:
            nonlocal most
            while not done.wait(0.005):
                most = max(most, server.resident_mb())

        watcher = threading.Thread(target=watch)
        watcher.start()
        rates = []
        try:
            for _ in range(3):
                _, took, size = _receive(connection, target, megabytes * 16)
                rates.append(size / took / 1e6)
        finally:
            done.set()
            watcher.join()
    streamed.megabytes_per_second = statistics.median(rates)
    streamed.grown_mb = max(most - before, 0.0)
    return streamed


def _receive(connection: socket.socket, target: Target, blocks: int) -> tuple[float, float, int]:
    """(seconds to the first byte of the answer's body, seconds to its last, bytes)."""
    began = time.perf_counter()
    connection.sendall(target.request(str(blocks).encode()))
    buffer = bytearray(1 << 20)
    first, size, tail = 0.0, 0, b""
    while not tail.endswith(_END):
        got = connection.recv_into(buffer)
        if not got:
            raise Refused("the connection was closed")
        size += got
        if not first and size > 1024:  # more than the head
            first = time.perf_counter() - began
        tail = (tail + bytes(buffer[max(got - len(_END), 0) : got]))[-len(_END) :]
    return first, time.perf_counter() - began, size
