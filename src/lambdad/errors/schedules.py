"""What is no schedule expression: the services word it, each in its own way."""


class InvalidScheduleExpression(Exception):
    """It is none, or can never come to pass."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text
