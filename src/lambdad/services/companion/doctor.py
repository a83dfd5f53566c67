"""What the companion would be on this host, in words."""

from importlib.metadata import version

from lambdad.sandbox.doctor import Finding
from lambdad.services.companion.process import installed


def examine_companion() -> Finding:
    if not installed():
        return Finding(
            "services",
            False,
            "AWS's other services (S3, SNS, DynamoDB …) are not installed",
            "pip install 'lambdad[services]', or name endpoints of your own: --endpoint s3=URL",
        )
    kept = "what they hold is saved a moment after it changes; running executions of Step Functions are not kept"
    return Finding("services", True, f"AWS's other services by moto {version('moto')}: {kept}")
