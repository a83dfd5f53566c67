"""Code signing configurations: whose signatures a function's packages must have.

AWS: docs.aws.amazon.com/lambda/latest/api/API_CodeSigningConfig.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_ARN = re.compile(r"arn:aws[a-zA-Z-]*:lambda:([a-z0-9-]+):(\d{12}):code-signing-config:(csc-[a-z0-9]{17})")


@dataclass(frozen=True, slots=True)
class CodeSigningConfigKey:
    account: str
    region: str
    name: str
    """Its id: `csc-` and 17 letters and digits."""

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:code-signing-config:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeSigningConfig:
    key: CodeSigningConfigKey
    description: str
    publishers: tuple[str, ...]
    """ARNs of signing profile versions."""
    policy: str
    """Warn | Enforce: what becomes of a package without a signature of theirs."""
    last_modified: str
    tags: Mapping[str, str] = field(default_factory=dict)


def find_code_signing_config(arn: str) -> CodeSigningConfigKey | None:
    """The one an ARN names; None when it is no such ARN."""
    match = _ARN.fullmatch(arn)
    return CodeSigningConfigKey(match[2], match[1], match[3]) if match is not None else None
