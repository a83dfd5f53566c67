"""Who a function is: GetCallerIdentity of an execution role's session is answered here, all else of STS by the companion.

AWS: docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
"""

import base64
import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Final
from urllib.parse import parse_qs

from lambdad.aws.credentials import RoleSession
from lambdad.errors import OtherServiceException, ServiceError
from lambdad.http import refusal
from lambdad.http.exchange import Exchange
from lambdad.protocols.context import Context, Members
from lambdad.protocols.model import Model, load_model
from lambdad.protocols.query import Query
from lambdad.services.companion.companion import Companion

SERVICE: Final = "sts"
_OPERATION = "GetCallerIdentity"
_LONGEST = 4096
"""Bytes of a request that asks for no more than that."""
_ID_LENGTH = 17
"""Of a role's unique id, behind AROA."""


class CallerIdentity:
    """What the front door hands requests to."""

    def __init__(self, session_of: Callable[[str], RoleSession | None]) -> None:
        """`session_of(token)`: whose session token that is, if it is one of ours."""
        self._session_of = session_of
        self.others: Companion | None = None

    @cached_property
    def _model(self) -> Model:
        return load_model(SERVICE)

    def handle(self, exchange: Exchange, context: Context) -> None:
        session = self._session_of(_token_of(exchange))
        if session is not None and session.account == context.account and _asks(exchange):
            operation = self._model.operations[_OPERATION]
            answer = Query(self._model).answer(operation, identity_of(session), context.request_id)
            assert isinstance(answer.body, bytes)
            exchange.respond(answer.status, answer.headers, answer.body)
        elif self.others is not None:
            self.others.handle(exchange, context)
        else:
            raise OtherServiceException.of(SERVICE)

    def refuse(self, exchange: Exchange, error: ServiceError) -> None:
        refusal.refuse_for_other_service(exchange, error)


def identity_of(session: RoleSession) -> Members:
    """The role's unique id is always the same one, as IAM's would be: nobody here has given it any."""
    partition, name = session.role.split(":", 2)[1], session.role.rpartition("/")[2]
    unique = base64.b32encode(hashlib.sha256(session.role.encode()).digest()).decode()[:_ID_LENGTH]
    return {
        "UserId": f"AROA{unique}:{session.name}",
        "Account": session.account,
        "Arn": f"arn:{partition}:sts::{session.account}:assumed-role/{name}/{session.name}",
    }


def _query_of(exchange: Exchange) -> dict[str, list[str]]:
    query = exchange.target.partition(b"?")[2]
    return parse_qs(query.decode("latin-1")) if len(query) <= _LONGEST else {}


def _token_of(exchange: Exchange) -> str:
    """Of the header, or of a presigned URL; empty if there is none."""
    token = exchange.headers.get(b"x-amz-security-token")
    if token is not None:
        return token.decode("latin-1")
    return _query_of(exchange).get("X-Amz-Security-Token", [""])[0]


def _asks(exchange: Exchange) -> bool:
    body = exchange.body
    form = parse_qs(body.decode("latin-1")) if 0 < len(body) <= _LONGEST else _query_of(exchange)
    return form.get("Action") == [_OPERATION]
