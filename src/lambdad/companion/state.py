"""moto's state on disk: saved a moment after it changed, restored at the next start.

Each service's backends are a file, pickled; contents of objects are files beside it (`contents.py`). What one backend holds of
another is kept as its name, so that there is one of each again. What cannot be pickled is left out, and said. Saving takes at most
a twentieth of the time, however much there is: a killed process loses what was changed since.
"""

import hashlib
import logging
import os
import pickle
import threading
import time
from pathlib import Path

from moto import __version__ as MOTO
from moto.backends import get_backend

from lambdad.companion.contents import Contents, sync_directory
from lambdad.companion.pickling import Name, backends_in_use, pickled, unpickled

log = logging.getLogger(__name__)

_WIDE = frozenset(
    {"cloudformation", "firehose", "stepfunctions", "apigateway", "apigatewayv2", "resourcegroupstaggingapi"}
)
"""They change what others hold."""
_OBJECTS = "s3"
_RESTED = 0.2
"""Seconds after a change, at least."""
_SHARE = 20
_AGAIN = 10.0
"""Seconds after a save that failed."""
_PATIENCE = 5.0
"""Seconds to wait for a moment without requests."""


class Gate:
    """Requests go through together, saving alone; but no request waits for one that waits for others."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0

    def enter(self) -> None:
        with self._changed:
            self._inside += 1

    def leave(self) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def hold(self) -> threading.Condition:
        """To be released; nobody is inside, unless somebody has been for very long."""
        self._changed.acquire()
        self._changed.wait_for(lambda: not self._inside, _PATIENCE)
        return self._changed


class State:
    """`restore` once, before the first request; `close` after the last."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._contents = Contents(directory / "objects")
        self.gate = Gate()
        self._dirty = threading.Event()
        self._services: set[str] = set()
        """Those that changed since they were saved."""
        self._closing = threading.Event()
        self._written: dict[str, str] = {}
        self._unsaved: set[str] = set()
        self._saver = threading.Thread(target=self._run, name="saver", daemon=True)

    def start(self) -> None:
        self._saver.start()

    def changed(self, service: str) -> None:
        """`service`: moto's name of who served a request."""
        self._services.add(service)
        self._dirty.set()

    def close(self) -> None:
        self._closing.set()
        self._dirty.set()
        self._saver.join()
        self.save(None)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._dirty.wait()
            if self._closing.wait(_RESTED):
                return
            self._dirty.clear()
            changed, self._services = self._services, set()
            began = time.monotonic()
            rest = _AGAIN
            if self.save(None if changed & _WIDE else changed):
                rest = (time.monotonic() - began) * _SHARE
            else:
                self._services |= changed
                self._dirty.set()
            self._closing.wait(rest)

    # --- Saving -------------------------------------------------------------------------------------------------------

    def save(self, changed: set[str] | None) -> bool:
        """What these services hold; None: all. False when there was no room for it: what was saved before is still there."""
        try:
            self._save(changed)
        except (OSError, MemoryError) as error:
            log.error("what the services hold could not be saved: %r", error)
            return False
        return True

    def _save(self, changed: set[str] | None) -> None:
        held = self.gate.hold()
        self._contents.begin()
        try:
            documents = self._documents(changed)
        finally:
            held.release()
        for service, backends in documents.items():
            self._write(service, pickle.dumps({"moto": MOTO, "backends": backends}))
        if _OBJECTS in documents:
            self._contents.sweep()

    def _documents(self, changed: set[str] | None) -> dict[str, dict[Name, bytes]]:
        names = backends_in_use()
        documents: dict[str, dict[Name, bytes]] = {}
        unfinished: set[str] = set()
        for backend, name in names.values():
            service, *where = name
            if changed is not None and service not in changed:
                continue
            try:
                documents.setdefault(service, {})[tuple(where)] = pickled(vars(backend), names, self._contents)
            except (pickle.PicklingError, TypeError, AttributeError, RecursionError, ValueError) as error:
                if service not in self._unsaved:
                    self._unsaved.add(service)
                    log.warning("what the service %s holds cannot be kept: %s", service, error)
            except RuntimeError:  # somebody changed it meanwhile, after all: once more
                unfinished.add(service)
                self.changed(service)
        return {service: backends for service, backends in documents.items() if service not in unfinished}

    def _write(self, service: str, content: bytes) -> None:
        digest = hashlib.sha256(content).hexdigest()
        if self._written.get(service) == digest:
            return
        path = self._directory / f"{service}.pickle"
        new = path.with_suffix(".new")
        with open(new, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.rename(path)
        sync_directory(self._directory)
        self._written[service] = digest

    # --- Restoring ----------------------------------------------------------------------------------------------------

    def restore(self) -> None:
        for path in sorted(self._directory.glob("*.pickle")):
            try:
                self._restore(path.stem, path.read_bytes())
            except Exception as error:  # noqa: BLE001 - whatever another version of moto wrote: it is put aside, and said
                log.error("what %s held cannot be restored, and is put aside: %r", path.stem, error)
                path.rename(path.with_suffix(".unreadable"))

    def _restore(self, service: str, content: bytes) -> None:
        document = pickle.loads(content)
        for (account, region), backend in document["backends"].items():
            target = get_backend(service)[account][region]
            found = unpickled(backend, self._contents)
            vars(target).clear()
            vars(target).update(found)
