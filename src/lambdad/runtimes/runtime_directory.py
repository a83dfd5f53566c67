"""Puts together what functions see at /var/runtime: the runtime client and what AWS ships with it.

One directory for each runtime and each state of its sources, named by a digest of them, made once and kept in a cache.
Files are linked where the host allows, copied where not, and readable by anyone: an environment has a user of its own.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

GUEST = Path(__file__).parents[1] / "guest"


@dataclass(frozen=True, slots=True)
class Source:
    """A file or directory of the host, and its path in the runtime directory."""

    path: Path
    target: str


def distribution(name: str, *modules: str) -> list[Source]:
    """An installed distribution's modules and packages, with its metadata (`importlib.metadata` works inside)."""
    found = []
    for module in modules:
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"lambdad's own installation lacks {module} (distribution {name})")
        origin = Path(spec.origin)
        place = origin.parent if spec.submodule_search_locations else origin
        found.append(Source(place, place.name))
    installed = importlib.metadata.distribution(name)
    metadata = f"{name.replace('-', '_')}-{installed.version}.dist-info"
    where = Path(str(installed.locate_file(metadata)))
    return [*found, Source(where, metadata)] if where.is_dir() else found


def assemble(cache: Path, name: str, sources: Sequence[Source], key: str, finish: Callable[[Path], None]) -> Path:
    """The directory of these sources under `cache`. `key` stands for whatever else its content depends on.

    Made in a temporary place, completed by `finish`, then renamed: it is there whole or not at all, and of two servers
    making it at once one wins.
    """
    place = cache / f"{name}-{_digest(sources, key)}"
    if place.is_dir():
        return place
    cache.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=cache))
    try:
        for source in sources:
            _place(source.path, making / source.target)
        finish(making)
        making.chmod(0o755)
        try:
            making.rename(place)
        except OSError:
            if not place.is_dir():
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return place


def _digest(sources: Sequence[Source], key: str) -> str:
    digest = hashlib.sha256(key.encode())
    for source in sources:
        file = source.path if source.path.is_file() else source.path / "__init__.py"
        stamp = file.stat() if file.exists() else source.path.stat()
        digest.update(f"{source.path} {source.target} {stamp.st_mtime_ns} {stamp.st_size}\n".encode())
    return digest.hexdigest()[:16]


def _place(source: Path, target: Path) -> None:
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if source.is_file():
        _link(str(source), str(target))
    else:
        ignore = shutil.ignore_patterns("__pycache__", "tests")
        shutil.copytree(source, target, copy_function=_link, ignore=ignore)
        for directory, _, _ in os.walk(target):
            os.chmod(directory, 0o755)


def _link(source: str, target: str) -> None:
    if os.stat(source).st_mode & 0o444 == 0o444:
        try:
            os.link(source, target)
        except OSError:
            pass  # another file system, or a host that guards links: a copy does as well
        else:
            return
    shutil.copy2(source, target)
    os.chmod(target, 0o644)
