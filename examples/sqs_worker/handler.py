"""Works on orders out of a queue; those it cannot do it names, and only they come again.

AWS: docs.aws.amazon.com/lambda/latest/dg/with-sqs-example.html, …/services-sqs-errorhandling.html
"""

import json


def handler(event, context):
    failures = []
    for record in event["Records"]:
        try:
            work(json.loads(record["body"]))
        except (ValueError, KeyError, TypeError) as error:
            print(f"message {record['messageId']} cannot be done: {error!r}")
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def work(order):
    print(f"shipped {int(order['count'])} × {order['item']}")
