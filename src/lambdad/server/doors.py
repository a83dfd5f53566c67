"""Where requests come in: the port, and the sockets of each sandbox. What is asked through them is the same API; the owner's own
pages are not functions'."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lambdad.api.backend import Backend
from lambdad.api.front_door import FrontDoor, Service
from lambdad.environments.response_stream import MODE as STREAMING_MODE
from lambdad.http.exchange import Handler
from lambdad.http.limits import Limits
from lambdad.http.server import serve_accepted
from lambdad.protocols.model import load_model
from lambdad.sandbox.driver import Sandbox

_RUNTIME_API_LIMITS = Limits(
    body=8 * 1024 * 1024,
    request_time=None,
    idle_time=None,
    connections=32,
    streamed_by=STREAMING_MODE,
    streamed_to=b"/response",
)
_INNER_LIMITS = Limits(connections=256)
"""Of one sandbox: all of them together must leave others descriptors."""


@dataclass(frozen=True, slots=True)
class Pages:
    """By path prefix."""

    everyones: Mapping[bytes, Handler]
    owners: Mapping[bytes, Handler]


@dataclass(frozen=True, slots=True)
class Doors:
    front: FrontDoor
    inner: FrontDoor
    """Of sandboxes."""

    @classmethod
    def of(
        cls,
        backend: Backend,
        pages: Pages,
        secret_of: Callable[[str], str | None] | None,
        function_urls: Handler,
        services: Mapping[str, Service],
        others: tuple[Service | None, Service | None],
    ) -> "Doors":
        """`others`: as they are asked from outside, and by functions."""
        model = load_model("lambda")
        outside, inside = others
        every = {**pages.everyones, **pages.owners}
        return cls(
            FrontDoor(model, backend, every, secret_of, function_urls, services, outside),
            FrontDoor(model, backend, pages.everyones, secret_of, function_urls, services, inside),
        )

    def attach(self, sandbox: Sandbox, runtime_api: Handler) -> Callable[[], None]:
        """Serve a sandbox's own sockets; the answer ends that."""
        ends = [serve_accepted(sandbox.runtime_api, runtime_api, _RUNTIME_API_LIMITS)]
        if sandbox.front_door is not None:
            ends.append(serve_accepted(sandbox.front_door, self.inner.handle, _INNER_LIMITS))

        def detach() -> None:
            for end in ends:
                end()

        return detach
