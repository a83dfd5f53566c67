"""Code packages: content-addressed zips on disk, checked before they are acknowledged, unpacked once.

`code/<sha256>.zip` is what was uploaded; `unpacked/<sha256>/` what environments mount. Nothing that a zip says of itself is
trusted: names, sizes and links are checked when it comes, sizes again while it is unpacked.
AWS: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import asyncio
import base64
import hashlib
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lambdad.errors import InvalidParameterValueException
from lambdad.resources.quotas import QUOTAS

_BLOCK = 1 << 20
_ENTRIES = 200_000
"""More names than this in one package are taken for an attack on the file system."""
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


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

    def open(self) -> None:
        """Make the directories; remove what a crash left half done."""
        self._zips.mkdir(parents=True, exist_ok=True)
        self._unpacked.mkdir(parents=True, exist_ok=True)
        # Whoever runs a function must be able to pass through, whatever the umask was.
        os.chmod(self._unpacked, 0o755)
        for left in (*self._zips.glob("*.part"), *self._unpacked.glob("*.part")):
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()

    def zip_path(self, sha256: str) -> Path:
        return self._zips / f"{sha256}.zip"

    def unpacked_path(self, sha256: str) -> Path:
        return self._unpacked / sha256

    def inspect(self, content: bytes) -> CodePackage:
        """What it would be stored as; nothing is stored."""
        digest = hashlib.sha256(content)
        return CodePackage(digest.hexdigest(), base64.b64encode(digest.digest()).decode(), len(content))

    async def put(self, content: bytes) -> CodePackage:
        """Check and keep a zip; on disk when this returns. Raises InvalidParameterValueException."""
        package = self.inspect(content)
        self._used_lately.add(package.sha256)
        await asyncio.to_thread(self._put, package, content)
        return package

    def _put(self, package: CodePackage, content: bytes) -> None:
        path = self.zip_path(package.sha256)
        if path.exists():
            return
        part = path.with_name(f"{path.name}.{os.urandom(4).hex()}.part")
        try:
            with open(part, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            _check(part)
            os.rename(part, path)
            _sync_directory(self._zips)
        finally:
            part.unlink(missing_ok=True)

    async def unpack(self, sha256: str) -> str:
        """The directory, unpacked if it was not; once, however many ask. Raises InvalidParameterValueException."""
        target = self.unpacked_path(sha256)
        if target.is_dir():
            return str(target)
        task = self._unpacking.get(sha256)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(_unpack, self.zip_path(sha256), target))
            self._unpacking[sha256] = task
            task.add_done_callback(lambda _: self._unpacking.pop(sha256, None))
        return await asyncio.shield(task)

    async def collect(self, in_use: Container[str]) -> int:
        """Remove the packages that nothing refers to, but for those that came since the last call. How many went."""
        recent, self._used_lately = self._used_lately, set()
        return await asyncio.to_thread(self._collect, in_use, recent)

    def _collect(self, in_use: Container[str], recent: set[str]) -> int:
        gone = 0
        for path in self._zips.glob("*.zip"):
            if path.stem not in in_use and path.stem not in recent:
                path.unlink(missing_ok=True)
                gone += 1
        for path in self._unpacked.iterdir():
            if path.suffix != ".part" and path.name not in in_use and path.name not in recent:
                shutil.rmtree(path, ignore_errors=True)
        return gone

    def total_size(self) -> int:
        """Bytes of all zips (the account's CodeStorage)."""
        return sum(path.stat().st_size for path in self._zips.glob("*.zip"))


def _check(path: Path) -> None:
    """Refuse what could not be unpacked safely. Raises InvalidParameterValueException."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if not any(not entry.is_dir() for entry in entries):
                raise InvalidParameterValueException.empty_zip()
            if len(entries) > _ENTRIES or any(not _is_safe(entry, archive) for entry in entries):
                raise InvalidParameterValueException.broken_zip()
            if sum(entry.file_size for entry in entries) > QUOTAS.unzipped_code:
                raise InvalidParameterValueException.unzipped_too_large(QUOTAS.unzipped_code)
            _read_through(archive, entries)
    except _BROKEN as error:
        raise InvalidParameterValueException.broken_zip() from error


def _read_through(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """Every entry decompresses, its checksum is right, and all together are no more than they say they are."""
    total = 0
    for entry in entries:
        with archive.open(entry) as stream:
            while block := stream.read(_BLOCK):
                total += len(block)
                if total > QUOTAS.unzipped_code:
                    raise InvalidParameterValueException.unzipped_too_large(QUOTAS.unzipped_code)


def _is_safe(entry: zipfile.ZipInfo, archive: zipfile.ZipFile) -> bool:
    """A plain file, a directory, or a link that stays inside; under a name that stays inside."""
    name = PurePosixPath(entry.filename.replace("\\", "/"))
    if name.is_absolute() or ".." in name.parts or "\0" in entry.filename or entry.flag_bits & 0x1:
        return False
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind == stat.S_IFLNK:
        if entry.file_size > 4096:
            return False
        return _stays_inside(name, archive.read(entry).decode("utf-8", "replace"))
    return kind in (0, stat.S_IFREG, stat.S_IFDIR)


def _stays_inside(name: PurePosixPath, target: str) -> bool:
    link = PurePosixPath(target)
    if link.is_absolute() or "\0" in target:
        return False
    depth = len(name.parts) - 1
    for part in link.parts:
        depth += -1 if part == ".." else 1
        if depth < 0:
            return False
    return True


def _unpack(path: Path, target: Path) -> str:
    """Into a directory beside the target, then renamed: a crash leaves no half. Readable by any user, writable by none."""
    part = target.with_name(f"{target.name}.{os.urandom(4).hex()}.part")
    try:
        part.mkdir()
        with zipfile.ZipFile(path) as archive:
            # Links come last: no file is ever written through one.
            entries = sorted(archive.infolist(), key=lambda entry: stat.S_ISLNK(entry.external_attr >> 16))
            for entry in entries:
                _extract(archive, entry, part)
        os.chmod(part, 0o755)
        try:
            os.rename(part, target)
        except OSError:
            if not target.is_dir():
                raise
    except _BROKEN as error:
        raise InvalidParameterValueException.broken_zip() from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return str(target)


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, root: Path) -> None:
    destination = root / entry.filename.replace("\\", "/")
    mode = entry.external_attr >> 16
    if entry.is_dir():
        _make_directories(destination, root)
        return
    _make_directories(destination.parent, root)
    if destination.is_symlink() or destination.exists():
        destination.unlink()
    if stat.S_ISLNK(mode):
        os.symlink(archive.read(entry).decode(), destination)
        return
    with archive.open(entry) as source, open(destination, "wb") as file:
        shutil.copyfileobj(source, file, _BLOCK)
    os.chmod(destination, 0o755 if mode & 0o111 else 0o644)


def _make_directories(directory: Path, root: Path) -> None:
    """With mode 755, whatever the umask."""
    missing = []
    while not directory.is_dir():
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
