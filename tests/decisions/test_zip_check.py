"""Which zips are accepted as deployment packages; and that what is accepted stays inside when it is unpacked."""

import asyncio
import errno
import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lambdad.errors import InvalidParameterValueException
from lambdad.store.code_packages import CodePackages
from lambdad.store.zip_check import check_zip

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")

BROKEN = "Could not unzip uploaded file. Please check your file, then try to upload again."
FILE, LINK, DEVICE, SOCKET = stat.S_IFREG | 0o644, stat.S_IFLNK | 0o777, stat.S_IFBLK | 0o600, stat.S_IFSOCK | 0o600

Entry = tuple[str, bytes, int]
"""Name, content, mode."""


def zip_of(*entries: Entry) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content, mode in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def refusal(content: bytes) -> str | None:
    try:
        check_zip(io.BytesIO(content))
    except InvalidParameterValueException as error:
        return error.message
    return None


APP: Entry = ("app.py", b"x = 1\n", FILE)


@pytest.mark.parametrize(
    "entries",
    [
        [APP],
        [APP, ("lib/", b"", stat.S_IFDIR | 0o755), ("lib/a.py", b"", FILE)],
        [APP, ("lib\\windows.py", b"", 0)],
        [APP, ("./dot/./a.py", b"", FILE)],
        [APP, APP],
        [APP, ("LIB", b"", FILE), ("lib/a", b"", FILE)],
        [APP, ("link", b"app.py", LINK)],
        [APP, ("lib/link", b"../app.py", LINK)],
        [APP, ("dangling", b"nowhere/at/all", LINK)],
        [APP, ("loop", b"pool", LINK), ("pool", b"loop", LINK)],
        [APP, ("self", b".", LINK)],
        [APP, ("ünïcödé/🐑.txt", b"", FILE)],
        [APP, ("n" * 255, b"", FILE)],
    ],
)
def test_accepted(entries: list[Entry]) -> None:
    assert refusal(zip_of(*entries)) is None


@pytest.mark.parametrize(
    "entries",
    [
        [("../up.py", b"", FILE)],
        [("lib/../../up.py", b"", FILE)],
        [("lib\\..\\..\\up.py", b"", FILE)],
        [("/etc/cron.d/x", b"", FILE)],
        [("\\etc\\x", b"", FILE)],
        [("n" * 256, b"", FILE)],
        [("/".join(["directory"] * 400), b"", FILE)],
        [("block", b"", DEVICE)],
        [("socket", b"", SOCKET)],
        [("link", b"/etc/passwd", LINK)],
        [("link", b"../up", LINK)],
        [("link", b"", LINK)],
        [("link", b"a" * 5000, LINK)],
        [("link", b"\xff\xfe", LINK)],
        # Through a link to the root, `..` leads out although it does not look so.
        [("p/q/root", b"../..", LINK), ("out", b"p/q/root/..", LINK)],
        [("out", b"p/q/root/..", LINK), ("p/q/root", b"../..", LINK)],
        # Something inside what is a link, or a file.
        [("link", b"lib", LINK), ("link/a.py", b"", FILE)],
        [("link/a.py", b"", FILE), ("link", b"lib", LINK)],
        [("Link", b"lib", LINK), ("link/a.py", b"", FILE)],
        [("link", b"lib", LINK), ("link/further", b"x", LINK)],
        [("a", b"", FILE), ("a/b", b"", FILE)],
        [("a", b"", FILE), ("a/", b"", stat.S_IFDIR | 0o755)],
    ],
)
def test_refused(entries: list[Entry]) -> None:
    assert refusal(zip_of(APP, *entries)) == BROKEN


def test_no_zip_at_all() -> None:
    assert refusal(b"this is no zip") == BROKEN
    assert refusal(b"") == "Uploaded file must be a non-empty zip"
    assert refusal(zip_of()) == "Uploaded file must be a non-empty zip"
    assert refusal(zip_of(("only/", b"", stat.S_IFDIR | 0o755))) == "Uploaded file must be a non-empty zip"


def test_an_encrypted_entry() -> None:
    content = bytearray(zip_of(APP))
    for signature, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + flags] |= 1
    assert refusal(bytes(content)) == BROKEN


def test_every_truncation_is_refused() -> None:
    whole = zip_of(APP, ("data", os.urandom(2000), FILE))
    for length in range(1, len(whole), 97):
        assert refusal(whole[:length]) == BROKEN


def test_a_changed_byte_of_the_content_is_refused() -> None:
    noise = os.urandom(5000)
    content = bytearray(zip_of(("data", noise, FILE)))
    content[2500] ^= 0x40
    assert refusal(bytes(content)) == BROKEN


LIMIT = 250 * 1024 * 1024
TOO_LARGE = "Unzipped size must be smaller than 262144000 bytes"


def test_more_than_may_be_unpacked() -> None:
    assert refusal(zip_of(("zeros", bytes(LIMIT + 1), FILE))) == TOO_LARGE


def test_a_bomb_that_says_it_is_small() -> None:
    """Its directory and its entry declare ten bytes: what is more is not unpacked, and the checksum shows it."""
    content = bytearray(zip_of(("zeros", bytes(1_000_000), FILE)))
    for signature, size in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(signature) + size
        content[at : at + 4] = (10).to_bytes(4, "little")
    assert refusal(bytes(content)) == BROKEN


def test_entries_that_share_their_bytes() -> None:
    """The directory names the same compressed bytes again and again: 40 times 7 MB out of a few kilobytes."""
    single = zip_of(("zeros", bytes(7_000_000), FILE))
    directory = single.index(b"PK\x01\x02")
    end = single.index(b"PK\x05\x06")
    entry, tail = single[directory:end], bytearray(single[end:])
    tail[8:12] = (40).to_bytes(2, "little") * 2
    tail[12:16] = (len(entry) * 40).to_bytes(4, "little")
    assert refusal(single[:directory] + entry * 40 + bytes(tail)) == TOO_LARGE


PARTS = st.sampled_from(["a", "b", "c", "..", ".", "A"])
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
ENTRIES = st.lists(st.tuples(PATHS, PATHS.map(str.encode), st.sampled_from([FILE, LINK, LINK])), max_size=7)


@settings(max_examples=300, deadline=None)
@given(ENTRIES)
@example([("a", b"a", FILE), ("a", b"a/../..", LINK)])
def test_whatever_is_accepted_stays_inside(tmp_path_factory: pytest.TempPathFactory, entries: list[Entry]) -> None:
    """Names and links of every kind: all that was accepted is unpacked, and all of it resolves inside."""
    content = zip_of(APP, *entries)
    if refusal(content) is not None:
        return
    data_dir = tmp_path_factory.mktemp("package")
    root = asyncio.run(unpacked(data_dir, content))
    assert {path.name for path in data_dir.iterdir()} == {"code", "unpacked"}
    for directory, subdirectories, files in os.walk(root):
        for name in (*subdirectories, *files):
            path = Path(directory, name)
            assert path.is_symlink() or path.stat().st_mode & 0o444 == 0o444
            assert where_it_leads(path, root).startswith(root)


def where_it_leads(path: Path, root: str) -> str:
    try:
        return os.path.realpath(path, strict=True)
    except OSError as error:
        # To the kernel a loop leads nowhere; realpath would go on with what is written behind it.
        return root if error.errno == errno.ELOOP else os.path.realpath(path)


async def unpacked(data_dir: Path, content: bytes) -> str:
    packages = CodePackages(data_dir)
    packages.open()
    return await packages.unpack((await packages.put(content)).sha256)
