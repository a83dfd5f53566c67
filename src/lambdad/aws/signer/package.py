"""What is signed of a zip: every entry's name and content, in the zip's order, but for the signature."""

import base64
import hashlib
import io
import lzma
import re
import stat
import zipfile
import zlib

from lambdad.resources.quotas import QUOTAS

SIGNATURE = "META_INF/aws_signer_signature_v1.0.SF"
DIRECTORY = "META_INF/"
_BEGIN, _END = b"-----BEGIN PKCS7-----", b"-----END PKCS7-----"
UNREADABLE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, OSError, ValueError, NotImplementedError, RuntimeError),
)
"""What reading a damaged zip raises."""
_SIGNATURE_LIMIT = 1024 * 1024
_CHUNK = 1024 * 1024
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_UTF8_NAME = 0x800
"""The flag of zip entries whose name is UTF-8; others' are code page 437."""


class BrokenPackage(Exception):
    """The zip cannot be read, or its signature is no such document."""


def is_signed(content: bytes) -> bool:
    """Is there a signature at all, good or bad?"""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return SIGNATURE in archive.namelist()
    except UNREADABLE:
        return False


def read_package(content: bytes) -> tuple[bytes, bytes] | None:
    """(the CMS document, the signed digest's input); None when the zip is not signed. Raises BrokenPackage."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if SIGNATURE not in names:
                return None
            if len(set(names)) < len(names):
                raise BrokenPackage("two entries of one name")
            # What is signed has nothing between names and contents: lines of a file must not pass for the name of another.
            if any(_CONTROL.search(entry.orig_filename) for entry in archive.infolist()):
                raise BrokenPackage("an entry's name with control characters")
            # Nor may what is not signed say what an entry is: another name in an extra field, a symbolic link.
            if any(entry.filename != entry.orig_filename or is_link(entry) for entry in archive.infolist()):
                raise BrokenPackage("an entry that is not what its name says")
            if archive.getinfo(SIGNATURE).file_size > _SIGNATURE_LIMIT:
                raise BrokenPackage("the signature is too large")
            return _from_pem(archive.read(SIGNATURE)), digest_of(archive)
    except UNREADABLE as error:
        raise BrokenPackage(str(error)) from error


def digest_of(archive: zipfile.ZipFile) -> bytes:
    """SHA-384 over names and contents without anything between them: the content that the CMS signature is of.

    Raises BrokenPackage for more than any function may have."""
    if sum(entry.file_size for entry in archive.infolist()) > QUOTAS.unzipped_code:
        raise BrokenPackage("its content is too large")
    digest = hashlib.sha384()
    for entry in archive.infolist():
        if entry.filename == SIGNATURE:
            continue
        digest.update(entry.orig_filename.encode("utf-8" if entry.flag_bits & _UTF8_NAME else "cp437"))
        with archive.open(entry) as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    return digest.digest()


def is_link(entry: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(entry.external_attr >> 16)


def _from_pem(text: bytes) -> bytes:
    head, found, rest = text.strip().partition(_BEGIN)
    body, ended, tail = rest.partition(_END)
    if head or tail or not found or not ended:
        raise BrokenPackage("the signature is not in PEM")
    return base64.b64decode(b"".join(body.split()), validate=True)


def to_pem(document: bytes) -> bytes:
    encoded = base64.b64encode(document)
    lines = [encoded[start : start + 64] for start in range(0, len(encoded), 64)]
    return b"\n".join([_BEGIN, *lines, _END, b""])
