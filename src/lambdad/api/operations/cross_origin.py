"""What the Cors of a function URL may say: rules that the service model does not know.

AWS: docs.aws.amazon.com/lambda/latest/api/API_Cors.html; the methods are those that CloudFormation's AWS::Lambda::Url Cors lists.
"""

import re
from collections.abc import Mapping
from typing import Any

from lambdad.errors import ValidationException
from lambdad.protocols.violations import must_be_one_of, of_contents

_METHODS = ("GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*")
_ORIGIN = r"\*|null|[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/,]+"
"""Scheme, host and maybe port, as browsers send it."""
_HEADER = r"[!#$%&'*+.^_`|~0-9a-zA-Z-]+"
_PATTERNS = {"AllowOrigins": _ORIGIN, "AllowHeaders": _HEADER, "ExposeHeaders": _HEADER}


def check_cors(cors: Mapping[str, Any] | None) -> None:
    """Raises ValidationException with all that is wrong."""
    if not cors:
        return
    violations = []
    methods = cors.get("AllowMethods") or []
    if any(method not in _METHODS for method in methods):
        violations.append(_violation("AllowMethods", methods, must_be_one_of(_METHODS)))
    for member, pattern in _PATTERNS.items():
        values = cors.get(member) or []
        if not all(re.fullmatch(pattern, value) for value in values):
            violations.append(_violation(member, values, f"satisfy regular expression pattern: {pattern}"))
    if violations:
        raise ValidationException.of(violations)


def _violation(member: str, values: list[str], must: str) -> str:
    return of_contents(f"[{', '.join(values)}]", f"cors.{member[0].lower()}{member[1:]}", "Member", [must])
