"""A function to start from: greets whoever the event names."""

import os
import platform


def handler(event, context):
    name = event.get("name", "you") if isinstance(event, dict) else "you"
    print(f"greeting {name}")
    return {
        "greeting": f"Hello, {name}!",
        "function": context.function_name,
        "request": context.aws_request_id,
        "python": platform.python_version(),
        "memory": os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
    }
