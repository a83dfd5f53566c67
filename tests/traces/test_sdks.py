"""AWS's own SDK and Powertools, as they are published, in a function's package: what they record is found by the API."""

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from functions import create
from tracing import documents, fields, invoke, summaries
from wait import wait_for

PACKAGES = ("aws_xray_sdk", "wrapt", "aws_lambda_powertools", "jmespath", "typing_extensions")
SDK = """
import os
from aws_xray_sdk.core import patch_all, xray_recorder
patch_all()
import boto3
def handler(event, context):
    with xray_recorder.in_subsegment("## work") as subsegment:
        subsegment.put_annotation("order", "o-1")
        subsegment.put_metadata("cart", {"items": 2})
        try:
            boto3.client("lambda").get_function(FunctionName="nobody")
        except Exception:
            pass
    return os.environ["_X_AMZN_TRACE_ID"]
"""
POWERTOOLS = """
import os
from aws_lambda_powertools import Tracer
tracer = Tracer(service="payment")
@tracer.capture_method
def pay(amount):
    tracer.put_annotation("amount", amount)
    if amount < 0:
        raise ValueError("too little")
    return amount
@tracer.capture_lambda_handler
def handler(event, context):
    pay(event)
    return os.environ["_X_AMZN_TRACE_ID"]
"""


def package() -> dict[str, bytes]:
    """The files of these packages, as they are in the tests' environment."""
    files: dict[str, bytes] = {}
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        if found is None or found.origin is None:
            pytest.skip(f"{name} is not installed")
        origin = Path(found.origin)
        if origin.name != "__init__.py":
            files[origin.name] = origin.read_bytes()
            continue
        for path in origin.parent.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                files[f"{name}/{path.relative_to(origin.parent)}"] = path.read_bytes()
    return files


@pytest.fixture(scope="module")
def packages() -> dict[str, bytes]:
    return package()


def names(segment: dict[str, Any]) -> list[str]:
    return [segment["name"], *(name for one in segment.get("subsegments", ()) for name in names(one))]


def test_the_x_ray_sdk(lambdas: Any, xray: Any, packages: dict[str, bytes]) -> None:
    files = {**packages, "app.py": SDK.encode()}
    name = create(lambdas, files=files, TracingConfig={"Mode": "Active"}, MemorySize=512)
    root = fields(invoke(lambdas, name))["Root"]
    wait_for(lambda: "## work" in json.dumps(documents(xray, root)))
    function = next(one for one in documents(xray, root) if one["origin"] == "AWS::Lambda::Function")
    invocation = next(one for one in function["subsegments"] if one["name"] == "Invocation")
    (work,) = invocation["subsegments"]
    assert work["annotations"]["order"] == "o-1"
    assert work["metadata"] == {"default": {"cart": {"items": 2}}}
    (call,) = work["subsegments"]
    assert (call["name"], call["namespace"], call["aws"]["operation"]) == ("lambda", "aws", "GetFunction")
    assert call["http"]["response"]["status"] == 404
    (summary,) = summaries(xray, f'annotation.order = "o-1" AND edge("{name}", "lambda") {{ error }}')
    assert summary["Id"] == root


def test_powertools_tracer(lambdas: Any, xray: Any, packages: dict[str, bytes]) -> None:
    files = {**packages, "app.py": POWERTOOLS.encode()}
    name = create(lambdas, files=files, TracingConfig={"Mode": "Active"}, MemorySize=512)
    root = fields(invoke(lambdas, name, 5))["Root"]
    wanted = {"## handler", "## app.pay"}
    wait_for(lambda: wanted <= {name for one in documents(xray, root) for name in names(one)})
    (summary,) = summaries(
        xray, 'annotation.amount = 5 AND annotation.Service = "payment" AND annotation.ColdStart = true'
    )
    assert summary["Id"] == root
    invoke(lambdas, name, -1)
    wait_for(lambda: summaries(xray, 'message = "too little" AND annotation.amount < 0'))
