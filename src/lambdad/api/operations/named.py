"""The function, version or alias that a request names, as the operations on what belongs to it find it."""

from lambdad.api.backend import Backend
from lambdad.errors import InvalidParameterValueException, ResourceNotFoundException
from lambdad.protocols.context import Context, Members
from lambdad.resources.arn import resolve_function
from lambdad.resources.function import Function, FunctionKey


def named(context: Context, request: Members) -> tuple[FunctionKey, str | None]:
    """By FunctionName and, if there is one, Qualifier."""
    return resolve_function(request["FunctionName"], request.get("Qualifier"), context.account, context.region)


def named_function(context: Context, request: Members) -> FunctionKey:
    """Where versions and aliases may not be named. Raises InvalidParameterValueException."""
    key, qualifier = named(context, request)
    if qualifier is not None:
        raise InvalidParameterValueException.functions_only()
    return key


def function_of(backend: Backend, key: FunctionKey) -> Function:
    """Raises ResourceNotFoundException."""
    function = backend.functions.get(key)
    if function is None:
        raise ResourceNotFoundException.function(key.arn)
    return function


def check_qualifier(function: Function, qualifier: str) -> None:
    """There is such a version or alias. Raises ResourceNotFoundException."""
    if qualifier in function.versions or qualifier in function.aliases:
        return
    raise missing(function.key, qualifier)


def missing(key: FunctionKey, qualifier: str) -> ResourceNotFoundException:
    """What is said of a version or an alias that is not there: which of the two, its name tells."""
    arn = f"{key.arn}:{qualifier}"
    if qualifier.isdecimal() or "$" in qualifier:
        return ResourceNotFoundException.function(arn)
    return ResourceNotFoundException.alias(arn)
