"""The constraints of Lambda's model, and where Lambda is known to differ from it."""

from collections.abc import Mapping
from typing import Any

from lambdad.errors import ValidationException
from lambdad.protocols.model import Operation
from lambdad.protocols.validation import Deviations, Validation
from lambdad.runtimes.catalogue import supported_by_layers

_ANCHORED = ("FileSystemArn", "LocalMountPath", "PrincipalOrgID", "S3Bucket", "SecurityGroupId", "SubnetId")

_LAMBDA = Validation(
    Deviations(
        patterns={
            # A version or alias: the service knows $LATEST.PUBLISHED, too.
            "Qualifier": r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
            "FunctionVersion": "",
            # Without the model's outer parentheses.
            "LayerVersionArn": (
                r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}"
                r":layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"
            ),
        },
        anchored={
            **dict.fromkeys(("DestinationArn", "Endpoint", "Topic"), ("^", "")),
            **dict.fromkeys(_ANCHORED, ("^", "$")),
        },
        unchecked=frozenset({"runtime"}),
        enums={
            "EventSourcePosition": ("LATEST", "AT_TIMESTAMP", "TRIM_HORIZON"),
            "InvokeMode": ("RESPONSE_STREAM", "BUFFERED"),
            "RecursiveLoop": ("Terminate", "Allow"),
            "Runtime": supported_by_layers(),
            "SnapStartApplyOn": ("PublishedVersions", "None"),
        },
        named_last=frozenset({"CompatibleArchitecture", "CompatibleArchitectures"}),
    )
)


def validate(operation: Operation, request: Mapping[str, Any]) -> None:
    """Raises ValidationException with all violations."""
    violations = _LAMBDA.violations(operation, request)
    if violations:
        raise ValidationException.of(violations)
