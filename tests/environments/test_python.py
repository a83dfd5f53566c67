"""Python functions on every version that is installed: what a runtime forked from a zygote must not let them notice.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-python.html
"""

from typing import Any

import pytest

from functions import call, create
from interpreters import PYTHON, PYTHONS

every_version = pytest.mark.parametrize("runtime", PYTHONS)


@every_version
def test_it_is_the_version_asked_for(client: Any, runtime: str) -> None:
    code = "import sys\ndef handler(event, context):\n    return ['python%d.%d' % sys.version_info[:2], event]\n"
    assert call(client, create(client, code, runtime=runtime), {"ü": [1.5, None]})[0] == [runtime, {"ü": [1.5, None]}]


@every_version
def test_an_exception_has_its_trace(client: Any, runtime: str) -> None:
    code = "def handler(event, context):\n    return inner(event)\ndef inner(event):\n    raise KeyError(event)\n"
    error, answer = call(client, create(client, code, runtime=runtime), "x")
    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == "KeyError"
    assert error["errorMessage"] == "'x'"
    assert [line.split(",")[:2] for line in error["stackTrace"]] == [
        ['  File "/var/task/app.py"', " line 2"],
        ['  File "/var/task/app.py"', " line 4"],
    ]


@every_version
def test_nothing_of_the_zygote_is_seen(client: Any, runtime: str) -> None:
    """Neither its own modules nor what its rehearsal did: no variables, no log handlers, no invocation before the first."""
    code = """
import json, logging, os, sys, time
import awslambdaric.bootstrap as bootstrap
before = [bootstrap._GLOBAL_AWS_REQUEST_ID, bootstrap._GLOBAL_TENANT_ID]
def handler(event, context):
    return {
        "handlers": [type(handler).__name__ for handler in logging.getLogger().handlers],
        "filters": [len(handler.filters) for handler in logging.getLogger().handlers],
        "rehearsal": "rehearsal" in json.dumps(dict(os.environ)),
        "before": before,
        "path": sys.path[:4],
        "modules": sorted({"init", "kernel", "protocol", "zygote", "immortal"} & set(sys.modules)),
        "main": sys.modules["__main__"].__name__,
        "frozen": os.environ["TZ"] + time.tzname[0],
    }
"""
    seen, _ = call(client, create(client, code, runtime=runtime))
    version = runtime.removeprefix("python")
    assert seen == {
        "handlers": ["LambdaLoggerHandler"],
        "filters": [1],
        "rehearsal": False,
        "before": [None, None],
        "path": ["/var/task", f"/opt/python/lib/python{version}/site-packages", "/opt/python", "/var/runtime"],
        "modules": [],
        "main": "__main__",
        "frozen": ":UTCUTC",
    }


@every_version
def test_the_function_s_modules_come_before_the_standard_library_s(client: Any, runtime: str) -> None:
    files = {
        "app.py": "import calendar, html.own, queue\n"
        "def handler(event, context):\n    return [calendar.WHOSE, html.own.WHOSE, queue.__file__]\n",
        "calendar.py": "WHOSE = 'mine'\n",
        "html/__init__.py": "",
        "html/own.py": "WHOSE = 'mine too'\n",
    }
    calendar, html, queue = call(client, create(client, files=files, runtime=runtime))[0]
    assert [calendar, html] == ["mine", "mine too"]
    assert queue.startswith(("/var/lang/lib/", "/usr/lib/"))


@every_version
def test_what_the_zygote_loaded_works_in_the_fork(client: Any, runtime: str) -> None:
    """Collectors, threads, forks, loops and hashes, over objects that were there before the function was."""
    code = """
import asyncio, collections, concurrent.futures, decimal, gc, hashlib, multiprocessing, random, re, ssl, subprocess, sys
import threading, uuid, weakref

def child(connection):
    connection.send(gc.collect() >= 0)

def handler(event, context):
    gc.unfreeze()
    for generation in (0, 1, 2):
        gc.collect(generation)
    gc.collect()
    values = {}
    thread = threading.Thread(target=values.update, args=({"thread": True},))
    thread.start(); thread.join()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        values["pool"] = sum(pool.map(int, "1234"))
    values["loop"] = asyncio.run(asyncio.sleep(0, "slept"))
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=child, args=(theirs,))
    process.start(); values["fork"] = ours.recv(); process.join(); values["code"] = process.exitcode
    values["run"] = subprocess.run(["/bin/echo", "ran"], capture_output=True, text=True).stdout
    values["random"] = len({random.random() for _ in range(9)} | {uuid.uuid4() for _ in range(9)})
    values["hash"] = hashlib.sha256(b"").hexdigest()[:8]
    values["decimal"] = str(decimal.Decimal("0.1") * 3)
    values["pattern"] = re.sub("(a)(b)", r"\\2\\1", "ab")
    class Held: pass
    held = Held(); seen = []; weakref.finalize(held, seen.append, "gone"); del held
    values["finalized"] = seen
    values["tuple"] = [pair for pair in zip("ab", "cd")]
    values["tls"] = ssl.create_default_context().check_hostname
    return values
"""
    name = create(client, code, runtime=runtime, MemorySize=512, Timeout=60)
    expected = {
        "thread": True,
        "pool": 10,
        "loop": "slept",
        "fork": True,
        "code": 0,
        "run": "ran\n",
        "random": 18,
        "hash": "e3b0c442",
        "decimal": "0.3",
        "pattern": "ba",
        "finalized": ["gone"],
        "tuple": [["a", "c"], ["b", "d"]],
        "tls": True,
    }
    for _ in range(3):
        assert call(client, name)[0] == expected


@every_version
def test_environments_draw_different_numbers(client: Any, runtime: str) -> None:
    """Random numbers are seeded in each environment, not in what they are forked from."""
    code = "import random, uuid\nvalues = [random.random(), str(uuid.uuid4())]\ndef handler(event, context):\n    return values\n"
    drawn = [call(client, create(client, code, runtime=runtime))[0] for _ in range(2)]
    assert drawn[0][0] != drawn[1][0]
    assert drawn[0][1] != drawn[1][1]


@every_version
def test_shared_memory_stays_shared(client: Any, runtime: str, isolated: None) -> None:
    """What a zygote loaded is immortal where CPython has that, so that using it writes nothing."""
    code = "import logging, sys\ndef handler(event, context):\n    return sys.getrefcount(logging)\n"
    count = call(client, create(client, code, runtime=runtime))[0]
    assert (count > 1 << 30) == (runtime not in ("python3.10", "python3.11"))


def test_log_format_json_is_read_in_the_fork(client: Any) -> None:
    code = "import logging\ndef handler(event, context):\n    return type(logging.getLogger().handlers[0].formatter).__name__\n"
    name = create(client, code, runtime=PYTHON, LoggingConfig={"LogFormat": "JSON"})
    assert call(client, name)[0] == "JsonFormatter"
