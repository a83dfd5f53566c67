"""Every runtime identifier AWS knows, and what lambdad does with it.

AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html (identifiers, deprecation, block of creation).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

LIBRARY_PATH = "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
"""LD_LIBRARY_PATH as every managed runtime has it."""

FRAMED_LOG: Mapping[str, str] = MappingProxyType({"_LAMBDA_TELEMETRY_LOG_FD": "2"})
"""Tells AWS's runtime clients and ours where to write log messages as frames: stdout and stderr are one pipe. They remove
the variable before the function could see it."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """One runtime identifier."""

    identifier: str
    family: str
    """python | nodejs | provided | java | dotnet | ruby | go."""
    version: str
    """As the family counts: `3.12`, `22`, `al2023`."""
    runs: bool
    """lambdad starts it, given the interpreter is found on this host."""
    preview: bool = False
    deprecated: str | None = None
    """The day of deprecation (ISO); None where AWS has published none, or later than any decision here needs."""

    @property
    def interpreter(self) -> str | None:
        """The program it needs, e.g. `python3.12`; None where the function brings its own."""
        if self.family == "python":
            return f"python{self.version}"
        return {"nodejs": "node", "java": "java"}.get(self.family)

    @property
    def major(self) -> str:
        """The version without what it runs on: `8` of `8.al2`."""
        return self.version.partition(".")[0]


def _catalogue() -> Mapping[str, Runtime]:
    runs = [
        Runtime("python3.10", "python", "3.10", True, deprecated="2026-10-31"),
        Runtime("python3.11", "python", "3.11", True, deprecated="2027-06-30"),
        Runtime("python3.12", "python", "3.12", True, deprecated="2028-10-31"),
        Runtime("python3.13", "python", "3.13", True, deprecated="2029-06-30"),
        Runtime("python3.14", "python", "3.14", True, deprecated="2029-06-30"),
        Runtime("python3.15", "python", "3.15", True, preview=True),
        Runtime("nodejs20.x", "nodejs", "20", True, deprecated="2026-04-30"),
        Runtime("nodejs22.x", "nodejs", "22", True, deprecated="2027-04-30"),
        Runtime("nodejs24.x", "nodejs", "24", True, deprecated="2028-04-30"),
        Runtime("nodejs26.x", "nodejs", "26", True, preview=True),
        Runtime("provided.al2", "provided", "al2", True, deprecated="2026-07-31"),
        Runtime("provided.al2023", "provided", "al2023", True, deprecated="2029-06-30"),
        Runtime("java25", "java", "25", True, deprecated="2029-06-30"),
        Runtime("java21", "java", "21", True, deprecated="2029-06-30"),
        Runtime("java17.al2023", "java", "17.al2023", True),
        Runtime("java17", "java", "17", True, deprecated="2027-06-30"),
        Runtime("java11.al2023", "java", "11.al2023", True),
        Runtime("java11", "java", "11", True, deprecated="2027-06-30"),
        Runtime("java8.al2023", "java", "8.al2023", True),
        Runtime("java8.al2", "java", "8.al2", True, deprecated="2027-06-30"),
    ]
    not_yet = [
        Runtime(identifier, family, identifier.removeprefix(family), False, deprecated=deprecated)
        for family, identifier, deprecated in _NOT_YET
    ]
    return MappingProxyType({runtime.identifier: runtime for runtime in (*runs, *not_yet)})


_NOT_YET = (
    ("dotnet", "dotnet10", "2028-11-14"),
    ("dotnet", "dotnet8", "2026-11-10"),
    ("ruby", "ruby4.0", None),
    ("ruby", "ruby3.4", "2028-03-31"),
    ("ruby", "ruby3.3", "2027-03-31"),
    ("ruby", "ruby3.2", "2026-03-31"),
    # Deprecated long ago; the control plane refuses to create them.
    ("java", "java8", "2024-01-08"),
    ("dotnet", "dotnet6", "2024-12-20"),
    ("dotnet", "dotnetcore3.1", "2023-04-03"),
    ("dotnet", "dotnetcore2.1", "2022-01-05"),
    ("dotnet", "dotnetcore2.0", "2019-05-30"),
    ("dotnet", "dotnetcore1.0", "2019-06-27"),
    ("go", "go1.x", "2024-01-08"),
    ("ruby", "ruby2.7", "2023-12-07"),
    ("ruby", "ruby2.5", "2021-07-30"),
    ("provided", "provided", "2024-01-08"),
    ("python", "python3.9", "2025-12-15"),
    ("python", "python3.8", "2024-10-14"),
    ("python", "python3.7", "2023-12-04"),
    ("python", "python3.6", "2022-07-18"),
    ("python", "python2.7", "2021-07-15"),
    ("nodejs", "nodejs18.x", "2025-09-01"),
    ("nodejs", "nodejs16.x", "2024-06-12"),
    ("nodejs", "nodejs14.x", "2023-12-04"),
    ("nodejs", "nodejs12.x", "2023-03-31"),
    ("nodejs", "nodejs10.x", "2021-07-30"),
    ("nodejs", "nodejs8.10", "2020-03-06"),
    ("nodejs", "nodejs6.10", "2019-08-12"),
    ("nodejs", "nodejs4.3", "2020-03-05"),
    ("nodejs", "nodejs4.3-edge", "2019-04-30"),
    ("nodejs", "nodejs", "2016-10-31"),
)

RUNTIMES = _catalogue()
"""By identifier, those that run first."""


def runtime_version(identifier: str) -> str:
    """The runtime version of an INIT_START line, in AWS's shape: `python:3.12.v1`."""
    runtime = RUNTIMES.get(identifier)
    if runtime is None:
        return f"{identifier}.v1"
    return f"{runtime.family}:{runtime.version}.v1"


