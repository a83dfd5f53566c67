"""What callers of a function with SnapStart are refused with.

AWS: docs.aws.amazon.com/lambda/latest/dg/snapstart-troubleshoot.html and the Errors section of API_Invoke. AWS documents
when, and the exceptions' members; the sentences are those of its documentation.
"""

from lambdad.errors.base import ServiceError


class SnapStartNotReadyException(ServiceError):
    status = 409
    message_member = "Message"

    @classmethod
    def pending(cls) -> "SnapStartNotReadyException":
        return cls(
            "Lambda is initializing your function. It will be ready to invoke once your function state becomes ACTIVE."
        )


class SnapStartException(ServiceError):
    status = 400
    message_member = "Message"

    @classmethod
    def after_restore(cls) -> "SnapStartException":
        return cls("The afterRestore() runtime hook encountered an error. For more information, check the log.")


class SnapStartTimeoutException(ServiceError):
    status = 408
    message_member = "Message"

    @classmethod
    def restore(cls, seconds: float) -> "SnapStartTimeoutException":
        return cls(f"Lambda couldn't restore the snapshot within the timeout limit of {seconds:.0f} seconds.")
