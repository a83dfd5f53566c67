"""The Python runtime process: /var/runtime/bootstrap.py, as on AWS.

It comes to life in one of two ways. Forked: the zygote calls `preload()` once and, in each child, `run(environment)`.
Executed (an exec wrapper, or variables an interpreter reads only when it starts): `main()`, in an environment that is
already the function's. Both end in `awslambdaric.bootstrap.run` with our client underneath.

The search path, the directories whose .pth files count and the variables are those of AWS's own bootstrap.py, seen in
docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-searchpath and in recorded environments.
"""

import atexit
import importlib
import os
import site
import sys
import threading
import time
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Optional

RUNTIME_DIR = os.path.dirname(os.path.abspath(__file__))
if RUNTIME_DIR not in sys.path:
    sys.path.insert(0, RUNTIME_DIR)

import awslambdaric.__main__ as awslambdaricmain  # noqa: E402  (tracing SDKs look for it, under this name, in __main__)
from awslambdaric import lambda_runtime_client  # noqa: E402

from lambdad.guest import python_rehearsal  # noqa: E402
from lambdad.guest.python_client import RuntimeClient  # noqa: E402
from lambdad.guest.python_marshaller import Marshaller  # noqa: E402

if TYPE_CHECKING:
    from lambdad.guest.python_snapshot import Snapshots

_LOG_DESCRIPTOR = "_LAMBDA_TELEMETRY_LOG_FD"
_PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"

# Modules AWS's runtime has loaded too by the time it looks for the handler: not those that only a zygote needs.
_OWN = frozenset(sys.modules) - {"ctypes", "resource", "select", "selectors", "signal", "socket", "struct"}

# The program this one is forked from is made of modules with common names (`protocol`): a function may have them too.
_MAIN = getattr(sys.modules["__main__"], "__file__", None)
_ZYGOTE = tuple(
    name
    for name, module in sys.modules.items()
    if _MAIN is not None and os.path.dirname(getattr(module, "__file__", None) or "") == os.path.dirname(_MAIN)
)

# What handlers and the AWS SDKs import before anything of their own: loaded once, before any fork, in shared memory.
# Never an SDK itself: a function may bring another version.
_PRELOADED = """
    asyncio base64 bisect binascii calendar concurrent.futures.thread configparser contextvars csv datetime decimal
    difflib email.message email.mime.text email.parser email.utils encodings.idna fractions getpass gzip hashlib
    hmac html http.client http.cookies http.cookiejar importlib.metadata inspect ipaddress json logging.config
    logging.handlers mimetypes netrc pathlib pickle pkgutil platform pprint queue random secrets selectors shlex
    shutil signal socket ssl statistics subprocess tempfile textwrap threading traceback typing unicodedata
    urllib.error urllib.parse urllib.request uuid weakref xml.etree.ElementTree xml.etree.cElementTree
    xml.sax.saxutils zipfile zoneinfo
""".split()  # noqa: SIM905

_loaded: dict[str, list[str]] = {}
"""What the zygote has loaded and AWS's runtime has not, by top-level name. Ready before the fork: going through sys.modules
after it would touch, and so copy, a page of memory for nearly every module."""


_snapshots: "list[Snapshots]" = []
"""One, in a zygote of a machine where processes can be restored."""


def preload() -> None:
    """In the zygote, before any fork: import what every function needs, and go through what every function will."""
    from lambdad.guest import python_snapshot  # only here: a runtime that is executed has no use for it

    site.setquit()
    site.setcopyright()
    site.sethelper()
    for name in _PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError:
            continue  # this interpreter was built without it, or its version has dropped it
    for name in sys.modules:
        if name not in _OWN:
            _loaded.setdefault(name.partition(".")[0], []).append(name)
    python_rehearsal.rehearse(main)
    prepared = python_snapshot.snapshots()
    if prepared is not None:
        _snapshots.append(prepared)


