"""Wherever moto would run a function, the server's is invoked: what `moto.awslambda.utils.get_backend` gives here."""

from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException

from lambdad.companion.server_calls import Refused, ServerCalls


class FunctionBackend:
    """Of one account and region."""

    def __init__(self, calls: ServerCalls, account: str, region: str) -> None:
        self._calls = calls
        self._account = account
        self._region = region

    def get_function(self, function_name_or_arn: str, qualifier: str | None = None) -> "KnownFunction":
        """Raises moto's UnknownFunctionException."""
        arn = self._arn(function_name_or_arn)
        if self._calls.permits(arn, "", "", self._account):
            raise UnknownFunctionException(arn)
        return KnownFunction(self, arn, qualifier)

    def invoke(
        self, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
    ) -> bytes | None:
        payload = body.decode() if isinstance(body, bytes) else body or ""
        try:
            return self._calls.invoke(self._arn(function_name), qualifier, payload, self._account).payload
        except Refused as error:
            if error.status == 404:
                raise UnknownFunctionException(self._arn(function_name)) from error
            raise

    def _arn(self, name: str) -> str:
        return name if name.startswith("arn:") else f"arn:aws:lambda:{self._region}:{self._account}:function:{name}"


class KnownFunction:
    def __init__(self, backend: FunctionBackend, arn: str, qualifier: str | None) -> None:
        self._backend = backend
        self._qualifier = qualifier
        self.function_arn = arn

    def invoke(self, body: str, request_headers: Any, response_headers: Any) -> bytes | None:
        return self._backend.invoke(self.function_arn, self._qualifier, body, request_headers, response_headers)


def install(calls: ServerCalls) -> None:
    """moto's services look the engine up there whenever they need it."""
    import moto.awslambda.utils
    import moto.settings

    def get_backend(account_id: str, region: str) -> FunctionBackend:
        return FunctionBackend(calls, account_id, region)

    moto.awslambda.utils.get_backend = get_backend
    moto.settings.moto_server_host = lambda: "http://127.0.0.1"  # where custom resources answer: so functions reach us
