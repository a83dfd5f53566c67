"""In which order a stack's resources are deleted: whatever depends on another goes before it. Pure.

AWS: docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-dependson.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

_SUBSTITUTED = re.compile(r"\$\{([^!.}][^.}]*)")


def deletion_order(resources: Mapping[str, Any]) -> list[str]:
    """`resources`: of a template, by logical id."""
    made: dict[str, None] = {}

    def make(name: str, waiting: frozenset[str]) -> None:
        if name in made or name in waiting:  # a circle would have been refused
            return
        for needed in _needed_by(resources[name]):
            if needed in resources:
                make(needed, waiting | {name})
        made[name] = None

    for name in resources:
        make(name, frozenset())
    return list(made)[::-1]


def _needed_by(resource: Mapping[str, Any]) -> Iterator[str]:
    depends = resource.get("DependsOn") or ()
    yield from (depends,) if isinstance(depends, str) else depends
    yield from _named_in(resource.get("Properties"))


def _named_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _named_in(one)
    if not isinstance(value, dict):
        return
    for key, one in value.items():
        if key == "Ref" and isinstance(one, str):
            yield one
        elif key == "Fn::GetAtt":
            yield str(one[0] if isinstance(one, list) else one).partition(".")[0]
        elif key == "Fn::Sub":
            yield from _SUBSTITUTED.findall(one if isinstance(one, str) else str(one[0]))
            yield from _named_in(one)
        else:
            yield from _named_in(one)
