"""The companion's process. Its settings are the first line of its standard input; it ends, saving, at the end of that."""

import fcntl
import json
import logging
import os
import resource
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from lambdad.companion.news import News
    from lambdad.companion.signatures import Signatures
    from lambdad.companion.state import State


def prepare(settings: dict[str, Any]) -> None:
    """Before moto is imported, which reads these."""
    os.environ.update(
        {
            "AWS_ACCESS_KEY_ID": settings["access_key"],
            "AWS_SECRET_ACCESS_KEY": settings["secret"],
            "AWS_ENDPOINT_URL": settings["url"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "MOTO_DISABLE_GLOBAL_CORS": "true",
            "MOTO_IAM_LOAD_MANAGED_POLICIES": "true",
            "MOTO_ALLOW_NONEXISTENT_REGION": "true",
            "MOTO_PORT": str(urlsplit(settings["url"]).port),
        }
    )
    os.environ.pop("AWS_PROFILE", None)
    os.environ.pop("AWS_SESSION_TOKEN", None)
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(levelname)s companion: %(message)s", stream=sys.stderr
    )
    logging.getLogger("werkzeug").setLevel(logging.ERROR)


def limit_memory(megabytes: int) -> None:
    """Whoever fills a bucket without end is refused, and the host goes on. Large objects are open files each."""
    threading.stack_size(1 << 20)
    _, files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = megabytes * 1048576
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if most == resource.RLIM_INFINITY else min(wanted, most), most))


def install(settings: dict[str, Any], signatures: "Signatures", state: "State") -> "News":
    """Ours in moto's place."""
    from lambdad.companion import expressions, functions, object_checksums, partiql, state_machines, tables, templates
    from lambdad.companion.buckets import Notifications
    from lambdad.companion.custom_resources import CustomResources
    from lambdad.companion.kinesis_streams import KinesisStreams
    from lambdad.companion.news import News
    from lambdad.companion.outbound import Outside
    from lambdad.companion.secret_rotation import SecretRotation
    from lambdad.companion.server_calls import ServerCalls
    from lambdad.companion.stack_operations import StackOperations
    from lambdad.companion.table_streams import TableStreams
    from lambdad.companion.topics import Topics

    calls = ServerCalls(settings["calls"])
    functions.install(calls)
    SecretRotation(calls).install()
    Notifications(calls).install()
    object_checksums.install()
    outside = Outside(settings["calls"], settings["denied"])
    Topics(calls, signatures, outside).install()
    news = News(calls)
    KinesisStreams(news).install()
    TableStreams(news).install()
    tables.install()
    expressions.install()
    partiql.install()
    state_machines.install(settings["url"], settings["access_key"], settings["secret"])
    templates.install()
    StackOperations(CustomResources(calls), state.changed).install()
    outside.guard()
    return news


def main() -> None:
    settings = json.loads(sys.stdin.readline())
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the server, too, which ends this in its turn
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    prepare(settings)
    limit_memory(settings["memory_mb"])
    directory = Path(settings["state"])
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the companion of a server that was killed may still be saving
        serve(settings, directory)


def serve(settings: dict[str, Any], directory: Path) -> None:
    from moto.moto_server.werkzeug_app import MotoRequestHandler
    from werkzeug.serving import make_server

    from lambdad.companion.application import Application
    from lambdad.companion.memory import Memory
    from lambdad.companion.signatures import NAME, Signatures
    from lambdad.companion.stack_operations import end_all_interrupted
    from lambdad.companion.state import State
    from lambdad.companion.state_machines import abort_interrupted

    class Handler(MotoRequestHandler):  # type: ignore[misc]
        protocol_version = "HTTP/1.1"

        def log_request(self, *given: Any) -> None:
            """The server's clients are not told about."""

    signatures = Signatures()
    state = State(directory)
    news = install(settings, signatures, state)
    state.restore()
    abort_interrupted()
    end_all_interrupted()
    news.start()
    state.start()
    listener = socket.socket(fileno=settings["listener"])
    application = Application(state, Memory(settings["memory_mb"]), {f"/{NAME}": signatures.certificate})
    server = make_server(
        "unix://companion", 0, application, threaded=True, request_handler=Handler, fd=listener.fileno()
    )
    serving = threading.Thread(target=server.serve_forever, name="server", daemon=True)
    serving.start()
    print("ready", flush=True)
    sys.stdin.read()
    server.shutdown()
    state.close()
    os._exit(0)  # threads of moto's that nobody ends must not keep it


if __name__ == "__main__":
    main()
