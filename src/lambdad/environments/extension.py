"""One extension: what it is, and which state may follow which.

AWS: docs.aws.amazon.com/lambda/latest/dg/runtimes-extensions-api.html
A transition that is not in the table is refused (403), in AWS's words.
"""

from dataclasses import dataclass
from enum import Enum

import orjson

from lambdad.http.exchange import Exchange
from lambdad.ids import new_uuid

MOST_EXTENSIONS = 10
"""Of one environment, external and internal together."""
INVOKE, SHUTDOWN = "INVOKE", "SHUTDOWN"


class ExtensionState(Enum):
    """By AWS's names, which are in the EXTENSION lines of the log."""

    STARTED = "Started"
    """Its process runs and has not registered yet."""
    REGISTERED = "Registered"
    READY = "Ready"
    """It waits for an event."""
    RUNNING = "Running"
    """It has one, and has not asked for the next."""
    INIT_ERROR = "InitError"
    EXIT_ERROR = "ExitError"
    LAUNCH_ERROR = "LaunchError"
    EXITED = "Exited"


_S = ExtensionState
TRANSITIONS: dict[ExtensionState, frozenset[ExtensionState]] = {
    _S.STARTED: frozenset({_S.REGISTERED, _S.LAUNCH_ERROR, _S.EXITED}),
    _S.REGISTERED: frozenset({_S.READY, _S.INIT_ERROR, _S.EXIT_ERROR, _S.EXITED}),
    _S.READY: frozenset({_S.RUNNING, _S.EXIT_ERROR, _S.EXITED}),
    _S.RUNNING: frozenset({_S.READY, _S.EXIT_ERROR, _S.EXITED}),
    _S.INIT_ERROR: frozenset({_S.INIT_ERROR}),
    _S.EXIT_ERROR: frozenset({_S.EXIT_ERROR}),
    _S.LAUNCH_ERROR: frozenset(),
    _S.EXITED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why it was not allowed: always a 403."""

    error_type: str
    message: str


class Extension:
    """Its state changes by `advance` only."""

    __slots__ = ("error_type", "events", "identifier", "internal", "name", "state", "waiting")

    def __init__(self, name: str, identifier: str, internal: bool) -> None:
        self.name = name
        self.identifier = identifier
        self.internal = internal
        self.state = ExtensionState.STARTED
        self.events: tuple[str, ...] = ()
        self.error_type: str | None = None
        """What it said is wrong with it, or why it could not be started."""
        self.waiting: Exchange | None = None

    def advance(self, wanted: ExtensionState, called: str) -> Refusal | None:
        """To the wanted state, if the table allows it. `called`: how AWS's words name it there."""
        if wanted in TRANSITIONS[self.state]:
            self.state = wanted
            return None
        return Refusal(
            "Extension.InvalidExtensionState",
            f"State transition from {self.state.value} to {wanted.value} failed for extension {called}. "
            "Error: State transition is not allowed",
        )

    @property
    def failure(self) -> str:
        """The error type of what its end does to the function."""
        return _FAILURES.get(self.state, "Extension.Crash")


_FAILURES = {
    ExtensionState.INIT_ERROR: "Extension.InitError",
    ExtensionState.EXIT_ERROR: "Extension.ExitError",
    ExtensionState.LAUNCH_ERROR: "Extension.LaunchError",
}


def refused_events(events: object, internal: bool) -> Refusal | None:
    """Why these cannot be registered for."""
    if events is None:
        return None
    if not isinstance(events, list) or not all(isinstance(event, str) for event in events):
        return Refusal("InvalidRequestFormat", "events must be a list of strings")
    for event in events:
        if event == SHUTDOWN and internal:
            why = "ShutdownEventNotSupportedForInternalExtension"
        elif event not in (INVOKE, SHUTDOWN):
            why = "ErrorInvalidEventType"
        else:
            continue
        return Refusal("Extension.InvalidEventType", f"{event}: {why}")
    return None


def respond_event(waiting: Exchange, event: dict[str, object]) -> None:
    """The answer to event/next."""
    headers = ((b"Content-Type", b"application/json"), (b"Lambda-Extension-Event-Identifier", new_uuid().encode()))
    waiting.respond(200, headers, orjson.dumps(event))
