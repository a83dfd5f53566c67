"""Contents of S3's objects, each a file of its own: written once, however often what else the service holds is saved."""

import hashlib
import os
from pathlib import Path
from typing import Any

LEAST = 65536
"""Bytes; smaller ones are saved with what is known of them."""
_PIECE = 1 << 20
_NAME = "_lambdad_content"


class Contents:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._used: set[str] = set()
        directory.mkdir(mode=0o700, exist_ok=True)

    def begin(self) -> None:
        """A save, which keeps all that is still there."""
        self._used = set()

    def keep(self, key: Any) -> str:
        """The name of its file, on disk. An object's content never changes: another one is another object."""
        name = getattr(key, _NAME, "")
        if not name or not (self._directory / name).exists():
            name = self._write(key)
            setattr(key, _NAME, name)
        self._used.add(name)
        return name

    def _write(self, key: Any) -> str:
        new, digest = self._directory / "new", hashlib.sha256()
        with open(new, "wb") as file, key.lock:
            key._value_buffer.seek(0)
            while piece := key._value_buffer.read(_PIECE):
                digest.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        new.rename(self._directory / digest.hexdigest())
        sync_directory(self._directory)
        return digest.hexdigest()

    def read(self, name: str) -> bytes:
        return (self._directory / name).read_bytes()

    def sweep(self) -> None:
        """Once what was saved is on disk: what nobody names any more."""
        for path in self._directory.iterdir():
            if path.name not in self._used:
                path.unlink()


def sync_directory(directory: Path) -> None:
    """Its names are on disk then."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
