"""Runs by the clock. AWS's tutorial: docs.aws.amazon.com/eventbridge/latest/userguide/eb-run-lambda-schedule.html"""


def handler(event, context):
    print(f"{event['detail-type']} at {event['time']}, by {event['resources'][0]}")
