"""One connection, with a transport that does as it is told: what no client can bring about when it wants."""

import asyncio
from collections.abc import Callable

from lambdad.http.exchange import Exchange
from lambdad.http.limits import Limits
from lambdad.http.pieces import gather
from lambdad.http.protocol import HttpProtocol
from lambdad.http.server import listen


class Transport(asyncio.Transport):
    """Remembers what was done to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.writes = 0
        self.reading = True
        self.unsent = 0
        self.ended = asyncio.Event()

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.written += data
        self.writes += 1

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def close(self) -> None:
        """What is unsent keeps it open."""
        if not self.unsent:
            self.ended.set()

    def abort(self) -> None:
        self.ended.set()


def request(path: str, body: bytes = b"") -> bytes:
    return f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Connection:
    def __init__(self, limits: Limits, handler: Callable[[Exchange], None] | None = None) -> None:
        self.exchanges: list[Exchange] = []
        self.transport = Transport()
        self.protocol = HttpProtocol(handler or self.exchanges.append, limits, set())
        self.protocol.connection_made(self.transport)

    @property
    def targets(self) -> list[bytes]:
        return [exchange.target for exchange in self.exchanges]


ACKNOWLEDGED = b"HTTP/1.1 202 Accepted\r\n\r\n"
EVENT = b"HTTP/1.1 200 OK\r\n\r\n"


def acknowledging() -> Connection:
    """Acknowledges what is posted to /done, and keeps all else."""

    def handle(exchange: Exchange) -> None:
        if exchange.target == b"/done":
            exchange.respond_with_next(ACKNOWLEDGED)
        else:
            connection.exchanges.append(exchange)

    connection = Connection(Limits(), handle)
    return connection


def test_an_acknowledgement_leaves_with_the_answer_to_what_was_asked_after_it() -> None:
    async def scenario() -> None:
        connection = acknowledging()
        connection.protocol.data_received(request("/done", b"x" * 100) + request("/next"))
        assert connection.transport.writes == 0
        connection.exchanges[0].respond_raw(EVENT, b"event")
        assert connection.transport.written == ACKNOWLEDGED + EVENT + b"event"
        assert connection.transport.writes == 1

    asyncio.run(scenario())


def test_an_acknowledgement_waits_for_nothing_that_was_not_asked() -> None:
    async def scenario() -> None:
        connection = acknowledging()
        connection.protocol.data_received(request("/done"))
        assert connection.transport.written == ACKNOWLEDGED
        whole = request("/next")
        connection.protocol.data_received(request("/done") + whole[:20])
        assert connection.transport.written == 2 * ACKNOWLEDGED
        connection.protocol.data_received(whole[20:])
        connection.exchanges[0].respond_raw(EVENT, b"")
        assert connection.transport.written == 2 * ACKNOWLEDGED + EVENT

    asyncio.run(scenario())


def test_an_acknowledgement_comes_before_whatever_else_is_said() -> None:
    async def scenario() -> None:
        refused = acknowledging()
        refused.protocol.data_received(request("/done") + b"nonsense\r\n\r\n")
        assert refused.transport.written.startswith(ACKNOWLEDGED + b"HTTP/1.1 400 ")
        closing = acknowledging()
        closing.protocol.data_received(request("/done").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert closing.transport.written == ACKNOWLEDGED
        assert closing.transport.ended.is_set()
        streaming = acknowledging()
        streaming.protocol.data_received(request("/done") + request("/next"))
        stream = streaming.exchanges[0].stream(200)
        await stream.write(b"piece")
        assert streaming.transport.written.startswith(ACKNOWLEDGED + b"HTTP/1.1 200 OK\r\n")
        asked = acknowledging()
        asked.protocol.data_received(
            request("/done") + b"POST /x HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
        )
        assert asked.transport.written == ACKNOWLEDGED + b"HTTP/1.1 100 Continue\r\n\r\n"

    asyncio.run(scenario())


def test_nothing_is_looked_at_behind_the_last_answer() -> None:
    async def scenario() -> None:
        one = Connection(Limits())

        def handle(exchange: Exchange) -> None:
            one.exchanges.append(exchange)
            exchange.be_last()
            exchange.respond(400)

        one.protocol = HttpProtocol(handle, Limits(), set())
        one.protocol.connection_made(one.transport)
        one.protocol.data_received(request("/1") + request("/2"))
        one.protocol.data_received(request("/3"))
        assert one.targets == [b"/1"]
        assert b"Connection: close" in one.transport.written
        assert one.transport.ended.is_set()

    asyncio.run(scenario())


async def turns() -> None:
    """What was put off until the next turn of the loop has been done."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_soon(passed.set)
    await passed.wait()


