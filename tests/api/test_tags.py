"""TagResource, UntagResource, ListTags."""

from collections.abc import Callable
from typing import Any

import pytest

from functions import new_name
from refusals import invalid, refused

Settled = Callable[..., None]
Create = Callable[..., dict[str, Any]]
TOO_MANY = invalid("Number of tags exceeds resource tag limit.")


@pytest.fixture
def arn(create_function: Create, settled: Settled) -> str:
    made = create_function(Tags={"a": "1"})
    settled(made["FunctionName"])
    function_arn: str = made["FunctionArn"]
    return function_arn


def tags_of(client: Any, arn: str) -> Any:
    tags = client.list_tags(Resource=arn)["Tags"]
    assert client.get_function(FunctionName=arn).get("Tags", {}) == tags
    return tags


def test_tags_are_added_replaced_and_removed(client: Any, arn: str) -> None:
    assert tags_of(client, arn) == {"a": "1"}
    answer = client.tag_resource(Resource=arn, Tags={"b": "2", "c with spaces": ""})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert tags_of(client, arn) == {"a": "1", "b": "2", "c with spaces": ""}
    client.tag_resource(Resource=arn, Tags={"b": "two"})
    answer = client.untag_resource(Resource=arn, TagKeys=["a", "c with spaces", "never was"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert tags_of(client, arn) == {"b": "two"}
    client.untag_resource(Resource=arn, TagKeys=["b"])
    assert tags_of(client, arn) == {}


def test_every_change_is_a_revision(client: Any, arn: str) -> None:
    def revision() -> Any:
        return client.get_function_configuration(FunctionName=arn)["RevisionId"]

    revisions = [revision()]
    client.tag_resource(Resource=arn, Tags={"b": "2"})
    revisions.append(revision())
    client.untag_resource(Resource=arn, TagKeys=["b"])
    revisions.append(revision())
    assert len(set(revisions)) == 3
    client.list_tags(Resource=arn)
    assert revision() == revisions[-1]


def test_keys_of_system_tags(client: Any, arn: str, create_function: Create) -> None:
    reserved = invalid("aws: prefixed tag key names are not allowed for external use.")
    own = {"aws:cloudformation:stack-name": "mine"}
    assert refused(client.tag_resource, Resource=arn, Tags=own) == reserved
    assert refused(client.tag_resource, Resource=arn, Tags={"AWS:upper": "too"}) == reserved
    assert refused(create_function, Tags=own) == reserved
    mapping = {"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q", "FunctionName": arn}
    assert refused(client.create_event_source_mapping, Tags=own, **mapping) == reserved
    publishers = {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/0123456789"]}
    assert refused(client.create_code_signing_config, AllowedPublishers=publishers, Tags=own) == reserved
    assert tags_of(client, arn) == {"a": "1"}
    client.tag_resource(Resource=arn, Tags={"awsome:": "aws:value"})


def test_no_tags_at_all(client: Any, arn: str) -> None:
    refusal = refused(client.tag_resource, Resource=arn, Tags={})
    assert refusal == invalid("An error occurred and the request cannot be processed.")


def test_there_is_a_limit(client: Any, arn: str) -> None:
    more = {f"key{number}": "value" for number in range(49)}
    client.tag_resource(Resource=arn, Tags=more)
    assert refused(client.tag_resource, Resource=arn, Tags={"one": "more"}) == TOO_MANY
    client.tag_resource(Resource=arn, Tags={"a": "replaced"})
    assert tags_of(client, arn) == {"a": "replaced", **more}


def test_only_functions_have_tags(client: Any, arn: str) -> None:
    own = invalid("Tags on function aliases and versions are not supported. Please specify a function ARN.")
    for qualifier in ("$LATEST", "1", "live"):
        assert refused(client.tag_resource, Resource=f"{arn}:{qualifier}", Tags={"x": "y"}) == own
    assert tags_of(client, arn) == {"a": "1"}


def test_what_is_not_there(client: Any) -> None:
    nothing = f"arn:aws:lambda:us-east-1:000000000000:function:{new_name()}"
    missing = ("ResourceNotFoundException", 404, f"Function not found: {nothing}")
    assert refused(client.list_tags, Resource=nothing) == missing
    assert refused(client.tag_resource, Resource=nothing, Tags={"x": "y"}) == missing
    assert refused(client.untag_resource, Resource=nothing, TagKeys=["x"]) == missing
