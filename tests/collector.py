"""A stand-in for an OpenTelemetry collector: takes OTLP over HTTP as JSON, and keeps what it was sent."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from wait import wait_for


class Collector:
    """Listens on a port of its own. `answers`: the statuses of the next requests; 200 after those."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.spans: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.rejected = 0
        """Spans of the next request, as it says."""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = collector.take(self.path, {name.lower(): text for name, text in self.headers.items()}, body)
                rejected, collector.rejected = collector.rejected, 0
                partial = {"rejectedSpans": str(rejected), "errorMessage": "too many"} if rejected else {}
                answer = json.dumps({"partialSuccess": partial}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                """Silent."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        self.requests.append((path, headers))
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            for resource in json.loads(body)["resourceSpans"]:
                about = attributes(resource["resource"])
                for scope in resource["scopeSpans"]:
                    self.spans += [{**span, "resource": about} for span in scope["spans"]]
        return status

    def of_trace(self, trace_id: str, number: int) -> dict[str, dict[str, Any]]:
        """Once there are so many: the spans by name and kind, e.g. `f/2`."""
        digits = trace_id[2:].replace("-", "")

        def found() -> list[dict[str, Any]]:
            return [span for span in self.spans if span["traceId"] == digits]

        wait_for(lambda: len(found()) >= number)
        return {f"{span['name']}/{span['kind']}": span for span in found()}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def attributes(about: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in about["attributes"]}
