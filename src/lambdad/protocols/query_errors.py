"""How the query protocol names errors, for services that spoke it once: their clients still look for those names.

AWS: smithy.io/2.0/aws/protocols/aws-query-protocol.html#awsquerycompatible-trait
"""

from lambdad.errors import ServiceError
from lambdad.protocols.model import Model


def code_of(model: Model, error: ServiceError) -> str:
    return error.query_code or model.error_codes.get(error.code, error.code)


def fault_of(error: ServiceError) -> str:
    return "Sender" if error.status < 500 else "Receiver"


def query_error(model: Model, error: ServiceError) -> tuple[bytes, bytes]:
    """The header that tells them beside another protocol."""
    return b"x-amzn-query-error", f"{code_of(model, error)};{fault_of(error)}".encode()
