"""Credentials of execution roles, as environments get them.

The access key id is the account's 12 digits, so that an SDK call from inside a function reaches the same account at our own
endpoint (the account is read from the access key id). The secret is derived from a key kept in the data directory: nothing to
store per role, and verifiable when signatures are checked. The session token says whose session it is, and is signed with that key.
"""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path

import orjson

_KEY_FILE = "credentials.key"


@dataclass(frozen=True, slots=True)
class RoleSession:
    """An execution role, as a function has assumed it."""

    account: str
    """The function's."""
    role: str
    """ARN."""
    name: str
    """Of the session: the function's."""


class RoleCredentials:
    def __init__(self, data_dir: Path) -> None:
        self._key = _load_key(data_dir / _KEY_FILE)

    @property
    def link_key(self) -> bytes:
        """For links that only we can make (Code.Location)."""
        return hmac.new(self._key, b"links", hashlib.sha256).digest()

    def secret_of(self, access_key_id: str) -> str | None:
        """The secret access key that belongs to an account's key id; None if it is not one."""
        if len(access_key_id) != 12 or not access_key_id.isdigit():
            return None
        return hmac.new(self._key, b"secret:" + access_key_id.encode(), hashlib.sha256).hexdigest()[:40]

    def session_token(self, session: RoleSession) -> str:
        said = base64.urlsafe_b64encode(orjson.dumps(session))
        return f"{said.decode()}.{self._seal(said)}"

    def session_of(self, token: str) -> RoleSession | None:
        """None: we have not given it to anybody."""
        said, _, seal = token.encode().partition(b".")
        if not hmac.compare_digest(seal, self._seal(said).encode()):
            return None
        return RoleSession(**orjson.loads(base64.urlsafe_b64decode(said)))

    def _seal(self, said: bytes) -> str:
        return hmac.new(self._key, b"session:" + said, hashlib.sha256).hexdigest()


def _load_key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        key = os.urandom(32)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(descriptor)
        return key
