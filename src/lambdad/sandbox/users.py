"""The users that sandboxes run as: a range of numbers that nobody else on this host has. user_namespaces(7).

systemd's list of what is whose (systemd.io/UIDS-GIDS) leaves 1879048192 to 2147483647 unused; each data directory has a
part of that of its own, so that two servers do not share users. Where the server is root of a container that does not
have these numbers, the highest it has.
"""

import hashlib
import os
from pathlib import Path

COUNT = 60_000
_FIRST, _LAST = 1_879_048_192, 2_147_483_647
_ORDINARY = 1_000
"""Numbers below are the system's."""
_NOBODY = 65_534


def users(data_dir: Path, uid_map: str, gid_map: str) -> range | None:
    """`uid_map`, `gid_map`: as in /proc/self. None: there are too few."""
    parts = (_LAST - _FIRST) // COUNT
    number = int.from_bytes(hashlib.sha256(str(data_dir).encode()).digest()[:4], "big") % parts
    own = range(_FIRST + number * COUNT, _FIRST + (number + 1) * COUNT)
    mapped = [_ranges(uid_map), _ranges(gid_map)]
    if all(any(own.start in ids and own[-1] in ids for ids in ranges) for ranges in mapped):
        return own
    widest = [max(ranges, key=len) for ranges in mapped]
    first = max(_ORDINARY, *(ids.start for ids in widest))
    last = min(_NOBODY, *(ids.stop for ids in widest))
    return range(max(first, last - COUNT), last) if last - first >= _ORDINARY else None


def own_users(data_dir: Path) -> range | None:
    """Of this process."""
    if os.geteuid() != 0:
        return None
    return users(data_dir, Path("/proc/self/uid_map").read_text(), Path("/proc/self/gid_map").read_text())


def _ranges(text: str) -> list[range]:
    lines = [tuple(map(int, line.split())) for line in text.splitlines()]
    return [range(inside, inside + count) for inside, _, count in lines]
