"""Makes a thumbnail of each picture that is put into a bucket. AWS's tutorial: docs.aws.amazon.com/lambda/latest/dg/with-s3-tutorial.html"""

import io
import os
from urllib.parse import unquote_plus

import boto3
from PIL import Image

s3 = boto3.client("s3")


def handler(event, context):
    for record in event["Records"]:
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        picture = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        s3.put_object(Bucket=os.environ["THUMBNAILS"], Key=key, Body=thumbnail_of(picture), ContentType="image/png")
        print(f"made a thumbnail of {key}")


def thumbnail_of(picture: bytes) -> bytes:
    """At most 128 pixels wide and high."""
    with Image.open(io.BytesIO(picture)) as image:
        image.thumbnail((128, 128))
        content = io.BytesIO()
        image.save(content, "PNG")
    return content.getvalue()
