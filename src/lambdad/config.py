"""Every setting, declared once: the table of options, and the frozen Config made from it.

A flag wins over its environment variable, that over the default. The command line, `docs/configuration.md` and its test are
made from `OPTIONS`.
"""

import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]+")
_COLLECTOR = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")
_DOMAIN = re.compile(r"(https?://)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?")


_AT_LEAST_ONE = (
    "max_environments",
    "max_memory_mb",
    "max_snapshots_mb",
    "concurrency",
    "log_retention_mb",
    "usage_retention_days",
    "metric_retention_days",
    "max_metrics",
    "trace_retention_hours",
    "max_traces_mb",
)

_NOT_NEGATIVE = (
    *("idle_timeout", "freeze_after", "shutdown_grace", "snapstart_ready", "spare"),
    *("api_rate", "scaling_rate", "retry_wait"),
)


class ConfigError(Exception):
    """A setting that cannot be used; the text is one sentence for the person who made it."""


@dataclass(frozen=True, slots=True)
class Option:
    name: str
    """The Config field; the flag is `--name` with dashes, the variable LAMBDAD_NAME in capitals."""
    kind: type
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    many: bool = False
    """May be given several times; in the variable the values are separated by commas."""

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        return "LAMBDAD_" + self.name.upper()


def _default_memory_mb() -> int:
    """Four fifths of the host's."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 4 // 5 // 1048576


def default_data_dir() -> str:
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return str(Path(base) / "lambdad")


OPTIONS: tuple[Option, ...] = (
    Option("host", str, "127.0.0.1", "Address to listen on."),
    Option("port", int, 4566, "Port to listen on; 0 takes a free one."),
    Option("data_dir", str, None, "Where functions, events and logs are kept (default: ~/.local/share/lambdad)."),
    Option(
        "runtimes_dir",
        str,
        None,
        "Where managed runtimes are put together when first used, which takes a second or two; one user's servers may share it "
        "(default: runtimes in the data directory).",
    ),
    Option("sandbox", str, "auto", "How functions are isolated.", ("auto", "namespaces", "process")),
    Option("auth", str, "off", "Whether requests must be signed.", ("off", "sigv4", "iam")),
    Option("credential", str, (), "ACCESS_KEY_ID:SECRET that may sign requests (with --auth sigv4).", many=True),
    Option("insecure", bool, False, "Allow a host other than loopback without --auth."),
    Option("region", str, "us-east-1", "Region of requests that are not signed."),
    Option(
        "function_url_domain",
        str,
        None,
        "Domain whose names lead here, for function URLs: example.org, or https://example.org behind a proxy "
        "(default: localhost where it resolves, else a path of the endpoint).",
    ),
    Option("network", str, "nat", "What functions reach: the outside by NAT, or nothing.", ("nat", "none")),
    Option("network_deny", str, (), "Networks (CIDR) that functions must not reach.", many=True),
    Option("endpoint", str, (), "SERVICE=URL of another AWS service, e.g. s3=http://127.0.0.1:9000.", many=True),
    Option(
        "broker",
        str,
        (),
        "ARN=ADDRESS of what an event source mapping reads: amqp://host:5672 or amqps://host of an Amazon MQ broker, "
        "host:9092 (several with ;) of an Amazon MSK cluster.",
        many=True,
    ),
    Option("companion", str, "auto", "AWS's other services, if the extra `services` is installed.", ("auto", "off")),
    Option("companion_memory_mb", int, 2048, "What they may hold in all (objects of buckets, tables …), in MB."),
    Option(
        "interpreter", str, (), "RUNTIME=PATH of an interpreter, e.g. python3.12=/opt/py/bin/python3.12.", many=True
    ),
    Option("idle_timeout", float, 600.0, "Seconds an idle execution environment is kept."),
    Option("freeze_after", float, 0.1, "Seconds after which an idle execution environment is frozen."),
    Option("max_environments", int, 1000, "Execution environments this host may hold."),
    Option("max_memory_mb", int, None, "Their memory in all, in MB (default: four fifths of the host's)."),
    Option("max_snapshots_mb", int, 4096, "Disk that snapshots of SnapStart may take, in MB; the least used go first."),
    Option(
        "snapstart_ready", int, 1, "Initialised environments kept for each SnapStart version that cannot be copied."
    ),
    Option("spare", int, 4, "Prepared sandboxes kept ready per runtime."),
    Option("concurrency", int, 1000, "Concurrent executions per account and region."),
    Option("scaling_rate", int, 1000, "New environments that a function may have in 10 seconds; 0: any number."),
    Option(
        "retry_wait",
        float,
        60.0,
        "Seconds until an asynchronous event that failed is tried again; the second time twice that.",
    ),
    Option("quota", str, (), "NAME=NUMBER: another limit than AWS's; the names are listed below.", many=True),
    Option(
        "api_rate",
        float,
        0.0,
        "API requests per second that an account may make; 0: no limit. Invocations do not count.",
    ),
    Option("shutdown_grace", float, 900.0, "Seconds that running invocations may take to finish after SIGTERM."),
    Option("log_retention_mb", int, 512, "Log kept per function, in MB; the oldest goes first."),
    Option(
        "metric_retention_days", int, 455, "Days that metrics are kept; minutes 15 of them, five minutes 63, as on AWS."
    ),
    Option("max_metrics", int, 200_000, "Metrics (with their dimensions) that there may be; more are not taken."),
    Option("trace_retention_hours", float, 720.0, "Hours that traces are kept (30 days, as on AWS)."),
    Option("max_traces_mb", int, 512, "Traces kept in all, in MB; the oldest go first."),
    Option(
        "otlp_endpoint",
        str,
        None,
        "Collector that traces are sent to, too, by OTLP over HTTP (JSON), e.g. http://127.0.0.1:4318.",
    ),
    Option("otlp_header", str, (), "NAME=VALUE sent along to it, e.g. a key.", many=True),
    Option("usage_retention_days", int, 400, "Days for which `lambdad cost` can say what was used."),
    Option("log_level", str, "info", "How much the server says.", ("debug", "info", "warning", "error")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The server's settings. The fields are those of OPTIONS, checked."""

    host: str = "127.0.0.1"
    port: int = 4566
    data_dir: Path = Path()
    runtimes_dir: Path = Path()
    sandbox: str = "auto"
    auth: str = "off"
    credential: tuple[str, ...] = ()
    insecure: bool = False
    region: str = "us-east-1"
    function_url_domain: str | None = None
    network: str = "nat"
    network_deny: tuple[str, ...] = ()
    endpoint: tuple[str, ...] = ()
    broker: tuple[str, ...] = ()
    interpreter: tuple[str, ...] = ()
    idle_timeout: float = 600.0
    freeze_after: float = 0.1
    max_environments: int = 1000
    max_memory_mb: int = 0
    max_snapshots_mb: int = 4096
    snapstart_ready: int = 1
    spare: int = 4
    concurrency: int = 1000
    scaling_rate: int = 1000
    retry_wait: float = 60.0
    companion: str = "auto"
    companion_memory_mb: int = 2048
    quota: tuple[str, ...] = ()
    api_rate: float = 0.0
    shutdown_grace: float = 900.0
    log_retention_mb: int = 512
    metric_retention_days: int = 455
    max_metrics: int = 200_000
    trace_retention_hours: float = 720.0
    max_traces_mb: int = 512
    otlp_endpoint: str | None = None
    otlp_header: tuple[str, ...] = ()
    usage_retention_days: int = 400
    log_level: str = "info"

    @property
    def endpoints(self) -> Mapping[str, str]:
        """URL by service name."""
        return pairs(self.endpoint, "=", "--endpoint")

    @property
    def networks_denied(self) -> tuple[str, ...]:
        """Networks (CIDR) that functions must not reach, whoever connects for them."""
        return self.network_deny if self.network == "nat" else ("0.0.0.0/0", "::/0")

    @property
    def quotas(self) -> Mapping[str, int]:
        """Limits by name (`resources/quotas.py`)."""
        found = {}
        for name, text in pairs(self.quota, "=", "--quota").items():
            if not (text.isascii() and text.isdigit() and int(text)):
                raise ConfigError(f"--quota takes NAME=NUMBER, not {name}={text!r}.")
            found[name] = int(text)
        return found

    @property
    def brokers(self) -> Mapping[str, str]:
        """Address by ARN."""
        return pairs(self.broker, "=", "--broker")

    @property
    def otlp_headers(self) -> Mapping[str, str]:
        """By name."""
        found = pairs(self.otlp_header, "=", "--otlp-header")
        for name, value in found.items():
            if _HEADER_NAME.fullmatch(name) is None or not value.isprintable():
                raise ConfigError(f"--otlp-header takes NAME=VALUE of a header, not {name!r}.")
        return found

    @property
    def interpreters(self) -> Mapping[str, str]:
        """Path by runtime identifier."""
        return pairs(self.interpreter, "=", "--interpreter")

    @property
    def credentials(self) -> Mapping[str, str]:
        """Secret by access key id."""
        return pairs(self.credential, ":", "--credential")


