"""The measures, and the bars that they are held to. Figures are medians of one run: quote them with their ratios."""

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import event_sources, events, logs, metric_queries, queues, snapstart, streams
from bench.client import Refused, Target, concurrent, invoke_once, request_once, sequential
from bench.rows import Row, milliseconds, p99, row
from bench.stored import fill, name_of
from bench.targets import OTHERS, Emulator, Lambdad, Ministack

WARM = 3000
TURNS = 15
COLD = 60
BURST = 100
SNAPSHOTS = 40
SECONDS = 4.0
FUNCTIONS = 10_000
BACKLOG = 1_000_000


def ready() -> list[Row]:
    """`lambdad serve` to ready, empty data directory."""
    times = []
    for _ in range(5):
        server = Lambdad()
        times.append(server.ready_seconds)
        server.close()
    return [row("serve to ready", "lambdad", times, bar="≤ 1 s")]


def _with(kind: Callable[[], object], use: Callable[..., list[float]]) -> list[float] | str:
    """What `use` measured, or why there is nothing to measure."""
    try:
        target = kind()
    except Refused as error:
        return str(error)
    try:
        return use(target)
    except (Refused, OSError) as error:
        return str(error)
    finally:
        target.close()  # type: ignore[attr-defined]


def in_turns(targets: Sequence[Target], payloads: Sequence[bytes], count: int) -> list[list[float]]:
    """Seconds of each of `count` requests per target, in turns: what slows the host down for a while slows all of them."""
    times: list[list[float]] = [[] for _ in targets]
    for target, payload in zip(targets, payloads, strict=True):
        sequential(target, payload, 200)
    for _ in range(TURNS):
        for target, payload, own in zip(targets, payloads, times, strict=True):
            own += sequential(target, payload, count // TURNS)
    return times


def _api_warm(count: int) -> Callable[[Lambdad | Ministack], list[float]]:
    def use(server: Lambdad | Ministack) -> list[float]:
        target = server.create("warm")
        sequential(target, b"{}", min(count, 200))
        return sequential(target, b"{}", count)

    return use


def _compared(measure: str, own: Sequence[float], others: dict[str, tuple[list[float] | str, str]]) -> list[Row]:
    """Our row once against each of the others, and theirs."""
    rows = []
    for name, (times, bar) in others.items():
        if isinstance(times, str):
            rows.append(Row(measure, name, f"not measured: {times[:60]}"))
            continue
        rows.append(row(measure, f"lambdad / {name}", own, statistics.median(times), bar))
        rows.append(row(measure, name, times))
    return rows


def warm() -> list[Row]:
    """One connection, one after the other."""
    emulator: list[float] | str
    server = Lambdad()
    try:
        target = server.create("warm")
        other = Emulator()
        try:
            other.start()
            own, emulator = in_turns((target, other.target), (b"{}", b"{}"), WARM)
        finally:
            other.close()
    except Refused as error:
        own, emulator = in_turns((target,), (b"{}",), WARM)[0], str(error)
    finally:
        server.close()
    ministack = _with(Ministack, _api_warm(60))
    return _compared("warm invoke", own, {"emulator": (emulator, "≤ 0.6 ×"), "ministack": (ministack, "≤ 0.02 ×")})


def throughput() -> list[Row]:
    """16 connections. The emulator runs one invocation at a time; it is given what it can take."""
    emulator = Emulator()
    try:
        emulator.start()
        theirs, _ = concurrent(emulator.target, b"{}", 1, SECONDS)
    finally:
        emulator.close()
    server = Lambdad()
    try:
        target = server.create("throughput")
        concurrent(target, b"{}", 16, 1.0)
        ours, times = concurrent(target, b"{}", 16, SECONDS)
    finally:
        server.close()
    return [
        Row(
            "throughput, 16 connections",
            "lambdad",
            f"{ours:,.0f}/s",
            milliseconds(p99(times)),
            f"{ours / theirs:.2f} ×",
            "≥ 4 ×",
        ),
        Row("throughput, 1 connection", "emulator", f"{theirs:,.0f}/s"),
    ]


def _emulator_cold(emulator: Emulator) -> list[float]:
    times = []
    for _ in range(COLD // 2):
        times.append(emulator.start())
        emulator.stop()
    return times


def _api_cold(count: int) -> Callable[[Lambdad | Ministack], list[float]]:
    def use(server: Lambdad | Ministack) -> list[float]:
        targets = [server.create(f"cold-{number}") for number in range(count)]
        times = []
        for target in targets:
            times.append(invoke_once(target, b"{}"))
            time.sleep(0.1)  # cold starts one by one: the next spare sandbox is made meanwhile
        return times

    return use


def cold() -> list[Row]:
    """First invocation of a function that has been Active for long; a new environment each."""
    own = _with(Lambdad, _api_cold(COLD))
    emulator = _with(Emulator, _emulator_cold)
    ministack = _with(Ministack, _api_cold(10))
    assert not isinstance(own, str), own
    rows = _compared("cold start", own, {"emulator": (emulator, "≤ 0.2 ×"), "ministack": (ministack, "≤ 0.05 ×")})
    if not isinstance(emulator, str):
        ratio = f"{p99(own) / statistics.median(emulator):.3f} ×"
        rows.append(Row("cold start, p99 / emulator's median", "lambdad", "", milliseconds(p99(own)), ratio, "≤ 0.5 ×"))
    return rows


def burst() -> list[Row]:
    """100 concurrent invocations of a fresh function."""
    server = Lambdad()
    try:
        target = server.create("burst", memory=128)
        times: list[float] = []
        failures: list[str] = []

        def one() -> None:
            try:
                times.append(invoke_once(target, b"{}"))
            except Refused as error:
                failures.append(str(error))

        threads = [threading.Thread(target=one) for _ in range(BURST)]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
    finally:
        server.close()
    answered = f"{len(times)} of {BURST} answered in {took:.2f} s"
    return [Row("100 cold starts at once", "lambdad", answered, milliseconds(p99(times)), "", "all answered")]


def payload() -> list[Row]:
    """Echo of 1 MB and of 6 MB."""
    server = Lambdad()
    try:
        target = server.create("echo")
        one = sequential(target, b'"' + b"x" * (1 << 20) + b'"', 30)
        six = sequential(target, b'"' + b"x" * (6 * (1 << 20) - 2) + b'"', 30)
    finally:
        server.close()
    return [
        row("echo of 1 MB", "lambdad", one),
        row("echo of 6 MB / 1 MB", "lambdad", six, statistics.median(one), "≤ 8 ×"),
    ]


def url() -> list[Row]:
    """A request to a function URL beside a direct invoke of the same function with the same event, in turns."""
    server = Lambdad()
    try:
        direct = server.create("url")
        by_url = Target.at(server.url, server.open_url("url"))
        event = request_once(by_url, b"{}")
        invoked, requested = in_turns((direct, by_url), (event, b"{}"), WARM)
    finally:
        server.close()
    return [
        row("function URL / direct invoke", "lambdad", requested, statistics.median(invoked), "≤ 1.5 ×"),
        row("direct invoke with its event", "lambdad", invoked),
    ]


def _pss(pids: Sequence[int]) -> int:
    """Bytes: each page counted by its share."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def _descendants(pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int(Path(entry, "stat").read_text().rsplit(")", 1)[1].split()[1])
            except FileNotFoundError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        below = children.get(queue.pop(), [])
        found += below
        queue += below
    return found


def density() -> list[Row]:
    """Memory of idle environments, ours with all that each has of its own; against as many of the emulator's.

    The second of the others counts its runtime process alone, without the emulator that each of them needs.
    """
    number = 20
    server = Lambdad()
    try:
        targets = [server.create(f"idle-{i}") for i in range(number)]
        before = _pss(_descendants(server.process.pid))
        for target in targets:
            invoke_once(target, b"{}")
        own = (_pss(_descendants(server.process.pid)) - before) / number
    finally:
        server.close()
    emulators = [Emulator() for _ in range(5)]
    try:
        for emulator in emulators:
            emulator.start()
        pids = [emulator.pid for emulator in emulators]
        runtimes = _pss([child for pid in pids for child in _descendants(pid)]) / len(emulators)
        whole = runtimes + _pss(pids) / len(emulators)
    finally:
        for emulator in emulators:
            emulator.close()
    name, bar = "idle environments per GiB", "≥ 4 ×"
    return [
        Row(name, "lambdad", _per_gib(own)),
        Row(name, "emulator", _per_gib(whole), "", f"{whole / own:.1f} ×", bar),
        Row(name, "its runtime process alone", _per_gib(runtimes), "", f"{runtimes / own:.1f} ×"),
    ]


def _per_gib(each: float) -> str:
    return f"{(1 << 30) / each:,.0f} ({each / 1048576:.1f} MB)"


def stream() -> list[Row]:
    """A streamed response, beside an Invoke of the same function on the same connection."""
    server = Lambdad()
    try:
        name = "stream"
        buffered = server.create(name, source=streams.SOURCE)
        target = Target.at(server.url, f"/2021-11-15/functions/{name}/response-streaming-invocations")
        whole = sequential(buffered, b"1", 500)
        streamed = streams.measure(server, target, 200, 500)
    finally:
        server.close()
    return [
        row("first byte of a streamed response / Invoke of 64 KB", "lambdad", streamed.first, statistics.median(whole)),
        Row("200 MB streamed", "lambdad", f"{streamed.megabytes_per_second:,.0f} MB/s"),
        Row("memory of the server meanwhile", "lambdad", f"+{streamed.grown_mb:.1f} MB"),
    ]


def asynchronous() -> list[Row]:
    """Events: one by one; 16 connections send them; one by one while these are run; beside a backlog of a throttled function."""
    accepted = events.accepting(SECONDS, 300)
    many, none, held = events.with_backlog(BACKLOG, 1.5, 3)
    return [
        Row("events accepted, 16 connections", "lambdad", f"{accepted.per_second:,.0f}/s", bar="≥ 2,000/s"),
        row("event sent → handler entered", "lambdad", accepted.late),
        row("the same beside another function's backlog", "lambdad", accepted.beside),
        Row("accepting slower", f"{BACKLOG:,} waiting / none", f"{many:,.0f}/s", "", f"{none / many:.2f} ×", "≤ 1.5 ×"),
        Row("memory of the server", f"{BACKLOG:,} waiting", f"+{held:.1f} MB"),
    ]


def control() -> list[Row]:
    """The API with 10,000 functions of 3 versions each in the store, beside one with a single function."""
    get, page = f"/2015-03-31/functions/{name_of(0)}", "/2015-03-31/functions/?MaxItems=50"
    label = f"{FUNCTIONS:,} × 3 versions"
    small, large = (Lambdad(lambda data_dir, number=number: fill(data_dir, number, 3)) for number in (1, FUNCTIONS))
    try:
        few, many = in_turns([Target.at(server.url, get) for server in (small, large)], (b"", b""), 3000)
        pages = sequential(Target.at(large.url, page), b"", 200)
        resident = [server.resident_mb() for server in (small, large)]
    finally:
        small.close()
        large.close()
    grown = (resident[1] - resident[0]) * 1024 / (FUNCTIONS * 4)
    return [
        Row("serve to ready", label, milliseconds(large.ready_seconds), bar="≤ 2 s"),
        row("GetFunction", f"{label} / empty", many, statistics.median(few), "≤ 1.5 ×"),
        row("GetFunction", "empty store", few),
        row("ListFunctions, page of 50", label, pages),
        Row("memory of the server", label, f"{resident[1]:.0f} MB", ratio=f"{grown:.1f} KB a version"),
    ]


def snap_start() -> list[Row]:
    """A function with 2 s of initialisation, restored and initialised."""
    server = Lambdad()
    try:
        restored = snapstart.first_invocations(snapstart.published(server, snap_start=True), SNAPSHOTS)
        initialised = snapstart.first_invocations(snapstart.published(server, snap_start=False), 5)
    finally:
        server.close()
    measure = "first invoke on a new environment, 2 s of initialisation"
    with_it = row(measure, "SnapStart", restored, statistics.median(initialised), "≤ 15 ms")
    return [with_it, row(measure, "without", initialised)]


MEASURES: dict[str, Callable[[], list[Row]]] = {
    "ready": ready,
    "warm": warm,
    "throughput": throughput,
    "cold": cold,
    "burst": burst,
    "payload": payload,
    "url": url,
    "density": density,
    "stream": stream,
    "asynchronous": asynchronous,
    "snapstart": snap_start,
    "queues": queues.measure,
    "sources": event_sources.measure,
    "idle": event_sources.idle,
    "logs": logs.measure,
    "flood": logs.flood,
    "metrics": metric_queries.measure,
    "control": control,
}


def host() -> str:
    cores = len(os.sched_getaffinity(0))
    python = subprocess.run([str(OTHERS / "bin" / "python"), "--version"], capture_output=True, text=True, check=False)
    return f"{cores} cores, {os.uname().sysname} {os.uname().release.split('-')[0]}, {python.stdout.strip() or sys.version}"
