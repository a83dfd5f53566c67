"""Invocations while the function changes all the time: every one is answered, and nothing is left when the server stops."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from functions import call, create, zip_of
from server import Server
from wait import wait_for

CODE = "import os\nV = {}\ndef handler(event, context):\n    return [V, os.environ.get('TURN')]\n"
TURNS = 20


def test_every_invocation_is_answered_while_code_and_settings_change(tmp_path: Path) -> None:
    own_server = Server(tmp_path / "data", "--spare", "0").start()  # so that most changes come while one is being made
    client = own_server.client()
    name = create(client, CODE.format(0), MemorySize=128)
    call(client, name)  # the runtime's zygote is there
    done = threading.Event()

    def update(change: str) -> None:
        for turn in range(1, TURNS + 1):
            wait_for(lambda turn=turn: changed(change, turn))

    def changed(change: str, turn: int) -> bool:
        """False while another update is under way."""
        try:
            if change == "code":
                client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": CODE.format(turn)}))
            elif change == "variables":
                client.update_function_configuration(FunctionName=name, Environment={"Variables": {"TURN": str(turn)}})
            else:
                client.update_function_configuration(FunctionName=name, MemorySize=128 + turn)
        except client.exceptions.ResourceConflictException:
            return False
        return True

    def invoke(number: int) -> list[Any]:
        answers = []
        while not done.is_set():
            try:
                answers.append(call(client, name, number)[1].get("FunctionError"))
            except ClientError as error:
                answers.append(error)
        return answers

    with ThreadPoolExecutor(20) as pool:
        invoking = [pool.submit(invoke, number) for number in range(8)]
        updating = [pool.submit(update, change) for change in ("code", "variables", "memory")]
        for future in updating:
            future.result()
        done.set()
        answers = [answer for future in invoking for answer in future.result()]
    assert len(answers) >= 8
    assert not [answer for answer in answers if answer is not None]
    assert own_server.stop() == 0
    assert "never retrieved" not in own_server.log()
    assert "did not end" not in own_server.log()
