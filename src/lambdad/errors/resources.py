"""A resource that is not there, is in the wrong state, or is used up."""

from collections.abc import Mapping, Sequence

from lambdad.errors.base import ServiceError


class ResourceNotFoundException(ServiceError):
    status = 404
    message_member = "Message"

    @classmethod
    def function(cls, arn: str) -> "ResourceNotFoundException":
        """`arn` as it was asked for, with the qualifier if there was one."""
        return cls(f"Function not found: {arn}")

    @classmethod
    def alias(cls, arn: str) -> "ResourceNotFoundException":
        return cls(f"Cannot find alias arn: {arn}")

    @classmethod
    def alias_to_update(cls, arn: str) -> "ResourceNotFoundException":
        return cls(f"Alias not found: {arn}")

    @classmethod
    def layer_version(cls, arn: str) -> "ResourceNotFoundException":
        return cls(f"Layer version {arn} does not exist.")

    @classmethod
    def requested_resource(cls) -> "ResourceNotFoundException":
        return cls("The resource you requested does not exist.")

    @classmethod
    def no_policy(cls) -> "ResourceNotFoundException":
        return cls("No policy is associated with the given resource.")

    @classmethod
    def no_policy_of(cls, arn: str) -> "ResourceNotFoundException":
        return cls(f"No policy found for: {arn}")

    @classmethod
    def statement(cls, sid: str) -> "ResourceNotFoundException":
        return cls(f"Statement {sid} is not found in resource policy.")

    @classmethod
    def code_signing_config(cls, arn: str) -> "ResourceNotFoundException":
        return cls(f"The Lambda code signing configuration {arn} can not be found.").without_type()

    @classmethod
    def event_invoke_config(cls, arn: str) -> "ResourceNotFoundException":
        return cls(f"The function {arn} doesn't have an EventInvokeConfig")

    @classmethod
    def function_of_event_invoke_config(cls) -> "ResourceNotFoundException":
        return cls("The function doesn't exist.")

    @classmethod
    def function_of_url(cls) -> "ResourceNotFoundException":
        return cls("Function does not exist")

    @classmethod
    def region(cls, wanted: str, own: str) -> "ResourceNotFoundException":
        return cls(f"Functions from '{wanted}' are not reachable in this region ('{own}')")


class ResourceConflictException(ServiceError):
    status = 409

    @classmethod
    def function_exists(cls, name: str) -> "ResourceConflictException":
        return cls(f"Function already exist: {name}")

    @classmethod
    def alias_exists(cls, arn: str) -> "ResourceConflictException":
        return cls(f"Alias already exists: {arn}")

    @classmethod
    def provisioned_version(cls) -> "ResourceConflictException":
        return cls("Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")

    @classmethod
    def provisioned_by_alias(cls) -> "ResourceConflictException":
        return cls("Version is pointed by a Provisioned Concurrency alias")

    @classmethod
    def url_exists(cls, arn: str) -> "ResourceConflictException":
        return cls(
            f"Failed to create function url config for [functionArn = {arn}]. "
            "Error message:  FunctionUrlConfig exists for this Lambda function"
        )

    @classmethod
    def aliases_refer(cls, names: Sequence[str]) -> "ResourceConflictException":
        return cls(f"Unable to delete version because the following aliases reference it: [{', '.join(names)}]")

    @classmethod
    def statement_exists(cls, sid: str) -> "ResourceConflictException":
        return cls(
            f"The statement id ({sid}) provided already exists. "
            "Please provide a new statement id, or remove the existing statement."
        )

    @classmethod
    def code_signing_config_in_use(cls, arn: str) -> "ResourceConflictException":
        return cls(f"The code signing configuration {arn} is in use by functions and cannot be deleted.")

    @classmethod
    def queue_is_mapped(cls, arn: str, function: str, uuid: str) -> "ResourceConflictException":
        return cls(
            f'An event source mapping with SQS arn (" {arn} ") and function (" {function} ") already exists. '
            f"Please update or delete the existing mapping with UUID {uuid}"
        )

    @classmethod
    def source_is_mapped(cls, arn: str, function: str, uuid: str) -> "ResourceConflictException":
        return cls(
            f'The event source arn (" {arn} ") and function (" {function} ") provided mapping already exists. '
            f"Please update or delete the existing mapping with UUID {uuid}"
        )

    @classmethod
    def topics_are_mapped(cls, sources: str, function: str, topics: str, uuid: str) -> "ResourceConflictException":
        return cls(
            f'An event source mapping with event source ("{sources}"), function ("{function}"), topics ("{topics}") '
            f"already exists. Please update or delete the existing mapping with UUID {uuid}"
        )

    @classmethod
    def update_in_progress(cls, arn: str) -> "ResourceConflictException":
        return cls(f"The operation cannot be performed at this time. An update is in progress for resource: {arn}")

    @classmethod
    def state(cls, state: str) -> "ResourceConflictException":
        return cls(
            f"The operation cannot be performed at this time. The function is currently in the following state: {state}"
        )


class ProvisionedConcurrencyConfigNotFoundException(ServiceError):
    status = 404

    @classmethod
    def of_function(cls) -> "ProvisionedConcurrencyConfigNotFoundException":
        return cls("No Provisioned Concurrency Config found for this function")


class NoPublishedVersionException(ServiceError):
    status = 400
    message_member = "Message"

    @classmethod
    def of(cls, arn: str) -> "NoPublishedVersionException":
        return cls(f"The function has no published version: {arn}")


