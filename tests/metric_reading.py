"""What tests ask CloudWatch: one metric's values over the last hours."""

import datetime
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Reading:
    client: Any

    def values(
        self, metric: str, statistic: str = "Sum", namespace: str = "AWS/Lambda", period: int = 60, **dimensions: str
    ) -> list[float]:
        """By GetMetricData, in the order of time. Dimensions by name: `FunctionName="f"`."""
        now = datetime.datetime.now(datetime.UTC)
        pairs = [{"Name": name, "Value": value} for name, value in dimensions.items()]
        stat = {
            "Metric": {"Namespace": namespace, "MetricName": metric, "Dimensions": pairs},
            "Period": period,
            "Stat": statistic,
        }
        (result,) = self.client.get_metric_data(
            MetricDataQueries=[{"Id": "m", "MetricStat": stat}],
            StartTime=now - datetime.timedelta(hours=3),
            EndTime=now + datetime.timedelta(hours=1),
            ScanBy="TimestampAscending",
        )["MetricDataResults"]
        assert result["StatusCode"] == "Complete"
        values: list[float] = result["Values"]
        return values

    def sum(self, metric: str, **dimensions: str) -> float:
        return sum(self.values(metric, **dimensions))  # type: ignore[arg-type]

    def count(self, metric: str, **dimensions: str) -> float:
        return sum(self.values(metric, "SampleCount", **dimensions))  # type: ignore[arg-type]

    def most(self, metric: str, **dimensions: str) -> float:
        return max(self.values(metric, "Maximum", **dimensions), default=-1.0)  # type: ignore[arg-type]
