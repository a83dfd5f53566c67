"""What a function finds of its layers at /opt. AWS: docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html"""

from collections.abc import Iterator
from typing import Any

import pytest

from functions import PROMPT, call, create, new_name, zip_of
from interpreters import NODES, PYTHONS
from server import Server


def publish(client: Any, files: dict[str, str | bytes], executable: tuple[str, ...] = ()) -> str:
    content = {"ZipFile": zip_of(files, executable)}
    arn: str = client.publish_layer_version(LayerName=new_name("layer"), Content=content)["LayerVersionArn"]
    return arn


@pytest.fixture(scope="module", params=["namespaces", "process"])
def running(request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A client of a server with each driver; the shared one has the host's best."""
    if request.param == "namespaces":
        yield server.client()
        return
    other = Server(tmp_path_factory.mktemp("process") / "data", "--sandbox", "process").start()
    yield other.client()
    other.stop()


@pytest.mark.parametrize("runtime", PYTHONS)
def test_python_imports_from_layers(running: Any, runtime: str) -> None:
    packages = f"python/lib/{runtime}/site-packages"
    first = publish(running, {"python/one.py": "value = 'first'\n", "python/both.py": "value = 'first'\n"})
    second = publish(running, {f"{packages}/two.py": "value = 'second'\n", "python/both.py": "value = 'second'\n"})
    code = "import one, two, both\ndef handler(event, context):\n    return [one.value, two.value, both.value]\n"
    name = create(running, code, runtime=runtime, Layers=[first, second])
    assert call(running, name)[0] == ["first", "second", "second"]
    running.update_function_configuration(FunctionName=name, Layers=[second, first])
    running.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig=PROMPT)
    assert call(running, name)[0] == ["first", "second", "first"]


@pytest.mark.parametrize("runtime", NODES)
def test_node_requires_from_layers(running: Any, runtime: str) -> None:
    module = {"nodejs/node_modules/shared/index.js": "exports.value = 'shared'\n"}
    newest = {f"nodejs/node{runtime[6:8]}/node_modules/own/index.js": "exports.value = 'own'\n"}
    code = "exports.handler = async () => [require('shared').value, require('own').value]\n"
    layers = [publish(running, module), publish(running, newest)]
    name = create(running, files={"app.js": code}, runtime=runtime, Layers=layers)
    assert call(running, name)[0] == ["shared", "own"]


def test_programs_and_files_of_layers(running: Any) -> None:
    layers = [
        publish(running, {"bin/greet": "#!/bin/sh\necho hello from $1\n"}, ("bin/greet",)),
        publish(running, {"data/deep/file.txt": "first"}),
        publish(running, {"data/deep/other.txt": "second"}),
    ]
    code = """
import os, subprocess
def handler(event, context):
    opt = os.path.dirname(os.path.dirname(subprocess.getoutput("command -v greet")))
    return subprocess.getoutput("greet me"), sorted(os.listdir(f"{opt}/data/deep")), os.access(opt, os.W_OK)
"""
    name = create(running, code, Layers=layers)
    greeting, files, _ = call(running, name)[0]
    assert greeting == "hello from me"
    assert files == ["file.txt", "other.txt"]


def test_opt_cannot_be_written(client: Any, isolated: None) -> None:
    code = """
def handler(event, context):
    try:
        open("/opt/python/shared.py", "w")
    except OSError as error:
        return error.strerror
"""
    layers = [publish(client, {"python/shared.py": "value = 1\n"}), publish(client, {"a": "b"})]
    for chosen in (layers[:1], layers):
        assert call(client, create(client, code, Layers=chosen))[0] in ("Read-only file system", "Permission denied")


def test_a_bootstrap_in_a_layer(running: Any) -> None:
    """AWS looks for it in the function first, then in the layers."""
    bootstrap = """#!/bin/sh
while :; do
    id=$(curl -sD - -o /tmp/event "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" |
        tr -d '\\r' | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
    curl -s -o /dev/null -d '"from the layer"' \\
        "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response"
done
"""
    layer = publish(running, {"bootstrap": bootstrap}, ("bootstrap",))
    name = create(running, files={"data.txt": "x"}, runtime="provided.al2023", Layers=[layer])
    assert call(running, name)[0] == "from the layer"


def test_a_function_keeps_what_was_deleted(own_server: Server) -> None:
    client = own_server.start().client()
    layer = publish(client, {"python/shared.py": "value = 'kept'\n"})
    name = create(client, "import shared\ndef handler(event, context):\n    return shared.value\n", Layers=[layer])
    client.delete_layer_version(LayerName=layer.rpartition(":")[0], VersionNumber=1)
    own_server.kill()
    client = own_server.start().client()
    assert call(client, name)[0] == "kept"
    assert client.get_function_configuration(FunctionName=name)["Layers"][0]["Arn"] == layer
    again = client.publish_layer_version(LayerName=layer.rpartition(":")[0], Content={"ZipFile": zip_of({"a": "b"})})
    assert again["Version"] == 2