def pairs(values: Sequence[str], separator: str, flag: str) -> dict[str, str]:
    """Raises ConfigError."""
    found = {}
    for value in values:
        name, middle, rest = value.partition(separator)
        if not middle or not name or not rest:
            raise ConfigError(f"{flag} takes NAME{separator}VALUE, not {value!r}.")
        found[name] = rest
    return found


def make_config(flags: Mapping[str, Any], environ: Mapping[str, str]) -> Config:
    """`flags` by option name; None (or an empty tuple) where not given. Raises ConfigError."""
    values: dict[str, Any] = {}
    for option in OPTIONS:
        given = flags.get(option.name)
        if given is None or given == ():
            given = _from_variable(option, environ)
        if given is None:
            given = option.default
        values[option.name] = tuple(given) if option.many else given
    values["data_dir"] = Path(values["data_dir"] or default_data_dir()).expanduser().absolute()
    values["runtimes_dir"] = Path(values["runtimes_dir"] or values["data_dir"] / "runtimes").expanduser().absolute()
    values["max_memory_mb"] = values["max_memory_mb"] or _default_memory_mb()
    config = Config(**values)
    _check(config)
    return config


def _from_variable(option: Option, environ: Mapping[str, str]) -> Any:
    text = environ.get(option.variable)
    if text is None or text == "":
        return None
    if option.many:
        return tuple(part for part in text.split(",") if part)
    if option.kind is bool:
        return text.lower() in ("1", "true", "yes", "on")
    if option.choices and text not in option.choices:
        raise ConfigError(f"{option.variable} must be one of {', '.join(option.choices)}, not {text!r}.")
    try:
        return option.kind(text)
    except ValueError:
        raise ConfigError(f"{option.variable} must be a number, not {text!r}.") from None


