"""What a deployment package must be to be accepted: a zip that unpacks safely, whatever it says of itself.

Refused are names that leave the root (absolute, `..`, through a link), links that lead out of it, names that stand for two
things at once, devices, encrypted and damaged entries, and more than 250 MB. Sizes are counted while everything is
decompressed once; what is declared is only the earlier reason to refuse.
AWS: docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; PKWARE's APPNOTE.TXT 4.4 (attributes, flags).
"""

import lzma
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import IO

from lambdad.errors import InvalidParameterValueException
from lambdad.resources.quotas import QUOTAS

BROKEN = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, NotImplementedError, RuntimeError, ValueError),
)
"""What reading a damaged zip raises."""

_BLOCK = 1 << 20
_ENTRIES = 200_000
"""More names than this in one package are taken for an attack on the file system."""
_NAME_BYTES = 255
_PATH_BYTES = 3500
"""As file systems have them; the path leaves room for the directory it is unpacked in."""
_LINK_BYTES = 4096
_HOPS = 40
"""Links that the kernel follows before it gives up."""
_ENCRYPTED = 0x1

Path = tuple[str, ...]
"""A name's parts."""


def check_zip(source: IO[bytes]) -> None:
    """Raises InvalidParameterValueException for what could not be unpacked."""
    if not source.read(1):
        raise InvalidParameterValueException.empty_zip()
    try:
        with zipfile.ZipFile(source) as archive:
            _check(archive)
    except BROKEN as error:
        raise InvalidParameterValueException.broken_zip() from error


def _check(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if all(entry.is_dir() for entry in entries):
        raise InvalidParameterValueException.empty_zip()
    if len(entries) > _ENTRIES or not all(map(_is_plain, entries)):
        raise InvalidParameterValueException.broken_zip()
    if sum(entry.file_size for entry in entries) > QUOTAS.unzipped_code:
        raise InvalidParameterValueException.unzipped_too_large(QUOTAS.unzipped_code)
    links = {path_of(entry): archive.read(entry).decode() for entry in entries if is_link(entry)}
    if _is_ambiguous(entries) or any(_leads_out(name, target, links) for name, target in links.items()):
        raise InvalidParameterValueException.broken_zip()
    _read_through(archive, entries)


def path_of(entry: zipfile.ZipInfo) -> Path:
    """Windows's separators are taken for what they mean."""
    return tuple(part for part in entry.filename.replace("\\", "/").split("/") if part not in ("", "."))


def is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16) and not entry.is_dir()


def _is_plain(entry: zipfile.ZipInfo) -> bool:
    """A file, a directory or a link, under a name that a file system can hold and that stays inside."""
    path = path_of(entry)
    if entry.filename.startswith(("/", "\\")) or ".." in path or "\0" in entry.orig_filename:
        return False
    if not path and not entry.is_dir():
        return False
    sizes = [len(part.encode()) for part in path]
    if max(sizes, default=0) > _NAME_BYTES or sum(sizes) + len(sizes) > _PATH_BYTES:
        return False
    if entry.flag_bits & _ENCRYPTED or (is_link(entry) and entry.file_size > _LINK_BYTES):
        return False
    return stat.S_IFMT(entry.external_attr >> 16) in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)


def _is_ambiguous(entries: list[zipfile.ZipInfo]) -> bool:
    """Something is both a directory and a file or link: what is in the one would be written through the other."""
    directories: set[Path] = set()
    for entry in entries:
        path = path_of(entry)
        directories.update(_ancestors(path))
        if entry.is_dir():
            directories.add(path)
    folded = {_folded(path) for path in directories}
    return any(
        path_of(entry) in directories or (is_link(entry) and _folded(path_of(entry)) in folded)
        for entry in entries
        if not entry.is_dir()
    )


def _ancestors(path: Path) -> Iterator[Path]:
    return (path[:length] for length in range(1, len(path)))


def _folded(path: Path) -> Path:
    """As a file system that ignores case (macOS) compares names."""
    return tuple(unicodedata.normalize("NFC", part.casefold()) for part in path)


def _leads_out(name: Path, target: str, links: Mapping[Path, str]) -> bool:
    """Follow a link as the kernel would, through whichever links are on its way: does it leave the root?"""
    if target.startswith("/") or "\0" in target or not target:
        return True
    at = list(name[:-1])
    todo = target.split("/")[::-1]
    hops = 0
    while todo:
        part = todo.pop()
        if part == "..":
            if not at:
                return True
            at.pop()
        elif part not in ("", "."):
            at.append(part)
            further = links.get(tuple(at))
            if further is not None:
                hops += 1
                if hops > _HOPS:
                    return False  # a loop leads nowhere
                at.pop()
                todo += further.split("/")[::-1]
    return False


def _read_through(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo]) -> None:
    """Every entry decompresses, its checksum is right, and all together are no more than may be."""
    total = 0
    for entry in entries:
        with archive.open(entry) as stream:
            while block := stream.read(_BLOCK):
                total += len(block)
                if total > QUOTAS.unzipped_code:
                    raise InvalidParameterValueException.unzipped_too_large(QUOTAS.unzipped_code)