class ResourceInUseException(ServiceError):
    status = 400
    message_member = "Message"

    @classmethod
    def mapping(cls, action: str) -> "ResourceInUseException":
        return cls(f"Cannot {action} the event source mapping because it is in use.")


class PreconditionFailedException(ServiceError):
    status = 412

    @classmethod
    def function_revision(cls) -> "PreconditionFailedException":
        return cls(
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
        )

    @classmethod
    def policy_revision(cls) -> "PreconditionFailedException":
        return cls(
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetPolicy API to retrieve the latest Revision Id"
        )

    @classmethod
    def layer_policy_revision(cls) -> "PreconditionFailedException":
        return cls(
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetLayerPolicy API to retrieve the latest Revision Id"
        )


class AccessDeniedException(ServiceError):
    status = 403
    kind = None
    message_member = "Message"

    @classmethod
    def action(cls, account: str, action: str, arn: str, denied: bool = False) -> "AccessDeniedException":
        """`denied`: by a statement, and not for the lack of one."""
        why = f"because no resource-based policy allows the {action} action"
        if denied:
            why = "with an explicit deny in a resource-based policy"
        user = f"User: arn:aws:iam::{account}:root"
        return cls(f"{user} is not authorized to perform: {action} on resource: {arn} {why}")

    @classmethod
    def service(cls, principal: str, action: str, arn: str) -> "AccessDeniedException":
        return cls(
            f"User: {principal} is not authorized to perform: {action} on resource: {arn} "
            f"because no resource-based policy allows the {action} action"
        )

    @classmethod
    def other_account(cls, sender: str, target: str) -> "AccessDeniedException":
        return cls(f"{sender} may send nothing to {target}: it is another account's")

    @classmethod
    def function_url(cls) -> "AccessDeniedException":
        return cls(
            "Forbidden. For troubleshooting Function URL authorization issues, see: "
            "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
        )

    @classmethod
    def no_function_url(cls) -> "AccessDeniedException":
        """Whether there is one is nobody's business: AWS says nothing at all."""
        return cls("")

    @classmethod
    def web_page(cls) -> "AccessDeniedException":
        return cls("Web pages may use the API only where requests are signed (--auth sigv4).")

    @classmethod
    def layer_publication(cls, account: str, arn: str) -> "AccessDeniedException":
        return cls(
            f"User: arn:aws:iam::{account}:root is not authorized to perform: lambda:PublishLayerVersion on resource: {arn}"
        )


class AnotherAccount(AccessDeniedException):
    """Its function was asked for, by ARN: whether there is one is not said. Who knows the operation words it."""

    def __init__(self, arn: str) -> None:
        super().__init__("")
        self.arn = arn

    @property
    def code(self) -> str:
        return "AccessDeniedException"


class TooManyRequestsException(ServiceError):
    status = 429

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self._reason = reason

    @property
    def members(self) -> Mapping[str, str]:
        return {"Reason": self._reason}

    @classmethod
    def concurrency(cls, reason: str) -> "TooManyRequestsException":
        return cls("Rate Exceeded.", reason)

    @classmethod
    def caller_rate(cls) -> "TooManyRequestsException":
        return cls("Rate exceeded", "CallerRateLimitExceeded")

    @classmethod
    def scaling_rate(cls) -> "TooManyRequestsException":
        return cls("Rate Exceeded.", "FunctionInvocationRateLimitExceeded")

    @classmethod
    def no_capacity(cls) -> "TooManyRequestsException":
        """This host holds as many environments as it may: AWS has no such case, but this is how it would say it."""
        return cls("Rate Exceeded.", "ConcurrentInvocationLimitExceeded")


class RecursiveInvocationException(ServiceError):
    status = 400

    @classmethod
    def of(cls, function: str) -> "RecursiveInvocationException":
        return cls(
            f"Lambda has detected your function being invoked in a recursive loop with other AWS resources and stopped "
            f"your function's invocation. Function: {function}"
        )


class PolicyLengthExceededException(ServiceError):
    status = 400

    @classmethod
    def limit(cls, size: int, limit: int) -> "PolicyLengthExceededException":
        return cls(f"The final policy size ({size}) is bigger than the limit ({limit}).")


class CodeStorageExceededException(ServiceError):
    status = 400

    @classmethod
    def limit(cls) -> "CodeStorageExceededException":
        return cls("Code storage limit exceeded.")


class CodeSigningConfigNotFoundException(ServiceError):
    status = 404
    message_member = "Message"

    @classmethod
    def of(cls, arn: str) -> "CodeSigningConfigNotFoundException":
        return cls(
            "The code signing configuration cannot be found. "
            f"Check that the provided configuration is not deleted: {arn}."
        )


class CodeVerificationFailedException(ServiceError):
    status = 400
    message_member = "Message"

    @classmethod
    def of(cls, deployed: str) -> "CodeVerificationFailedException":
        """`deployed`: the ARN of the function or the layer version."""
        return cls(
            "Lambda cannot deploy the function. The function or layer might be signed using a signature that the client "
            f"is not configured to accept. Check the provided signature for {deployed}."
        )


class InvalidCodeSignatureException(ServiceError):
    status = 400
    message_member = "Message"

    @classmethod
    def integrity(cls) -> "InvalidCodeSignatureException":
        return cls("The code signature failed the integrity check. The package was changed after it was signed.")
