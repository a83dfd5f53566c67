"""Code packages: content-addressed zips on disk, checked before they are acknowledged, unpacked once.

`code/<sha256>.zip` is what was uploaded, durable; `unpacked/<sha256>/` is what environments mount, and can always be made
again. AWS: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import asyncio
import base64
import hashlib
import io
import os
import shutil
import threading
import zipfile
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path

from lambdad.errors import InvalidParameterValueException
from lambdad.store.zip_check import BROKEN, check_zip, is_link, path_of

_BLOCK = 1 << 20
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class CodePackage:
    sha256: str
    """Hex: the address."""
    sha256_base64: str
    """As the API answers it."""
    size: int
    """Bytes of the zip."""


def hex_of(sha256_base64: str) -> str:
    """The address of a package whose CodeSha256 is known."""
    return base64.b64decode(sha256_base64).hex()


class CodePackages:
    def __init__(self, data_dir: Path) -> None:
        self._zips = data_dir / "code"
        self._unpacked = data_dir / "unpacked"
        self._unpacking: dict[str, asyncio.Task[str]] = {}
        self._used_lately: set[str] = set()
        self._disk = threading.Lock()
        """Between finding a zip there and counting on it, and between finding it unused and removing it."""

    def open(self) -> None:
        """Make the directories; remove what a crash left half done, or maybe half on disk."""
        self._zips.mkdir(parents=True, exist_ok=True)
        self._unpacked.mkdir(parents=True, exist_ok=True)
        # Whoever runs a function must be able to pass through, whatever the umask was.
        os.chmod(self._unpacked, 0o755)
        for left in self._zips.glob("*.part"):
            left.unlink()
        for left in self._unpacked.glob("*.part"):
            shutil.rmtree(left)
        self._distrust_after_boot()

    def _distrust_after_boot(self) -> None:
        """What is unpacked is not forced to disk, file by file: after the host has gone down, it is made anew."""
        boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
        mark = self._unpacked / ".boot"
        if boot and mark.exists() and mark.read_text() == boot:
            return
        for left in self._unpacked.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
        mark.write_text(boot)

    def zip_path(self, sha256: str) -> Path:
        return self._zips / f"{sha256}.zip"

    def unpacked_path(self, sha256: str) -> Path:
        return self._unpacked / sha256

    async def inspect(self, content: bytes) -> CodePackage:
        """Check a zip; nothing is stored. Raises InvalidParameterValueException."""
        return await asyncio.to_thread(_inspect, content)

    async def put(self, content: bytes) -> CodePackage:
        """Check and keep a zip; on disk when this returns. Raises InvalidParameterValueException."""
        return await asyncio.to_thread(self._put, content)

    def _put(self, content: bytes) -> CodePackage:
        package = _describe(content)
        path = self.zip_path(package.sha256)
        with self._disk:
            self._used_lately.add(package.sha256)
            if path.exists():
                return package
        check_zip(io.BytesIO(content))
        part = path.with_name(f"{path.name}.{os.urandom(4).hex()}.part")
        try:
            with open(part, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.rename(part, path)
            _sync_directory(self._zips)
        finally:
            part.unlink(missing_ok=True)
        return package

    async def unpack(self, sha256: str) -> str:
        """The directory, unpacked if it was not; once, however many ask. Raises InvalidParameterValueException, OSError."""
        target = self.unpacked_path(sha256)
        if target.is_dir():
            return str(target)
        task = self._unpacking.get(sha256)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(_unpack, self.zip_path(sha256), target))
            self._unpacking[sha256] = task
            task.add_done_callback(lambda _: self._unpacking.pop(sha256, None))
        return await asyncio.shield(task)

    async def unzipped_size(self, sha256: str) -> int:
        """Bytes of all that is in a package kept here."""
        return await asyncio.to_thread(_unzipped_size, self.zip_path(sha256))

    def will_be_used(self, sha256: str) -> None:
        """By something that is about to be committed: the next collection leaves it."""
        self._used_lately.add(sha256)

    async def collect(self, in_use: Container[str]) -> int:
        """Remove the packages that nothing refers to, but for those that came since the last call. How many went."""
        recent, self._used_lately = self._used_lately, set()
        return await asyncio.to_thread(self._collect, in_use, recent)

    def _collect(self, in_use: Container[str], recent: set[str]) -> int:
        found = {path.name.removesuffix(".zip") for path in (*self._zips.iterdir(), *self._unpacked.iterdir())}
        unused = [name for name in found if len(name) == 64 and name not in in_use]
        return sum(self._remove(sha256, recent) for sha256 in unused)

    def _remove(self, sha256: str, recent: set[str]) -> bool:
        """A tree goes out of the way first: nobody may find half of it."""
        away = self._unpacked / f"{sha256}.{os.urandom(4).hex()}.part"
        with self._disk:
            if sha256 in recent or sha256 in self._used_lately:
                return False
            self.zip_path(sha256).unlink(missing_ok=True)
            if self.unpacked_path(sha256).is_dir():
                os.rename(self.unpacked_path(sha256), away)
        shutil.rmtree(away, ignore_errors=True)
        return True


def _describe(content: bytes) -> CodePackage:
    digest = hashlib.sha256(content)
    return CodePackage(digest.hexdigest(), base64.b64encode(digest.digest()).decode(), len(content))


def _unzipped_size(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def _inspect(content: bytes) -> CodePackage:
    check_zip(io.BytesIO(content))
    return _describe(content)


def _unpack(path: Path, target: Path) -> str:
    """Into a directory beside the target, then renamed: a crash leaves no half. Readable by any user, writable by none."""
    part = target.with_name(f"{target.name}.{os.urandom(4).hex()}.part")
    try:
        part.mkdir()
        with zipfile.ZipFile(path) as archive:
            # Links come last: no file is ever written through one.
            for entry in sorted(archive.infolist(), key=is_link):
                _extract(archive, entry, part)
        os.chmod(part, 0o755)
        try:
            os.rename(part, target)
        except OSError:
            if not target.is_dir():
                raise
    except BROKEN as error:
        raise InvalidParameterValueException.broken_zip() from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return str(target)


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, root: Path) -> None:
    """A later entry of the same name replaces the earlier one."""
    destination = root.joinpath(*path_of(entry))
    if entry.is_dir():
        _make_directories(destination, root)
        return
    _make_directories(destination.parent, root)
    destination.unlink(missing_ok=True)
    if is_link(entry):
        os.symlink(archive.read(entry).decode(), destination)
        return
    with archive.open(entry) as source, open(destination, "wb") as file:
        shutil.copyfileobj(source, file, _BLOCK)
    os.chmod(destination, 0o755 if entry.external_attr >> 16 & 0o111 else 0o644)


def _make_directories(directory: Path, root: Path) -> None:
    """With mode 755, whatever the umask."""
    missing = []
    while directory != root and not directory.is_dir():
        missing.append(directory)
        directory = directory.parent
    for one in reversed(missing):
        one.mkdir()
        os.chmod(one, 0o755)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