def restore(environment: Mapping[str, str], snapshot: int) -> None:
    """In the forked child: become what the snapshot's template was. Never returns: ends the process if that cannot be."""
    for prepared in _snapshots:
        prepared.restore(snapshot, environment)


def run(environment: Mapping[str, str], snapshot: Optional[int] = None) -> None:
    """In the forked child: become this function's runtime process. Never returns: ends by SystemExit.

    `snapshot`: the descriptor of a file to write one to, once it is initialised.
    """
    if snapshot is not None:
        for prepared in _snapshots:
            prepared.begin_template(snapshot, environment)
    for name in list(os.environ):
        del os.environ[name]
    for name, value in environment.items():
        os.environ[name] = value
    time.tzset()
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    for name in _ZYGOTE:
        sys.modules.pop(name, None)
    sys.modules["__main__"] = main_module = types.ModuleType("__main__")
    main_module.__dict__.update(__file__=__file__, awslambdaricmain=awslambdaricmain)
    sys.argv = [__file__]
    if "AWS_LAMBDA_LOG_FORMAT" in environment or "AWS_LAMBDA_LOG_LEVEL" in environment:
        importlib.reload(awslambdaricmain.bootstrap)  # it has read both when the zygote imported it
    try:
        main()
    except SystemExit:
        raise
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
        raise SystemExit(1) from error
    finally:
        # What an interpreter does at its end, and a fork leaves out.
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()


def main(client_type: type[RuntimeClient] = RuntimeClient) -> None:
    """Serve the function that the environment names."""
    task_root = os.environ["LAMBDA_TASK_ROOT"]
    _set_search_path(task_root)
    _forget_shadowed(task_root)
    os.environ.setdefault("PYTHONPATH", RUNTIME_DIR)
    if os.environ.get(_LOG_DESCRIPTOR) in ("1", "2"):
        os.environ[_LOG_DESCRIPTOR] = str(os.dup(int(os.environ[_LOG_DESCRIPTOR])))  # awslambdaric closes it at its end
    address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    lambda_runtime_client.runtime_client = client_type(address, lambda_runtime_client._user_agent())
    client = lambda_runtime_client.LambdaRuntimeClient(address)
    client.marshaller = Marshaller()
    client.restore_next = _restore_next
    awslambdaricmain.bootstrap.run(os.environ["_HANDLER"], client)


def _restore_next() -> None:
    """Called by awslambdaric when a function with SnapStart is initialised. It returns in every environment restored."""
    for prepared in _snapshots:
        if prepared.is_template:
            prepared.take()
    lambda_runtime_client.runtime_client.restore_next()


def _set_search_path(task_root: str) -> None:
    """The function, its layers unless it has a PYTHONPATH of its own, the runtime, the standard library.

    The host's site-packages are no part of it.
    """
    entries = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    given = [entry for entry in entries if entry not in ("", "/var/runtime", RUNTIME_DIR)]
    own = [task_root] if given else [task_root, *_layer_directories(task_root)]
    library = [
        entry
        for entry in sys.path
        if entry.startswith((sys.base_prefix, sys.base_exec_prefix)) and not entry.endswith("-packages")
    ]
    sys.path[:] = [*own, RUNTIME_DIR, *given, *(entry for entry in library if entry not in given)]
    for directory in own:
        sys.path_importer_cache.pop(directory, None)
        site.addsitedir(directory)


def _layer_directories(task_root: str) -> "tuple[str, str]":
    """Where there is no /var/task there is no /opt either: both are beside each other then."""
    python = "/opt/python" if task_root == "/var/task" else f"{os.path.dirname(task_root)}/opt/python"
    return f"{python}/{_PACKAGES}", python


def _forget_shadowed(task_root: str) -> None:
    """A function may have a module named as one of the standard library's; here that one may be loaded already."""
    for directory in (task_root, *_layer_directories(task_root)):
        for entry in _entries(directory):
            for module in _loaded.get(entry.partition(".")[0], ()):
                sys.modules.pop(module, None)


def _entries(directory: str) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []


if __name__ == "__main__":
    main()
