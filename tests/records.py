"""Records as the server keeps them, for tests of what is decided about them."""

from typing import Any

from lambdad.resources.function import LATEST, FunctionKey, FunctionVersion


def function_version(key: FunctionKey, **more: Any) -> FunctionVersion:
    """`$LATEST`, just created, unless told otherwise."""
    members: dict[str, Any] = {
        "version": LATEST,
        "runtime": "python3.12",
        "handler": "app.handler",
        "role": "r",
        "description": "",
        "timeout": 3,
        "memory_size": 128,
        "ephemeral_storage": 512,
        "environment": {},
        "architectures": ("x86_64",),
        "layers": (),
        "package_type": "Zip",
        "code_sha256": "code 0",
        "code_size": 1,
        "last_modified": "0",
        "revision_id": "0",
        "state": "Pending",
    }
    return FunctionVersion(key=key, **{**members, **more})