def _check(config: Config) -> None:
    if not is_loopback(config.host) and config.auth == "off" and not config.insecure:
        raise ConfigError(
            f"{config.host} is not a loopback address: anyone who reaches it could run code here. "
            "Use --auth sigv4, or add --insecure if you mean it."
        )
    if config.auth == "sigv4" and not config.credential:
        raise ConfigError("--auth sigv4 needs at least one --credential ACCESS_KEY_ID:SECRET.")
    if config.auth == "iam":
        raise ConfigError("--auth iam is not supported yet; use --auth sigv4.")
    if not 0 <= config.port <= 65535:
        raise ConfigError(f"--port must be from 0 to 65535, not {config.port}.")
    if _REGION.fullmatch(config.region) is None:
        raise ConfigError(f"--region takes a region such as us-east-1, not {config.region!r}.")
    for name in _NOT_NEGATIVE:
        if getattr(config, name) < 0:
            raise ConfigError(f"--{name.replace('_', '-')} cannot be negative.")
    for name in _AT_LEAST_ONE:
        if getattr(config, name) < 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be at least 1.")
    domain = config.function_url_domain
    if domain is not None and _DOMAIN.fullmatch(domain) is None:
        raise ConfigError(
            f"--function-url-domain takes a domain such as example.org or https://example.org, not {domain!r}."
        )
    for network in config.network_deny:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            raise ConfigError(f"--network-deny takes a network such as 10.0.0.0/8, not {network!r}.") from None
    if config.otlp_endpoint is not None and _COLLECTOR.fullmatch(config.otlp_endpoint) is None:
        raise ConfigError(f"--otlp-endpoint takes a URL such as http://127.0.0.1:4318, not {config.otlp_endpoint!r}.")
    _ = (config.quotas, config.endpoints, config.brokers, config.interpreters, config.credentials, config.otlp_headers)


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


assert {option.name for option in OPTIONS} == {field.name for field in fields(Config)}
