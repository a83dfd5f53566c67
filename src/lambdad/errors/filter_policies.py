"""What is wrong with a subscription's filter policy, in SNS's words: what follows `Invalid parameter: `.

AWS: docs.aws.amazon.com/sns/latest/dg/subscription-filter-policy-constraints.html
"""

from typing import Self


class InvalidFilterPolicy(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @classmethod
    def no_json(cls) -> Self:
        return cls("FilterPolicy: failed to parse JSON.")

    @classmethod
    def pattern(cls, explanation: str) -> Self:
        """`errors/event_patterns.py` has the words."""
        return cls(f"FilterPolicy: {explanation}")

    @classmethod
    def too_long(cls) -> Self:
        return cls("FilterPolicy: Filter policy is too long")

    @classmethod
    def too_many_keys(cls, most: int) -> Self:
        return cls(f"FilterPolicy: Filter policy can not have more than {most} keys")

    @classmethod
    def too_complex(cls) -> Self:
        return cls("FilterPolicy: Filter policy is too complex")

    @classmethod
    def nested(cls) -> Self:
        return cls("Filter policy scope MessageAttributes does not support nested filter policy")
