"""The snapshots of this host: one file a function version, kept while there is room. SnapStart's store.

A snapshot belongs to the zygote that its template was forked from, so it ends with the server: the files have no name, and
nothing of them is left however the server ends. They are no memory but what the kernel keeps of them; the most recently used
ones stay, within a total size.
"""

import logging
import os
import tempfile
from pathlib import Path

from lambdad.resources.function import FunctionKey, FunctionVersion

log = logging.getLogger(__name__)

Name = tuple[FunctionKey, str]


def name_of(version: FunctionVersion) -> Name:
    return version.key, version.version


class Snapshots:
    def __init__(self, directory: Path, limit: int) -> None:
        """`limit`: bytes they may take in all."""
        self._directory = directory
        self._limit = limit
        self._files: dict[Name, int] = {}
        """Descriptors that read; the least recently used first."""
        self._sizes: dict[Name, int] = {}

    def create(self) -> int:
        """A descriptor of a new file without a name, for a template to write to. Raises OSError."""
        self._directory.mkdir(parents=True, exist_ok=True)
        try:
            return os.open(self._directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError:  # a file system without them
            descriptor, path = tempfile.mkstemp(dir=self._directory)
            os.unlink(path)
            return descriptor

    def add(self, version: FunctionVersion, written: int) -> None:
        """`written`: what `create` gave; nobody writes to it any more. It is closed here. Raises OSError."""
        name = name_of(version)
        self.remove(name)
        self._files[name] = os.open(f"/proc/self/fd/{written}", os.O_RDONLY | os.O_CLOEXEC)
        self._sizes[name] = os.fstat(written).st_size
        os.close(written)
        while len(self._files) > 1 and sum(self._sizes.values()) > self._limit:
            oldest = next(iter(self._files))
            log.info("the snapshot of %s:%s is given up for others", oldest[0].arn, oldest[1])
            self.remove(oldest)

    def take(self, version: FunctionVersion) -> int | None:
        """A descriptor of its own, which the caller closes; None if there is no snapshot."""
        name = name_of(version)
        descriptor = self._files.pop(name, None)
        if descriptor is None:
            return None
        self._files[name] = descriptor
        return os.dup(descriptor)

    def __contains__(self, version: FunctionVersion) -> bool:
        return name_of(version) in self._files

    def remove(self, name: Name) -> None:
        """What was restored from it goes on: its pages stay as long as somebody has them mapped."""
        descriptor = self._files.pop(name, None)
        if descriptor is not None:
            del self._sizes[name]
            os.close(descriptor)

    def close(self) -> None:
        for name in list(self._files):
            self.remove(name)
