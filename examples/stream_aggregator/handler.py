"""Sums up a table's new items by region, in windows of time: the state of a window goes from one batch to the next.

AWS: docs.aws.amazon.com/lambda/latest/dg/with-ddb-example.html, …/services-ddb-windows.html
"""

import os
from collections import Counter

import boto3

totals = boto3.client("dynamodb")


def handler(event, context):
    sums = Counter(event["state"])
    for record in event["Records"]:
        if record["eventName"] == "INSERT":
            sale = record["dynamodb"]["NewImage"]
            sums[sale["region"]["S"]] += int(sale["amount"]["N"])
    if not event["isFinalInvokeForWindow"]:
        return {"state": dict(sums)}
    for region, amount in sums.items():
        totals.update_item(
            TableName=os.environ["TOTALS"],
            Key={"region": {"S": region}},
            UpdateExpression="ADD amount :amount",
            ExpressionAttributeValues={":amount": {"N": str(amount)}},
        )
    print(f"window of {event['window']['start']}: {dict(sums)}")
    return {}