def runtime_version_arn(identifier: str, region: str) -> str:
    """The runtime version's ARN: AWS ends it in a digest, so do we."""
    digest = hashlib.sha256(f"lambdad {runtime_version(identifier)}".encode()).hexdigest()
    return f"arn:aws:lambda:{region}::runtime:{digest}"


_BLOCKED = frozenset({"java8", "dotnetcore3.1", "dotnetcore2.1", "dotnetcore2.0", "go1.x", "provided"})


def creation_blocked(identifier: str) -> bool:
    """AWS lets no new function have it: deprecated before 2024, when blocking was last enforced for all of them."""
    runtime = RUNTIMES.get(identifier)
    if runtime is None:
        return False
    return identifier in _BLOCKED or (runtime.deprecated is not None and runtime.deprecated < "2024-01-01")


_SNAP_START_SINCE = {"java": 11, "python": 12, "dotnet": 8}
"""The first version of each family that has SnapStart: Java's and .NET's major one, Python's after `3.`.
AWS: docs.aws.amazon.com/lambda/latest/dg/snapstart.html"""


def has_snap_start(identifier: str) -> bool:
    runtime = RUNTIMES.get(identifier)
    since = _SNAP_START_SINCE.get(runtime.family) if runtime is not None else None
    if runtime is None or since is None:
        return False
    version = runtime.version.removeprefix("3.") if runtime.family == "python" else runtime.version
    number = version.partition(".")[0]
    return number.isdigit() and int(number) >= since


def _names(*lines: str) -> list[str]:
    return [name for line in lines for name in line.split()]


_LISTED_FIRST = _names(
    "nodejs20.x python3.14 provided.al2023 python3.12 python3.13 nodejs24.x nodejs22.x java17 nodejs16.x java25 dotnet8",
    "python3.10 java11 python3.11 dotnet6 java21 nodejs18.x provided.al2 ruby3.3 ruby3.4 java8.al2 ruby3.2 python3.8 python3.9",
)
_LISTED_FIRST_FOR_LAYERS = _names(
    "ruby3.5 ruby2.6 dotnetcore1.0 python3.7 nodejs8.10 nasa ruby2.7 python2.7-greengrass dotnetcore2.0 python3.8 java21",
    "dotnet6 dotnetcore2.1 python3.9 java11 nodejs6.10 provided dotnetcore3.1 dotnet8 java25 java17 nodejs nodejs4.3 java8.al2",
    "go1.x dotnet10 nodejs20.x go1.9 byol nodejs10.x provided.al2023 nodejs22.x python3.10 java8 nodejs12.x python3.11",
    "nodejs24.x nodejs8.x python3.12 nodejs14.x nodejs8.9 nodejs26.x python3.13 python3.14 nodejs16.x python3.15 provided.al2",
    "nodejs4.3-edge nodejs18.x ruby3.2 python3.4 ruby3.3 ruby3.4 ruby2.5 python3.6 python2.7",
)
"""AWS's messages list identifiers in an order of their own; layers may name some that no function has."""


def supported() -> list[str]:
    """The identifiers that a new function may have, in AWS's order."""
    others = (name for name in RUNTIMES if name not in _LISTED_FIRST and not creation_blocked(name))
    return [*_LISTED_FIRST, *others]


def supported_by_layers() -> list[str]:
    """What a layer may be said to be compatible with, in AWS's order."""
    return [*_LISTED_FIRST_FOR_LAYERS, *(name for name in RUNTIMES if name not in _LISTED_FIRST_FOR_LAYERS)]
