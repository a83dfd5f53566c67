"""lambdad: AWS Lambda as a program you run yourself."""

__version__ = "0.1.0"