def test_what_comes_while_the_next_one_is_about_to_begin_waits_behind_it() -> None:
    async def scenario() -> None:
        one = Connection(Limits())
        one.protocol.data_received(request("/1") + request("/2"))
        one.exchanges[0].respond(200)
        one.protocol.data_received(request("/3"))
        await turns()
        assert one.targets == [b"/1", b"/2"]
        one.exchanges[1].respond(200)
        await turns()
        assert one.targets == [b"/1", b"/2", b"/3"]

    asyncio.run(scenario())


def test_who_does_not_take_its_answers_may_ask_for_no_more() -> None:
    async def scenario() -> None:
        one = Connection(Limits())

        def answer(exchange: Exchange) -> None:
            one.exchanges.append(exchange)
            one.protocol.pause_writing()  # as the transport does when more is unsent than it likes
            exchange.respond(200)

        one.protocol = HttpProtocol(answer, Limits(), set())
        one.protocol.connection_made(one.transport)
        one.protocol.data_received(request("/1") + request("/2") + request("/3"))
        await turns()
        assert (one.targets, one.transport.reading) == ([b"/1"], False)
        one.protocol.resume_writing()
        await turns()
        assert (one.targets, one.transport.reading) == ([b"/1", b"/2"], False)
        one.protocol.resume_writing()
        await turns()
        one.protocol.resume_writing()
        assert (one.targets, one.transport.reading) == ([b"/1", b"/2", b"/3"], True)

    asyncio.run(scenario())


def test_reading_goes_on_when_no_reason_against_it_is_left() -> None:
    async def scenario() -> None:
        one = Connection(Limits(streamed_by=(b"mode", b"streaming")))
        one.protocol.data_received(b"POST / HTTP/1.1\r\nMode: streaming\r\nContent-Length: 9\r\n\r\n")
        body = one.exchanges[0].incoming
        assert body is not None
        body.pause()
        one.protocol.pause_writing()
        body.resume()
        assert not one.transport.reading
        one.protocol.resume_writing()
        assert one.transport.reading

    asyncio.run(scenario())


def test_a_client_that_takes_nothing_any_more_is_gone() -> None:
    async def scenario(close: bytes) -> None:
        one = Connection(Limits(request_time=0.01, idle_time=0.01))
        one.transport.unsent = 1000
        one.protocol.data_received(b"GET / HTTP/1.1\r\n" + close + b"\r\n")
        one.exchanges[0].respond(200)
        await asyncio.wait_for(one.transport.ended.wait(), 60)

    asyncio.run(scenario(b""))
    asyncio.run(scenario(b"Connection: close\r\n"))


def test_a_stream_that_is_taken_no_more_ends() -> None:
    async def scenario() -> None:
        one = Connection(Limits(request_time=0.01, idle_time=0.01))
        one.protocol.data_received(b"GET / HTTP/1.1\r\n\r\n")
        one.exchanges[0].stream(200)
        one.transport.unsent = 100_000
        one.protocol.pause_writing()
        await asyncio.wait_for(one.transport.ended.wait(), 60)

    asyncio.run(scenario())


def test_continue_is_not_said_in_the_middle_of_another_answer() -> None:
    async def scenario() -> None:
        one = Connection(Limits())
        one.protocol.data_received(b"GET /1 HTTP/1.1\r\n\r\n")
        stream = one.exchanges[0].stream(200)
        before = one.transport.written
        one.protocol.data_received(b"POST /2 HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
        assert one.transport.written == before
        stream.close()
        one.protocol.data_received(b"x")
        assert one.exchanges[1].body == b"x"

    asyncio.run(scenario())


def test_tiny_pieces_are_kept_as_few() -> None:
    pieces: list[bytes | bytearray] = [b"first"]
    sent = [b"xy"] * 10_000 + [b"x" * 5000] + [b"z"] * 10_000
    for piece in sent:
        gather(pieces, piece)
    assert b"".join(pieces) == b"first" + b"".join(sent)
    assert len(pieces) == 4


def test_a_listener_has_so_many_connections() -> None:
    """One more is closed, and no worse for those that are there; where one has gone, another may come."""

    async def status(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        """Nothing if it is closed."""
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: any\r\n\r\n")
            return (await reader.readuntil(b"\r\n\r\n")).split()[1]
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()
            return b""

    async def scenario() -> None:
        server = await listen(lambda exchange: exchange.respond(200), "127.0.0.1", 0, Limits(connections=2))
        first, second = [await asyncio.open_connection("127.0.0.1", server.port) for _ in "ab"]
        assert [await status(*one) for one in (first, second)] == [b"200", b"200"]
        assert await status(*await asyncio.open_connection("127.0.0.1", server.port)) == b""
        assert await status(*second) == b"200"
        first[1].close()
        third = await asyncio.open_connection("127.0.0.1", server.port)
        while await status(*third) != b"200":
            third = await asyncio.open_connection("127.0.0.1", server.port)
        for _, writer in (second, third):
            writer.close()
        await server.drain()

    asyncio.run(asyncio.wait_for(scenario(), 60))
