"""What the companion may do on this host: in a process of its own, for what guards it cannot be taken off again."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from functions import new_name
from refusals import refused
from server import Server

GUARDED = """
import socket, subprocess, sys
import requests, urllib.request
from lambdad.companion import current
from lambdad.companion.outbound import Outside
Outside('/no/such/socket', []).guard()

def tried(action):
    try:
        action()
    except Exception as error:
        return 'refused' if 'PermissionError' in repr(error) or 'not for functions' in str(error) else repr(error)
    return 'done'

url = sys.argv[1]
"""


def guarded(code: str, *arguments: str) -> str:
    program = [sys.executable, "-c", GUARDED + code, *arguments]
    return subprocess.run(program, capture_output=True, text=True, check=True, timeout=120).stdout.strip()


class _Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *given: object) -> None:
        pass


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Web)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_whatever_library_connects_for_a_function_is_refused(web: str) -> None:
    code = """
for library in (requests.get, urllib.request.urlopen):
    print(tried(lambda: library(url)))
    with current.serving('sns', inside=False, query=''):
        print(tried(lambda: library(url)))
"""
    assert guarded(code, web).split() == ["refused", "done"] * 2


def test_no_process_is_started_and_no_other_socket_of_the_host_is_reached(web: str) -> None:
    code = """
import os
unix = lambda: socket.socket(socket.AF_UNIX).connect('/var/run/docker.sock')
with current.serving('batch', inside=False, query=''):
    for action in (lambda: subprocess.run(['true']), lambda: os.system('true'), os.fork, unix):
        print(tried(action))
"""
    assert guarded(code, web).split() == ["refused"] * 4


def test_addresses_that_are_not_the_world_s(web: str) -> None:
    code = """
outside = Outside('', ['9.9.9.0/24'])
for host in sys.argv[2:]:
    print(outside.reaches(f'http://{host}/'))
"""
    closed = [
        "127.0.0.1",
        "localhost",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "2130706433",
    ]
    closed += [
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[fd00:ec2::254]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ]
    assert guarded(code, web, *closed).split() == ["False"] * len(closed)
    assert guarded(code, web, "8.8.8.8", "[2606:4700::1111]", "9.9.9.9").split() == ["True", "True", "False"]


def test_templates_are_data(aws: Server) -> None:
    """A YAML template names what it is made of, and nothing of Python's."""
    stacks = aws.client("cloudformation")
    template = (
        "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n    Properties:\n      TopicName: !Join ['-', [%s, %s]]\n"
    )
    code, status, message = refused(
        stacks.create_stack,
        StackName=new_name("s"),
        TemplateBody=template % ("a", "!!python/object/apply:os.getpid []"),
    )
    assert (code, status) == ("ValidationError", 400)
    assert "unsupported tag" in message
    name = new_name("t")
    stacks.create_stack(StackName=new_name("s"), TemplateBody=template % (name, "!Ref AWS::Region"))
    topics = [topic["TopicArn"] for topic in aws.client("sns").list_topics()["Topics"]]
    assert any(arn.endswith(f":{name}-us-east-1") for arn in topics)


def test_stacks_make_nothing_that_nobody_would_see(aws: Server) -> None:
    """Queues, functions and the like are the server's own: moto's would answer for none of them."""
    stacks, name = aws.client("cloudformation"), new_name("s")
    template = "Resources:\n  Topic:\n    Type: AWS::SNS::Topic\n  Queue:\n    Type: AWS::SQS::Queue\n"
    code, status, message = refused(stacks.create_stack, StackName=name, TemplateBody=template)
    assert (code, status) == ("ValidationError", 400)
    assert "AWS::SQS::Queue is made by its own service here" in message
    assert refused(stacks.describe_stacks, StackName=name)[0] == "ValidationError"
