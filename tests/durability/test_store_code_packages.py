"""Code packages on disk: whole or not at all, shared, readable by any user, collected only when nothing needs them."""

import asyncio
import hashlib
import os
import stat
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from functions import zip_of
from lambdad.errors import InvalidParameterValueException
from lambdad.store.code_packages import CodePackages, hex_of

ONE = zip_of({"app.py": "x = 1\n", "lib/tool.py": "", "bin/run": "#!/bin/sh\n"}, executable=("bin/run",))


@pytest.fixture
def packages(tmp_path: Path) -> CodePackages:
    return opened(tmp_path)


def opened(data_dir: Path) -> CodePackages:
    packages = CodePackages(data_dir)
    packages.open()
    return packages


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await work()

    asyncio.run(main())


@pytest.fixture
def umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_package_is_found_by_its_sha256(packages: CodePackages) -> None:
    async def work() -> None:
        package = await packages.put(ONE)
        assert package.sha256 == hashlib.sha256(ONE).hexdigest() == hex_of(package.sha256_base64)
        assert package.size == len(ONE)
        assert packages.zip_path(package.sha256).read_bytes() == ONE
        assert await packages.inspect(ONE) == package == await packages.put(ONE)

    run(work)


async def unpacked(packages: CodePackages) -> Path:
    return Path(await packages.unpack((await packages.put(ONE)).sha256))


@pytest.mark.usefixtures("umask")
def test_anyone_may_read_what_is_unpacked(tmp_path: Path) -> None:
    root = asyncio.run(unpacked(opened(tmp_path)))
    modes = {str(path.relative_to(root)): stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*")}
    assert modes == {"app.py": 0o644, "lib": 0o755, "lib/tool.py": 0o644, "bin": 0o755, "bin/run": 0o755}
    assert stat.S_IMODE(root.stat().st_mode) == stat.S_IMODE(root.parent.stat().st_mode) == 0o755


def test_what_is_refused_leaves_nothing(packages: CodePackages, tmp_path: Path) -> None:
    async def work() -> None:
        for action in (packages.put, packages.inspect):
            with pytest.raises(InvalidParameterValueException):
                await action(b"no zip")
        assert list((tmp_path / "code").iterdir()) == []

    run(work)


def test_many_at_once_make_one(packages: CodePackages, tmp_path: Path) -> None:
    async def work() -> None:
        put = await asyncio.gather(*(packages.put(ONE) for _ in range(20)))
        assert len(set(put)) == 1
        roots = await asyncio.gather(*(packages.unpack(put[0].sha256) for _ in range(20)))
        assert set(roots) == {str(packages.unpacked_path(put[0].sha256))}
        assert len(list((tmp_path / "code").iterdir())) == 1
        assert [path.name for path in (tmp_path / "unpacked").iterdir() if path.is_dir()] == [put[0].sha256]

    run(work)


def test_what_a_crash_left_half_done_goes(tmp_path: Path) -> None:
    opened(tmp_path)
    (tmp_path / "code" / "abc.zip.123.part").write_bytes(b"half")
    (tmp_path / "unpacked" / "abc.123.part" / "lib").mkdir(parents=True)
    opened(tmp_path)
    assert list((tmp_path / "code").iterdir()) == []
    assert [path for path in (tmp_path / "unpacked").iterdir() if path.is_dir()] == []


def test_what_is_unpacked_stays_until_the_host_goes_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    boot = tmp_path / "boot_id"
    boot.write_text("first\n")
    monkeypatch.setattr("lambdad.store.code_packages._BOOT_ID", boot)
    root = asyncio.run(unpacked(opened(tmp_path)))
    opened(tmp_path)
    assert (root / "app.py").exists()
    boot.write_text("second\n")
    (root / "app.py").write_text("")  # as a power cut leaves it
    packages = opened(tmp_path)
    assert not root.exists()
    assert asyncio.run(unpacked(packages)) == root
    assert (root / "app.py").read_text() == "x = 1\n"


def test_collection_spares_what_is_used_and_what_just_came(packages: CodePackages) -> None:
    async def work() -> None:
        zips = [zip_of({"app.py": f"x = {number}"}) for number in range(3)]
        used, unused, new = [(await packages.put(content)).sha256 for content in zips]
        for sha256 in (used, unused, new):
            await packages.unpack(sha256)
        assert await packages.collect({used}) == 0  # all of them just came
        await packages.put(zips[2])
        assert await packages.collect({used}) == 1
        assert not packages.zip_path(unused).exists()
        assert not packages.unpacked_path(unused).exists()
        for sha256 in (used, new):
            assert packages.zip_path(sha256).exists()
            assert packages.unpacked_path(sha256).is_dir()
        assert await packages.collect(set()) == 2
        assert await packages.collect(set()) == 0

    run(work)


def test_what_is_put_while_the_collector_runs_is_there(packages: CodePackages) -> None:
    async def work() -> None:
        for _ in range(300):
            collected, package = await asyncio.gather(packages.collect(set()), packages.put(ONE))
            assert collected in (0, 1)
            assert packages.zip_path(package.sha256).exists()
            await packages.collect({})

    run(work)
