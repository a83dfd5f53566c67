"""An SQS message: what may be in it, and the digests that clients check.

AWS: docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
"""

import hashlib
import re
import struct
from collections.abc import Mapping
from typing import Any, Final

from lambdad.errors.sqs import InvalidMessageContents, InvalidParameterValue

Attributes = Mapping[str, Mapping[str, Any]]
"""By name: DataType, and StringValue or (bytes) BinaryValue."""

TRACE: Final = "AWSTraceHeader"
"""The one system attribute that senders may give."""

_INVALID = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_FIFO_ID = re.compile(r"[a-zA-Z0-9!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]{1,128}")
_TYPES = ("String", "Number", "Binary")
_MOST = 10
_STRING, _BINARY = 1, 2


def md5_of_body(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def md5_of_attributes(attributes: Attributes) -> str:
    """As AWS documents it: names in order, each with its type and value, lengths before all."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        _add(digest, name.encode())
        _add(digest, attribute["DataType"].encode())
        text = attribute.get("StringValue")
        digest.update(bytes([_BINARY if text is None else _STRING]))
        _add(digest, attribute["BinaryValue"] if text is None else text.encode())
    return digest.hexdigest()


def _add(digest: Any, part: bytes) -> None:
    digest.update(struct.pack(">I", len(part)))
    digest.update(part)


def check_characters(text: str) -> None:
    """Raises InvalidMessageContents."""
    if _INVALID.search(text):
        raise InvalidMessageContents.characters()


def sendable(text: str) -> str:
    """With a mark in the place of what no message may have."""
    return _INVALID.sub("\ufffd", text)


def check_fifo_id(value: str, parameter: str) -> None:
    """Of a message group or deduplication. Raises InvalidParameterValue."""
    if not _FIFO_ID.fullmatch(value):
        raise InvalidParameterValue.fifo_id(value, parameter)


def check_attributes(attributes: Attributes) -> None:
    """Raises InvalidParameterValue, InvalidMessageContents."""
    if len(attributes) > _MOST:
        raise InvalidParameterValue.message_attribute(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{_MOST}]."
        )
    for name, attribute in attributes.items():
        _check_attribute(name, attribute)


def check_system_attributes(attributes: Attributes) -> None:
    """Raises InvalidParameterValue, InvalidMessageContents."""
    check_attributes(attributes)
    for name, attribute in attributes.items():
        if name != TRACE:
            raise InvalidParameterValue.system_attribute_name(name)
        if attribute["DataType"] != "String":
            raise InvalidParameterValue.system_attribute_type(name)


def _check_attribute(name: str, attribute: Mapping[str, Any]) -> None:
    wrong = InvalidParameterValue.message_attribute
    if not _NAME.fullmatch(name) or name[0] == "." or name[-1] == "." or ".." in name:
        raise wrong(f"The message attribute name '{name}' is invalid. Attribute name can contain A-Z, a-z, 0-9, "
                    "underscore (_), hyphen (-), and period (.) characters.")  # fmt: skip
    if name.lower().startswith(("aws.", "amazon.")):
        raise wrong("You can't use message attribute names beginning with 'AWS.' or 'Amazon.'. These strings are reserved "
                    "for internal use.")  # fmt: skip
    kind = attribute.get("DataType", "")
    if not kind:
        raise wrong(f"The message attribute '{name}' must contain non-empty message attribute type.")
    base = kind.partition(".")[0]
    if base not in _TYPES or len(kind) > 256:
        raise wrong(f"The message attribute '{name}' has an invalid message attribute type, the set of supported type "
                    "prefixes is Binary, Number, and String.")  # fmt: skip
    wanted = "BinaryValue" if base == "Binary" else "StringValue"
    given = {member for member in ("StringValue", "BinaryValue") if attribute.get(member) is not None}
    if given - {wanted}:
        raise wrong(f"The message attribute '{name}' with type '{base}' must use field '{wanted[:-5]}'.")
    value = attribute.get(wanted)
    if not value:
        raise wrong(f"The message attribute '{name}' must contain a non-empty value of type '{wanted[:-5]}'.")
    if isinstance(value, str):
        check_characters(value)
    if base == "Number" and not _is_number(value):
        raise wrong(f"Can't cast the value of message (user) attribute '{name}' to a number.")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text and text.strip().lower().lstrip("+-") not in ("nan", "inf", "infinity")


def size_of(body: str, attributes: Attributes) -> int:
    """Bytes that count against the queue's limit."""
    size = len(body.encode())
    for name, attribute in attributes.items():
        value = attribute.get("BinaryValue")
        size += len(name.encode()) + len(attribute["DataType"].encode())
        size += len(value if value is not None else attribute["StringValue"].encode())
    return size


def selected(attributes: Attributes, wanted: list[str]) -> dict[str, Mapping[str, Any]]:
    """Those that a receiver asks for: by name, `prefix.*`, or `All`."""
    if "All" in wanted or ".*" in wanted:
        return dict(attributes)
    prefixes = tuple(name[:-2] for name in wanted if name.endswith(".*"))
    return {
        name: attribute
        for name, attribute in attributes.items()
        if name in wanted or (prefixes and name.startswith(prefixes))
    }
