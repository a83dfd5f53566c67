"""CloudFormation's templates are data: moto reads them by a YAML loader that would run what a template names.

And what the server makes itself, functions and queues above all, is not made by stacks: moto's would be seen by nobody.
"""

from typing import Any, NoReturn

import yaml
from moto.cloudformation import models
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.utils import yaml_tag_constructor

_SERVERS_OWN = frozenset(
    {
        "AWS::CloudWatch",
        "AWS::Events",
        "AWS::Lambda",
        "AWS::Logs",
        "AWS::Scheduler",
        "AWS::SQS",
        "AWS::Serverless",
        "AWS::XRay",
    }
)


class TemplateLoader(yaml.SafeLoader):  # type: ignore[misc]
    """AWS's short forms of functions (`!Ref`), and nothing of Python's."""


def install() -> None:
    TemplateLoader.add_multi_constructor("!", _function)
    TemplateLoader.add_constructor(None, _refuse)
    yaml.Loader = TemplateLoader
    for owner in (models.Stack, models.ChangeSet):
        _check_what_is_parsed(owner)


def _check_what_is_parsed(owner: Any) -> None:
    parse = owner._parse_template

    def parsed(self: Any) -> None:
        parse(self)
        for resource in (self.template_dict.get("Resources") or {}).values():
            kind = str(resource.get("Type"))
            if kind.rpartition("::")[0] in _SERVERS_OWN:
                raise ValidationError(message=f"Template error: {kind} is made by its own service here, not by stacks")

    owner._parse_template = parsed


def _function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> object:
    return yaml_tag_constructor(loader, f"!{suffix}", node)


def _refuse(loader: yaml.SafeLoader, node: yaml.Node) -> NoReturn:
    raise ValidationError(message=f"Template format error: unsupported tag {node.tag}")
