"""Function names in their forms: name, function:name, account:function:name, region:account:function:name, ARN; each with or
without a qualifier. Pure.

AWS: docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (FunctionName)
"""

import re

from lambdad.errors import AnotherAccount, InvalidParameterValueException, ResourceNotFoundException
from lambdad.resources.function import FunctionKey
from lambdad.resources.layer import LayerKey

_NAME = re.compile(
    r"(?P<arn>arn:(?:aws[a-zA-Z-]*)?:lambda:)?(?:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?(?P<name>[a-zA-Z0-9-_.]+)(?::(?P<qualifier>\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)

_LAYER = re.compile(
    r"arn:aws[a-zA-Z-]*:lambda:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):layer:(?P<name>[a-zA-Z0-9-_]+)"
    r"(?::(?P<version>[0-9]+))?"
)


def resolve_function(text: str, qualifier: str | None, account: str, region: str) -> tuple[FunctionKey, str | None]:
    """The function meant and its qualifier, from a FunctionName that matches the model's pattern.

    Raises InvalidParameterValueException when the name and the parameter name different qualifiers,
    ResourceNotFoundException when the ARN is another region's, AnotherAccount when it is another account's.
    """
    match = _NAME.fullmatch(text)
    if match is None:
        raise ResourceNotFoundException.function(FunctionKey(account, region, text).arn)
    own = match["qualifier"]
    if own is not None and qualifier is not None and own != qualifier:
        raise InvalidParameterValueException.qualifier_mismatch()
    chosen = qualifier if qualifier is not None else own
    key = FunctionKey(match["account"] or account, match["region"] or region, match["name"])
    if key.region != region:
        raise ResourceNotFoundException.region(key.region, region)
    if key.account != account:
        raise AnotherAccount(f"{key.arn}:{chosen}" if chosen else key.arn)
    return key, chosen


def find_function_arn(arn: str) -> FunctionKey | None:
    """The function that an ARN names, with or without a qualifier; None when it is no function's."""
    match = _NAME.fullmatch(arn)
    if match is None or not match["arn"] or match["region"] is None or match["account"] is None:
        return None
    return FunctionKey(match["account"], match["region"], match["name"])


def qualifier_of(arn: str) -> str | None:
    """Of a function's ARN."""
    match = _NAME.fullmatch(arn)
    return match["qualifier"] if match is not None else None


def resolve_layer(text: str, account: str, region: str) -> LayerKey:
    """The layer meant by a LayerName that matches the model's pattern: a name or an ARN."""
    match = _LAYER.fullmatch(text)
    return LayerKey(match["account"], match["region"], match["name"]) if match else LayerKey(account, region, text)


def resolve_layer_version(arn: str) -> tuple[LayerKey, int]:
    """Raises ResourceNotFoundException for what is no layer version of any account's (AWS's own have other ARNs)."""
    match = _LAYER.fullmatch(arn)
    if match is None or match["version"] is None:
        raise ResourceNotFoundException.layer_version(arn)
    return LayerKey(match["account"], match["region"], match["name"]), int(match["version"])
