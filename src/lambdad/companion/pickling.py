"""What moto's backends hold, pickled: other backends by their names, locks anew, keys in their own encoding."""

import io
import pickle
import threading
from collections import defaultdict
from types import GeneratorType
from typing import Any

import cloudpickle
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from moto.backends import get_backend
from moto.core.base_backend import AccountSpecificBackend, BackendDict, BaseBackend
from moto.s3.models import FakeKey

from lambdad.companion.contents import LEAST, Contents

SERVERS_OWN = frozenset({"lambda", "sqs", "events", "scheduler", "logs", "cloudwatch", "xray"})
"""Services that the server has itself, by moto's names."""
_LOCKS = {type(threading.Lock()): threading.Lock, type(threading.RLock()): threading.RLock}
_PRIVATE = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey)
_PUBLIC = (rsa.RSAPublicKey, ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey)

Name = tuple[str, ...]
"""moto's module, account, region; or a content's name alone."""


def backends_in_use() -> dict[int, tuple[Any, Name]]:
    """Every backend that is in use, by its identity."""
    found: dict[int, tuple[Any, Name]] = {}
    for services in list(BackendDict._instances):
        service = str(services.service_name)
        if service in SERVERS_OWN:
            continue
        for account, regions in list(services.items()):
            for region, backend in list(regions.items()):
                found[id(backend)] = (backend, (_module_of(backend), account, region))
    return found


def _module_of(backend: Any) -> str:
    """moto's own name of the service: botocore's is another one now and then."""
    return str(type(backend).__module__.split(".")[1])


def pickled(state: dict[str, Any], names: dict[int, tuple[Any, Name]], contents: Contents) -> bytes:
    content = io.BytesIO()
    _Pickler(content, names, contents).dump(state)
    return content.getvalue()


def unpickled(content: bytes, contents: Contents) -> dict[str, Any]:
    found: dict[str, Any] = _Unpickler(io.BytesIO(content), contents).load()
    return found


class _Content:
    """In an object's place: where its content is kept."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def __init__(self, file: io.BytesIO, names: dict[int, tuple[Any, Name]], contents: Contents) -> None:
        super().__init__(file)
        self._names = names
        self._contents = contents

    def persistent_id(self, thing: Any) -> Name | None:
        if isinstance(thing, _Content):
            return (thing.name,)
        if isinstance(thing, BaseBackend):
            named = self._names.get(id(thing))
            return named[1] if named is not None else (_module_of(thing), thing.account_id, thing.region_name)
        if isinstance(thing, (BackendDict, AccountSpecificBackend)):
            raise pickle.PicklingError("a backend holds all of another service")
        return None

    def reducer_override(self, thing: Any) -> Any:
        make = _LOCKS.get(type(thing))
        if make is not None:
            return make, ()
        if isinstance(thing, threading.Condition):
            return threading.Condition, ()
        if isinstance(thing, threading.Event):
            return _event, (thing.is_set(),)
        if isinstance(thing, defaultdict) and type(thing) is not defaultdict:
            return _dictionary, (type(thing), thing.default_factory), vars(thing), None, iter(thing.items())
        if isinstance(thing, _PRIVATE):
            return _private_key, (thing.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),)
        if isinstance(thing, _PUBLIC):
            return _public_key, (thing.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),)
        if isinstance(thing, FakeKey) and thing.contentsize >= LEAST:
            name = self._contents.keep(thing)
            return _object, (type(thing), _without_content(thing), _Content(name))
        if isinstance(thing, (threading.Thread, GeneratorType)):
            return _nothing, ()
        return super().reducer_override(thing)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, contents: Contents) -> None:
        super().__init__(file)
        self._contents = contents

    def persistent_load(self, name: Name) -> Any:
        if len(name) == 1:
            return self._contents.read(name[0])
        service, account, region = name
        return get_backend(service)[account][region]


def _without_content(key: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(key).items() if name not in ("_value_buffer", "lock")}


def _object(kind: Any, state: dict[str, Any], content: bytes) -> Any:
    key: Any = kind.__new__(kind)
    key.__setstate__({**state, "value": content})
    return key


def _event(was_set: bool) -> threading.Event:
    event = threading.Event()
    if was_set:
        event.set()
    return event


def _dictionary(kind: "type[defaultdict[Any, Any]]", factory: Any) -> Any:
    """Subclasses take arguments of their own."""
    made: Any = defaultdict.__new__(kind)
    made.default_factory = factory
    return made


def _private_key(encoded: bytes) -> Any:
    return load_der_private_key(encoded, None)


def _public_key(encoded: bytes) -> Any:
    return load_der_public_key(encoded)


def _nothing() -> None:
    """What a thread is after a restart."""
