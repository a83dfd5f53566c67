"""An error's body, beside its message: how AWS spells `message`, and whether there is a `Type`. As recorded, error by error."""

from collections.abc import Callable
from typing import Any

import pytest

from functions import create, new_name
from refusals import members_of_refusal

LARGE, SMALL, NONE = {"Type", "Message"}, {"Type", "message"}, {"message"}
WEIGHT = {"AdditionalVersionWeights": {"1": 0.5}}
CONFIG = "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-00000000000000000"


@pytest.fixture(scope="module")
def function(client: Any) -> str:
    return create(client, Publish=True)


@pytest.mark.parametrize(
    ("members", "refuse"),
    [
        (LARGE, lambda client, name: (client.get_function, {"FunctionName": new_name()})),
        (LARGE, lambda client, name: (client.get_policy, {"FunctionName": name})),
        ({"Message"}, lambda client, name: (client.get_code_signing_config, {"CodeSigningConfigArn": CONFIG})),
        (
            LARGE,
            lambda client, name: (
                client.put_function_code_signing_config,
                {"FunctionName": name, "CodeSigningConfigArn": CONFIG},
            ),
        ),
        (SMALL, lambda client, name: (client.update_function_code, {"FunctionName": name})),
        (SMALL, lambda client, name: (client.publish_version, {"FunctionName": name, "RevisionId": "another"})),
        (
            SMALL,
            lambda client, name: (
                client.get_provisioned_concurrency_config,
                {"FunctionName": name, "Qualifier": "1"},
            ),
        ),
        (
            NONE,
            lambda client, name: (
                client.create_alias,
                {"FunctionName": name, "Name": "a", "FunctionVersion": "$LATEST", "RoutingConfig": WEIGHT},
            ),
        ),
        (
            NONE,
            lambda client, name: (
                client.put_function_concurrency,
                {"FunctionName": name, "ReservedConcurrentExecutions": 100_000},
            ),
        ),
        *(
            (
                NONE,
                lambda client, name, count=count: (
                    client.put_provisioned_concurrency_config,
                    {"FunctionName": name, "Qualifier": "1", "ProvisionedConcurrentExecutions": count},
                ),
            )
            for count in (1000, 100_000)
        ),
        (set(), lambda client, name: (client.get_function, {"FunctionName": "a b"})),
    ],
)
def test_members(
    client: Any, function: str, members: set[str], refuse: Callable[[Any, str], tuple[Any, dict[str, Any]]]
) -> None:
    action, parameters = refuse(client, function)
    found = members_of_refusal(action, **parameters)
    assert found - {"message"} == members if members == set() else found == members
