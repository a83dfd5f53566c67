"""Many clients at once: who comes first wins, the others are told so, and nothing is lost."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from functions import ROLE, create, new_name, zip_of

MANY = 8
CODE = zip_of({"app.py": "def handler(event, context):\n    return event\n"})


def at_once(calls: Sequence[Callable[[], Any]]) -> Counter[str]:
    """How often each error code was answered; `done` where it was none."""

    def outcome(action: Callable[[], Any]) -> str:
        try:
            action()
        except ClientError as error:
            code: str = error.response["Error"]["Code"]
            return code
        return "done"

    with ThreadPoolExecutor(len(calls)) as clients:
        return Counter(clients.map(outcome, calls))


@pytest.fixture
def function(client: Any) -> str:
    return create(client)


def test_one_of_many_updates_of_a_revision(client: Any, function: str) -> None:
    revision = client.get_function_configuration(FunctionName=function)["RevisionId"]
    numbered = {"FunctionName": function, "RevisionId": revision}
    outcomes = at_once(
        [
            *(lambda n=n: client.update_function_configuration(Description=str(n), **numbered) for n in range(MANY)),
            *(lambda: client.update_function_code(ZipFile=CODE, **numbered) for _ in range(MANY)),
        ]
    )
    assert outcomes == {"done": 1, "PreconditionFailedException": 2 * MANY - 1}


def test_updates_without_a_revision_come_one_after_the_other(client: Any, function: str) -> None:
    given: list[str] = []

    def update(number: int) -> None:
        client.update_function_configuration(FunctionName=function, Description=str(number))
        given.append(str(number))

    outcomes = at_once([lambda n=n: update(n) for n in range(MANY)])
    assert outcomes["done"] + outcomes["ResourceConflictException"] == MANY
    assert outcomes["done"] == len(given) >= 1
    assert client.get_function_configuration(FunctionName=function)["Description"] in given


@pytest.mark.parametrize(
    ("action", "conflict"),
    [
        (lambda client, name: client.create_alias(FunctionName=name, Name="a", FunctionVersion="$LATEST"), 409),
        (lambda client, name: client.create_function_url_config(FunctionName=name, AuthType="NONE"), 409),
        (
            lambda client, name: client.add_permission(
                FunctionName=name, StatementId="s", Action="lambda:InvokeFunction", Principal="*"
            ),
            409,
        ),
        (
            lambda client, name: client.create_function(
                FunctionName=f"{name}-2", Runtime="python3.12", Role=ROLE, Handler="app.handler", Code={"ZipFile": CODE}
            ),
            409,
        ),
    ],
    ids=["alias", "url", "statement", "function"],
)
def test_one_of_many_makes_it(client: Any, function: str, action: Callable[[Any, str], Any], conflict: int) -> None:
    outcomes = at_once([lambda: action(client, function)] * MANY)
    assert outcomes == {"done": 1, "ResourceConflictException": MANY - 1}


def test_nothing_that_is_added_is_lost(client: Any, function: str) -> None:
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    names = [f"n{number}" for number in range(MANY)]
    invoke = {"FunctionName": function, "Action": "lambda:InvokeFunction", "Principal": "*"}
    outcomes = at_once(
        [
            *(lambda n=n: client.tag_resource(Resource=arn, Tags={n: "x"}) for n in names),
            *(lambda n=n: client.create_alias(FunctionName=function, Name=n, FunctionVersion="$LATEST") for n in names),
            *(lambda n=n: client.add_permission(StatementId=n, **invoke) for n in names),
            *(lambda: client.publish_version(FunctionName=function) for _ in names),
        ]
    )
    assert outcomes == {"done": 4 * MANY}
    assert client.list_tags(Resource=arn)["Tags"].keys() == set(names)
    assert [alias["Name"] for alias in client.list_aliases(FunctionName=function)["Aliases"]] == names
    policy = client.get_policy(FunctionName=function)["Policy"]
    assert all(f'"Sid":"{name}"' in policy for name in names)
    assert len(client.list_versions_by_function(FunctionName=function)["Versions"]) == 2, (
        "nothing had changed in between"
    )


def test_each_layer_version_has_a_number_of_its_own(client: Any) -> None:
    layer = new_name()
    outcomes = at_once([lambda: client.publish_layer_version(LayerName=layer, Content={"ZipFile": CODE})] * MANY)
    assert outcomes == {"done": MANY}
    found = client.list_layer_versions(LayerName=layer)["LayerVersions"]
    assert [one["Version"] for one in found] == list(range(MANY, 0, -1))
