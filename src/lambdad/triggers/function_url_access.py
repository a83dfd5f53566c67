"""May this request call this function URL? Pure.

AWS: docs.aws.amazon.com/lambda/latest/dg/urls-auth.html. Since October 2025 a URL asks for two permissions: to call the URL,
and to invoke the function by way of it. There are no identity policies here: whoever may use the API of an account may call
its URLs unless the function's policy denies it; everyone else needs what the policy allows.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lambdad.resources.policy import Statements
from lambdad.resources.policy_evaluation import Asking, evaluate

_ACTIONS: Final = ("lambda:InvokeFunctionUrl", "lambda:InvokeFunction")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who has signed a request."""

    account: str
    access_key: str

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account}:root"


def may_call(
    auth_type: str, owner: str, statements: Statements, caller: Caller | None, facts: Mapping[str, str]
) -> bool:
    """`owner`: the function's account; `statements`: the policy of the version or alias that the URL is of; `caller`: None
    when nobody has signed, or with NONE, where no signature counts; `facts`: condition keys of the request."""
    values = {**facts, "lambda:functionurlauthtype": auth_type, "lambda:invokedviafunctionurl": "true"}
    account = caller.account if caller is not None else None
    if caller is not None:
        values |= {
            "aws:principalaccount": caller.account,
            "aws:principalarn": caller.arn,
            "aws:principaltype": "Account",
        }
    elif auth_type == "AWS_IAM":
        return False
    verdicts = [evaluate(statements, Asking(account, action, values)) for action in _ACTIONS]
    if "Deny" in verdicts:
        return False
    return account == owner or all(verdict == "Allow" for verdict in verdicts)


def facts_of(headers: Mapping[bytes, bytes], peer: str, now: float) -> dict[str, str]:
    """What conditions can ask of any request."""
    moment = datetime.fromtimestamp(int(now), UTC)
    facts = {
        "aws:currenttime": moment.isoformat().replace("+00:00", "Z"),
        "aws:epochtime": str(int(now)),
        "aws:securetransport": "false",
    }
    if peer:
        facts["aws:sourceip"] = peer
    for name, key in ((b"user-agent", "aws:useragent"), (b"referer", "aws:referer")):
        if name in headers:
            facts[key] = headers[name].decode("latin-1")
    return facts
