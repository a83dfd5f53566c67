"""Making functions in tests."""

import io
import json
import uuid
import zipfile
from typing import Any

from interpreters import PYTHON
from wait import wait_for

ROLE = "arn:aws:iam::000000000000:role/lambda-role"
PROMPT = {"Delay": 0.005, "MaxAttempts": 12_000}
"""How the SDK's waiters ask in tests: often, and for a minute."""


def zip_of(files: dict[str, str | bytes], executable: tuple[str, ...] = ()) -> bytes:
    """A zip of these files; names in `executable` get mode 755."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (0o755 if name in executable else 0o644) << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def new_name(prefix: str = "f") -> str:
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def create(
    client: Any, code: str = "", *, runtime: str = PYTHON, files: dict[str, Any] | None = None, **more: Any
) -> str:
    """Create a function from the source of its one module and wait until it is Active; its name.

    Its timeout is long unless told: on an overloaded machine AWS's three seconds pass.
    """
    more.setdefault("Timeout", 60)
    name = more.pop("name", None) or new_name()
    executable = more.pop("executable", ())
    client.create_function(
        FunctionName=name,
        Runtime=runtime,
        Role=ROLE,
        Handler=more.pop("handler", "app.handler"),
        Code={"ZipFile": zip_of(files or {"app.py": code}, executable)},
        **more,
    )
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    return name


def call(client: Any, name: str, event: Any = None, **more: Any) -> tuple[Any, dict[str, Any]]:
    """Invoke: (the payload as a value, the whole answer)."""
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode(), **more)
    body = answer["Payload"].read()
    return (json.loads(body) if body else None), answer


def call_in_time(client: Any, name: str, event: Any = None) -> Any:
    """The payload of the first call that is not timed out.

    For functions with a short timeout, after they met it: it bounds the initialisation that comes next, too, which an overloaded
    machine may not manage at once.
    """
    answers: list[Any] = []

    def answered() -> bool:
        answers.append(call(client, name, event)[0])
        return "Task timed out" not in str(answers[-1])

    wait_for(answered)
    return answers[-1]
