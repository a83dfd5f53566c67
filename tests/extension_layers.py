"""External extensions for tests: one small program in Python, told by a variable of the function's what to do when.

It speaks HTTP to the Extensions API itself, so nothing stands between a test and what the server answers.
"""

import json
from typing import Any

from functions import new_name, zip_of

TIME_TO_END = ("--quota", "shutdown=10000")
"""AWS's two seconds are for machines that are not busy: here what an extension says at its end is waited for."""

PROGRAM = """#!/usr/bin/env python3
import http.client, json, os, signal, sys, time

NAME = os.path.basename(__file__)
PLAN = json.loads(os.environ.get("PLAN", "{}")).get(NAME, {})
API = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
ROOT = "/2020-01-01/extension/"


def ask(method, path, body=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    API.request(method, path if path[0] == "/" else ROOT + path, body, named)
    answer = API.getresponse()
    content = answer.read()
    return answer, json.loads(content) if content[:1] in (b"{", b"[") else content.decode()


def say(*words):
    print(NAME, *[word if isinstance(word, str) else json.dumps(word, sort_keys=True) for word in words], flush=True)


def do(what):
    # What the plan has for this moment.
    step = PLAN.get(what, {})
    if "sleep" in step:
        time.sleep(step["sleep"])
    if "say" in step:
        say(step["say"])
    if "environment" in step:
        say("environment", dict(os.environ))
    if "write" in step:
        with open(step["write"], "a") as file:
            file.write(f"{NAME} {what}\\n")
    if "error" in step:
        answer, body = ask("POST", step["error"], "{}", Lambda_Extension_Identifier=identifier,
                           Lambda_Extension_Function_Error_Type="Extension.Mine")
        say("error", answer.status, body)
    if "exit" in step:
        os._exit(step["exit"])
    if "kill" in step:
        os.kill(os.getpid(), step["kill"])


if PLAN.get("stubborn"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
identifier = ""
do("start")
events = PLAN.get("events", ["INVOKE", "SHUTDOWN"])
answer, body = ask("POST", "register", json.dumps({"events": events}), Lambda_Extension_Name=NAME,
                   Lambda_Extension_Accept_Feature="accountId")
if answer.status != 200:
    say("refused", answer.status, body)
    sys.exit(3)
identifier = answer.getheader("Lambda-Extension-Identifier")
say("registered", body)
do("registered")
while True:
    answer, event = ask("GET", "event/next", Lambda_Extension_Identifier=identifier)
    if answer.status != 200:
        say("refused", answer.status, event)
        sys.exit(4)
    say("event", event)
    do(event["eventType"].lower())
    if event["eventType"] == "SHUTDOWN":
        say("bye")
        sys.exit(0)
"""


def layer_of(client: Any, *names: str, program: str = PROGRAM, executable: bool = True, **files: str) -> str:
    """A layer with that program in `extensions/`, once for each name; its ARN."""
    content: dict[str, str | bytes] = {f"extensions/{name}": program for name in names}
    content |= files
    zipped = zip_of(content, tuple(content) if executable else ())
    answer = client.publish_layer_version(LayerName=new_name("extension"), Content={"ZipFile": zipped})
    arn: str = answer["LayerVersionArn"]
    return arn


def plan(**plans: Any) -> dict[str, Any]:
    """The function's Environment: what each extension does. Names with a `-` are given with a `_`."""
    return {"Variables": {"PLAN": json.dumps({name.replace("_", "-"): what for name, what in plans.items()})}}


def told(lines: list[str], name: str, what: str) -> list[Any]:
    """The documents of that kind which the extension printed."""
    start = f"{name} {what} "
    found = [line[line.index(start) + len(start) :] for line in lines if start in line]
    return [json.loads(text) for text in found]
