"""Every error the API answers with: one class per exception of the service model, each wording once.

A constructor takes the facts and holds AWS's words; `http/refusal.py` is the only place that turns one into bytes. What a
failed *function* returns is no error here but a value: `environments/failures.py`.
AWS: docs.aws.amazon.com/lambda/latest/api/CommonErrors.html and the Errors section of each operation.
"""

from lambdad.errors.base import ServiceError, ServiceException
from lambdad.errors.parameters import InvalidParameterValueException
from lambdad.errors.protocols import InternalFailure, InvalidAction, MalformedInput, UnknownTargetException
from lambdad.errors.requests import (
    BadRequestException,
    InvalidRequestContentException,
    LengthRequiredException,
    OtherServiceException,
    RequestEntityTooLargeException,
    RequestTooLargeException,
    SerializationException,
    ServiceUnavailable,
    Unauthorized,
    UnknownOperationException,
    ValidationException,
)
from lambdad.errors.resources import (
    AccessDeniedException,
    AnotherAccount,
    CodeSigningConfigNotFoundException,
    CodeStorageExceededException,
    CodeVerificationFailedException,
    InvalidCodeSignatureException,
    NoPublishedVersionException,
    PolicyLengthExceededException,
    PreconditionFailedException,
    ProvisionedConcurrencyConfigNotFoundException,
    RecursiveInvocationException,
    ResourceConflictException,
    ResourceInUseException,
    ResourceNotFoundException,
    TooManyRequestsException,
)
from lambdad.errors.snapstart import SnapStartException, SnapStartNotReadyException, SnapStartTimeoutException

__all__ = [
    "AccessDeniedException",
    "AnotherAccount",
    "BadRequestException",
    "CodeSigningConfigNotFoundException",
    "CodeStorageExceededException",
    "CodeVerificationFailedException",
    "InternalFailure",
    "InvalidAction",
    "InvalidCodeSignatureException",
    "InvalidParameterValueException",
    "InvalidRequestContentException",
    "LengthRequiredException",
    "MalformedInput",
    "NoPublishedVersionException",
    "OtherServiceException",
    "PolicyLengthExceededException",
    "PreconditionFailedException",
    "ProvisionedConcurrencyConfigNotFoundException",
    "RecursiveInvocationException",
    "RequestEntityTooLargeException",
    "RequestTooLargeException",
    "ResourceConflictException",
    "ResourceInUseException",
    "ResourceNotFoundException",
    "SerializationException",
    "ServiceError",
    "ServiceException",
    "ServiceUnavailable",
    "SnapStartException",
    "SnapStartNotReadyException",
    "SnapStartTimeoutException",
    "TooManyRequestsException",
    "Unauthorized",
    "UnknownOperationException",
    "UnknownTargetException",
    "ValidationException",
]
