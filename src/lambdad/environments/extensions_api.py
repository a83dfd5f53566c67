"""The Extensions API of one environment: version 2020-01-01, at the address of its Runtime API.

AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html. What is not allowed is a 403 with AWS's types and words.
"""

import orjson

from lambdad.environments.environment import Environment
from lambdad.environments.extension import Extension, ExtensionState, Refusal
from lambdad.environments.extensions import CLOSED, Extensions
from lambdad.environments.states import State
from lambdad.http.exchange import Exchange
from lambdad.ids import is_uuid

PREFIX = b"/2020-01-01/extension/"
_IDENTIFIER = b"lambda-extension-identifier"
_ERROR_TYPE = "Lambda-Extension-Function-Error-Type"
_JSON = ((b"Content-Type", b"application/json"),)
_ACCEPTED = b'{"status":"OK"}\n'
_MOST_NAME = 128
_NAMELESS = Refusal("Extension.InvalidExtensionName", "Empty extension name")
_LONG_NAME = Refusal("Extension.InvalidExtensionName", "Extension name is too long")
_MISSING = Refusal("Extension.MissingExtensionIdentifier", "Missing Lambda-Extension-Identifier header")
_INVALID = Refusal("Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier")
_NO_ERROR_TYPE = Refusal("Extension.MissingHeader", f"{_ERROR_TYPE} not found")
_OLD_KEYS = Refusal("InvalidRequestFormat", "configurationKeys are deprecated; use environment variables instead")


class ExtensionsApi:
    """Part of the Handler of one environment's Runtime API socket."""

    __slots__ = ("_environment",)

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def handle(self, exchange: Exchange) -> bool:
        """False: it is no such request."""
        called = exchange.method, exchange.target[len(PREFIX) :]
        if called == (b"POST", b"register"):
            refusal = self._register(exchange)
        elif called == (b"GET", b"event/next"):
            refusal = self._next(exchange)
        elif called == (b"POST", b"init/error"):
            refusal = self._failed(exchange, ExtensionState.INIT_ERROR)
        elif called == (b"POST", b"exit/error"):
            refusal = self._failed(exchange, ExtensionState.EXIT_ERROR)
        else:
            return False
        if refusal is not None:
            refuse(exchange, refusal)
        return True

    def _register(self, exchange: Exchange) -> Refusal | None:
        name = exchange.headers.get(b"lambda-extension-name", b"").decode("latin-1")
        if not name:
            return _NAMELESS
        if len(name) > _MOST_NAME:
            return _LONG_NAME
        try:
            document = orjson.loads(exchange.body)
        except ValueError as error:
            return Refusal("InvalidRequestFormat", str(error))
        if not isinstance(document, dict):
            return Refusal("InvalidRequestFormat", "a JSON object is expected")
        if document.get("configurationKeys"):
            return _OLD_KEYS
        extensions = self._extensions()
        registered = extensions.register(name, document.get("events")) if extensions is not None else CLOSED
        if isinstance(registered, Refusal):
            return registered
        features = exchange.headers.get(b"lambda-extension-accept-feature", b"").split(b",")
        self._welcome(exchange, registered, b"accountId" in map(bytes.strip, features))
        return None

    def _extensions(self) -> Extensions | None:
        """An internal one registers while the runtime is initialised, and then they are its environment's first."""
        environment = self._environment
        if environment.extensions is None and environment.state is State.INIT:
            return environment.new_extensions()
        return environment.extensions

    def _welcome(self, exchange: Exchange, extension: Extension, with_account: bool) -> None:
        version = self._environment.version
        document = {
            "functionName": version.key.name,
            "functionVersion": version.version,
            "handler": version.handler or "",
        }
        if with_account:
            document["accountId"] = version.key.account
        identifier = (b"Lambda-Extension-Identifier", extension.identifier.encode())
        exchange.respond(200, (*_JSON, identifier), orjson.dumps(document))

    def _next(self, exchange: Exchange) -> Refusal | None:
        caller = caller_of(self._environment, exchange)
        if isinstance(caller, Refusal):
            return caller
        extensions, extension = caller
        return extensions.next(extension, exchange)

    def _failed(self, exchange: Exchange, wanted: ExtensionState) -> Refusal | None:
        caller = caller_of(self._environment, exchange)
        if isinstance(caller, Refusal):
            return caller
        error_type = exchange.headers.get(_ERROR_TYPE.lower().encode(), b"").decode("latin-1")
        if not error_type:
            return _NO_ERROR_TYPE
        extensions, extension = caller
        refusal = extensions.failed(extension, wanted, error_type[:_MOST_NAME])
        if refusal is None:
            exchange.respond(202, _JSON, _ACCEPTED)
        return refusal


def caller_of(environment: Environment, exchange: Exchange) -> tuple[Extensions, Extension] | Refusal:
    """Who asks, by the identifier it was given."""
    identifier = exchange.headers.get(_IDENTIFIER, b"").decode("latin-1").lower()
    if not identifier:
        return _MISSING
    if not is_uuid(identifier):
        return _INVALID
    extensions = environment.extensions
    extension = extensions.find(identifier) if extensions is not None else None
    if extensions is None or extension is None:
        return Refusal("Extension.UnknownExtensionIdentifier", f"Unknown extension {identifier}")
    return extensions, extension


def refuse(exchange: Exchange, refusal: Refusal) -> None:
    document = {"errorMessage": refusal.message, "errorType": refusal.error_type}
    exchange.respond(403, _JSON, orjson.dumps(document))
