"""Memory that stays shared after a fork: what a zygote has loaded is made immortal.

The kernel copies a page for a child when the child writes to it, and counting a reference is a write. From 3.12 on CPython
counts none for immortal objects (PEP 683, made for exactly this use), but offers no call for it, or (from 3.15,
`PyUnstable_SetImmortal`) one for objects that nobody else refers to: so the count is written here. It is done only where its
layout is known: otherwise nothing happens, and children are larger and a little slower.

An immortal object is never freed, which is true of all that a zygote has loaded anyway. What it refers to may still change.
"""

import ctypes
import gc
import platform
import struct
import sys
import types

_COUNTS = {(3, 12): 0xFFFFFFFF, (3, 13): 0xFFFFFFFF, (3, 14): 0xC0000000, (3, 15): 0xC0000000}
"""By version: what an immortal object's lower 32 bits of reference count are (Include/refcount.h, `_Py_IMMORTAL_…REFCNT`)."""
_MORTAL = (
    types.FrameType,
    types.GeneratorType,
    types.CoroutineType,
    types.AsyncGeneratorType,
    types.TracebackType,
    BaseException,
)
"""What is under way, and ends."""


def make_all_immortal() -> None:
    """Every object that the garbage collector knows of, and what those refer to. For a process with one thread."""
    count = _COUNTS.get(sys.version_info[:2])
    if count is None or not _layout_is_known():
        return
    gc.collect()
    found: set[int] = set()
    waiting = gc.get_objects()
    own = {id(found), id(waiting)}
    while waiting:
        one = waiting.pop()
        if id(one) not in found and id(one) not in own and not isinstance(one, _MORTAL):
            found.add(id(one))
            waiting += gc.get_referents(one)
    del one
    for address in found:
        ctypes.c_uint32.from_address(address).value = count


def _layout_is_known() -> bool:
    return (
        platform.python_implementation() == "CPython"
        and struct.calcsize("P") == 8
        and sys.byteorder == "little"
        and not sys.abiflags  # neither a debug build nor one without the interpreter's lock
    )
