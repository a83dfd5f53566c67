"""What the socket serves: moto's own applications, each request in its account, its changes saved."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from moto.moto_server.werkzeug_app import BackendRequest, DomainDispatcherApplication, create_backend_app

from lambdad.companion.current import serving
from lambdad.companion.memory import Memory
from lambdad.companion.pickling import SERVERS_OWN
from lambdad.companion.state import State

INSIDE = "HTTP_X_LAMBDAD_INSIDE"
_TRACE = "HTTP_X_AMZN_TRACE_ID"
REFUSAL = "X-Lambdad-Refusal"
_STORED = frozenset({"firehose"})
"""They connect to addresses that somebody else has stored: perhaps a function."""
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_READING = ("Delete", "Describe", "Get", "List", "Query", "Scan")
_FORM = "application/x-www-form-urlencoded"
_HIDDEN = ("/moto-api", "/latest/meta-data/", "/latest/api/", "/favicon.ico")
_NOBODYS = SERVERS_OWN | {"moto_api", "instance_metadata"}
"""moto's own ideas of what a request is for must not lead to what the server does itself."""

StartResponse = Callable[..., Any]


class Request(BackendRequest):  # type: ignore[misc]
    """moto would read an object that is put with a form's content type as a form, and keep nothing."""

    def __init__(self, environ: dict[str, Any], *given: Any, **named: Any) -> None:
        super().__init__(environ, *given, **named)
        if environ["REQUEST_METHOD"] == "PUT" and environ.get("CONTENT_TYPE", "").startswith(_FORM):
            self.get_data()  # what has been read before it is parsed stays readable


def new_app(service: Any) -> Any:
    app = create_backend_app(service)
    app.request_class = Request
    return app


class Application:
    def __init__(self, state: State, memory: Memory, pages: Mapping[str, bytes]) -> None:
        """`pages`: our own, by path."""
        self._memory = memory
        self._state = state
        self._pages = pages
        self._dispatcher = DomainDispatcherApplication(new_app)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path in self._pages:
            return _plain(start_response, "200 OK", self._pages[path])
        if path.startswith(_HIDDEN):
            return _plain(start_response, "404 Not Found", b"")
        if not self._memory.takes(int(environ.get("CONTENT_LENGTH") or 0)) and not _frees(environ):
            return _plain(start_response, "507 Insufficient Storage", b"")
        self._state.gate.enter()
        try:
            return self._serve(environ, start_response)
        finally:
            self._state.gate.leave()

    def _serve(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            app = self._dispatcher.get_application(environ)
        except (KeyError, ModuleNotFoundError, AttributeError, IndexError):
            return _refuse(start_response, "This service")
        service = str(app.service)
        if service in _NOBODYS:
            return _refuse(start_response, "This service")
        inside = INSIDE in environ or service in _STORED
        with serving(service, inside, environ.get("QUERY_STRING", ""), environ.get(_TRACE)):
            try:
                answer = app(environ, start_response)
                try:
                    return list(answer)
                finally:
                    if hasattr(answer, "close"):
                        answer.close()
            except NotImplementedError as error:
                return _refuse(start_response, str(error))
            finally:
                if environ["REQUEST_METHOD"] not in _READS:
                    self._state.changed(service)


def _frees(environ: dict[str, Any]) -> bool:
    """Does the request read, or take something away?"""
    target = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")[2]
    return (
        environ["REQUEST_METHOD"] in (*_READS, "DELETE")
        or target.startswith(_READING)
        or environ.get("QUERY_STRING", "").partition("=")[0] == "delete"
    )


def _refuse(start_response: StartResponse, what: str) -> Iterable[bytes]:
    """`services/companion/companion.py` words it for the client."""
    body = what.encode()
    start_response("501 Not Implemented", [("Content-Length", str(len(body))), (REFUSAL, "1")])
    return [body]


def _plain(start_response: StartResponse, status: str, body: bytes) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
