"""What function URLs count. AWS: docs.aws.amazon.com/lambda/latest/dg/urls-monitoring.html

UrlRequestCount, Url4xxCount, Url5xxCount and UrlRequestLatency, by `Resource`: the function's name with the alias that the URL
is of, or `$LATEST`.
"""

from lambdad.observability.exposition import head
from lambdad.observability.lambda_metrics import LambdaMetrics
from lambdad.resources.function import FunctionKey


class _Series:
    __slots__ = ("client_errors", "requests", "seconds", "server_errors")

    def __init__(self) -> None:
        self.requests = 0
        self.client_errors = 0
        self.server_errors = 0
        self.seconds = 0.0


class UrlMetrics:
    def __init__(self, cloudwatch: LambdaMetrics) -> None:
        self._cloudwatch = cloudwatch
        self._urls: dict[tuple[str, str], _Series] = {}

    def request(self, key: FunctionKey, qualifier: str, status: int, seconds: float) -> None:
        series = self._urls.get((key.name, qualifier))
        if series is None:
            series = self._urls[key.name, qualifier] = _Series()
        series.requests += 1
        series.seconds += seconds
        series.client_errors += 400 <= status < 500
        series.server_errors += status >= 500
        observe = self._cloudwatch.observe
        observe("UrlRequestCount", key, qualifier, 1.0)
        observe("Url4xxCount", key, qualifier, float(400 <= status < 500))
        observe("Url5xxCount", key, qualifier, float(status >= 500))
        observe("UrlRequestLatency", key, qualifier, seconds * 1000)

    def forget(self, function: str, qualifier: str) -> None:
        """A deleted URL's series goes: there are never more than there are URLs."""
        self._urls.pop((function, qualifier), None)

    def lines(self) -> list[str]:
        """Prometheus's text format."""
        labels = {key: f'function="{key[0]}",resource="{key[0]}:{key[1]}"' for key in self._urls}
        lines: list[str] = []
        for name, field in (
            ("lambdad_url_requests_total", "requests"),
            ("lambdad_url_4xx_total", "client_errors"),
            ("lambdad_url_5xx_total", "server_errors"),
        ):
            lines += head(name)
            lines += [f"{name}{{{labels[key]}}} {getattr(series, field)}" for key, series in self._urls.items()]
        lines += head("lambdad_url_request_latency_seconds")
        for key, series in self._urls.items():
            lines.append(f"lambdad_url_request_latency_seconds_sum{{{labels[key]}}} {series.seconds:.6f}")
            lines.append(f"lambdad_url_request_latency_seconds_count{{{labels[key]}}} {series.requests}")
        return lines
