"""Tags of resources, as the services' operations change them."""

from collections.abc import Collection, Iterable, Mapping

Tags = Mapping[str, str]


def tags_of(members: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Of a list of Key and Value."""
    return {tag["Key"]: tag["Value"] for tag in members}


def tag_members(tags: Tags) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def without(tags: Tags, keys: Collection[str]) -> Tags:
    return {key: value for key, value in tags.items() if key not in keys}
