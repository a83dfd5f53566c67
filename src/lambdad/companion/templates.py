"""CloudFormation's templates are data: moto reads them by a YAML loader that would run what a template names."""

from typing import NoReturn

import yaml
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.utils import yaml_tag_constructor


class TemplateLoader(yaml.SafeLoader):  # type: ignore[misc]
    """AWS's short forms of functions (`!Ref`), and nothing of Python's."""


def install() -> None:
    TemplateLoader.add_multi_constructor("!", _function)
    TemplateLoader.add_constructor(None, _refuse)
    yaml.Loader = TemplateLoader


def _function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> object:
    return yaml_tag_constructor(loader, f"!{suffix}", node)


def _refuse(loader: yaml.SafeLoader, node: yaml.Node) -> NoReturn:
    raise ValidationError(message=f"Template format error: unsupported tag {node.tag}")
