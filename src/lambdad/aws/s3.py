"""Reading an object from the configured S3 endpoint, by AWS's own client. Called in a thread: it blocks.

The client is imported at first use: it costs half a second, and most servers never fetch from S3.
"""

from typing import Any

from lambdad.errors import InvalidParameterValueException

_TIMEOUT = 10
"""Seconds to connect, and between two pieces."""


def fetch(endpoint: str, region: str, bucket: str, key: str, version: str | None, most: int) -> bytes:
    """The object, at most `most` bytes. Raises InvalidParameterValueException with S3's own code and words."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    settings = Config(
        connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT, retries={"max_attempts": 2}, s3={"addressing_style": "path"}
    )
    credentials = _credentials()
    client = boto3.client("s3", endpoint_url=endpoint, region_name=region, config=settings, **credentials)
    wanted = {"Bucket": bucket, "Key": key} | ({"VersionId": version} if version else {})
    try:
        answer = client.get_object(**wanted)
        if answer["ContentLength"] > most:
            raise InvalidParameterValueException.unzipped_too_large(most)
        content: bytes = answer["Body"].read()
    except ClientError as error:
        raise InvalidParameterValueException.s3(
            error.response["Error"]["Code"], error.response["Error"]["Message"]
        ) from error
    except BotoCoreError as error:
        raise InvalidParameterValueException.s3("ServiceUnavailable", str(error)) from error
    return content


def _credentials() -> dict[str, Any]:
    """The user's own where there are some; else any will do for the endpoints that people run themselves."""
    import boto3

    if boto3.session.Session().get_credentials() is not None:
        return {}
    return {"aws_access_key_id": "lambdad", "aws_secret_access_key": "lambdad"}
