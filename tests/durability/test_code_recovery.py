"""A server whose unpacked code is gone (the host went down, someone cleaned up) makes it again before it is ready."""

import shutil

import pytest

from functions import call, create
from server import Server


def test_unpacked_code_is_made_again(own_server: Server) -> None:
    client = own_server.start().client()
    name = create(client, "def handler(event, context):\n    return 'here'\n")
    client.publish_version(FunctionName=name)
    assert own_server.stop() == 0
    shutil.rmtree(own_server.data_dir / "unpacked")
    client = own_server.start().client()
    assert call(client, name)[0] == call(client, name, Qualifier="1")[0] == "here"


def test_a_damaged_database_is_named_and_left_alone(own_server: Server) -> None:
    own_server.start()
    assert own_server.stop() == 0
    (own_server.data_dir / "lambdad.sqlite3").write_bytes(b"damaged")
    with pytest.raises(AssertionError, match=r"lambdad\.sqlite3: ") as refused:
        own_server.start()
    assert "Traceback" not in str(refused.value)
    assert (own_server.data_dir / "lambdad.sqlite3").read_bytes() == b"damaged"
