"""The tracing header X-Amzn-Trace-Id: what it says of a trace, and whether the trace is recorded. Pure.

AWS: docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
"""

import re
from dataclasses import dataclass
from typing import Final

from lambdad.ids import new_segment_id, new_trace_root

SAMPLED: Final = "Sampled=1"
"""A header with this in it belongs to a trace that is recorded."""
TRACE_ID: Final = re.compile(r"1-[0-9a-f]{8}-[0-9a-f]{24}")
SEGMENT_ID: Final = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class TraceHeader:
    root: str | None = None
    """The trace's id; None: the header names none that could be one."""
    parent: str | None = None
    """The segment below which what follows belongs."""
    sampled: bool | None = None
    """None: nobody has decided yet."""
    others: tuple[str, ...] = ()
    """Its other fields as they came: Lineage, Self, a caller's own."""


def read_header(text: str) -> TraceHeader:
    """What is not understood is somebody else's, and kept."""
    root: str | None = None
    parent: str | None = None
    sampled: bool | None = None
    others = []
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, _, value = part.partition("=")
        if name == "Root":
            root = value if TRACE_ID.fullmatch(value) else root
        elif name == "Parent":
            parent = value if SEGMENT_ID.fullmatch(value) else parent
        elif name == "Sampled":
            sampled = {"1": True, "0": False}.get(value, sampled)
        else:
            others.append(part)
    return TraceHeader(root, parent, sampled, tuple(others))


def write_header(header: TraceHeader, now: float) -> str:
    """A trace that has no root begins here: `now`, in seconds since the epoch. What is not recorded has some parent."""
    parent = header.parent if header.sampled else header.parent or new_segment_id()
    fields = [f"Root={header.root or new_trace_root(now)}", f"Sampled={int(header.sampled or False)}", *header.others]
    if parent is not None:
        fields.insert(1, f"Parent={parent}")
    return ";".join(fields)
