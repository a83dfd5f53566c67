"""What a rotation function is given: moto names the secret where Secrets Manager gives its ARN, and gives no RotationToken.

AWS: docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html
"""

import json
from uuid import NAMESPACE_URL, uuid5


def event_of(account: str, region: str, given: str) -> str:
    """`given`: moto's event."""
    from moto.secretsmanager.models import secretsmanager_backends

    event = json.loads(given)
    arn = secretsmanager_backends[account][region].secrets[event["SecretId"]].arn
    token = uuid5(NAMESPACE_URL, f"{arn}/{event['ClientRequestToken']}")  # all steps of a rotation have the same
    return json.dumps({**event, "SecretId": arn, "RotationToken": str(token)})
