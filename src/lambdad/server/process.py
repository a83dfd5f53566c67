"""The server as a process: its signals, its limits, what it says when it is ready and when it cannot start."""

import asyncio
import errno
import logging
import resource
import signal
import sys
from pathlib import Path

import uvloop

from lambdad.config import Config
from lambdad.server.allocation import keep_large_blocks
from lambdad.server.server import LambdaServer
from lambdad.store.database import DataDirectoryInUse

log = logging.getLogger(__name__)

_FILES = 65536


def _hint(error: Exception, config: Config) -> str:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return f". Port {config.port} is taken: choose another with --port, or end who has it."
    name = error.filename if isinstance(error, OSError) else None
    if isinstance(name, str) and (name == str(config.data_dir) or Path(name) in config.data_dir.parents):
        return ". Choose another data directory with --data-dir."
    return ""


async def _run(config: Config) -> int:
    stop = asyncio.Event()
    hurry = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: (hurry if stop.is_set() else stop).set())
    server = LambdaServer(config)
    try:
        await server.start()
    except (DataDirectoryInUse, OSError) as error:
        print(f"lambdad: {error}{_hint(error, config)}", file=sys.stderr)
        return 1
    print(f"lambdad ready on {server.url}", flush=True)
    await stop.wait()
    log.info("draining: running invocations finish first, unless a second signal says otherwise")
    await server.drain(hurry)
    return 0


def serve(config: Config) -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    logging.basicConfig(
        level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if most == resource.RLIM_INFINITY else min(most, _FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    keep_large_blocks()
    return uvloop.run(_run(config))
