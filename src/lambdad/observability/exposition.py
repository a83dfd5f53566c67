"""Prometheus's text exposition format (0.0.4): what each family of metrics is, once.

prometheus.io/docs/instrumenting/exposition_formats. Whoever has samples of a family writes its `head` before them.
"""

_COUNTER, _GAUGE, _HISTOGRAM, _SUMMARY = "counter", "gauge", "histogram", "summary"

FAMILIES = {
    "lambdad_invocations_total": (_COUNTER, "Invocations that a function was given, failed ones too."),
    "lambdad_errors_total": (_COUNTER, "Invocations that failed."),
    "lambdad_duration_seconds": (_HISTOGRAM, "Invocations as callers see them: with starting and waiting."),
    "lambdad_function_duration_seconds": (_SUMMARY, "Invocations as the REPORT line has them: the function alone."),
    "lambdad_throttles_total": (_COUNTER, "Invocations that were refused for want of concurrency."),
    "lambdad_concurrent_executions": (_GAUGE, "Invocations that run now, beside provisioned concurrency."),
    "lambdad_provisioned_concurrent_executions": (_GAUGE, "Invocations that run now in provisioned concurrency."),
    "lambdad_provisioned_concurrency_utilization": (_GAUGE, "The part of provisioned concurrency that is in use now."),
    "lambdad_provisioned_concurrency_invocations_total": (_COUNTER, "Invocations that ran in provisioned concurrency."),
    "lambdad_provisioned_concurrency_spillover_invocations_total": (
        _COUNTER,
        "Invocations that ran beside provisioned concurrency because all of it was in use.",
    ),
    "lambdad_async_events_received_total": (_COUNTER, "Asynchronous events that were accepted."),
    "lambdad_async_events_dropped_total": (_COUNTER, "Asynchronous events that were given up."),
    "lambdad_async_event_age_seconds": (_SUMMARY, "From when an event was accepted to each attempt at it."),
    "lambdad_dead_letter_errors_total": (_COUNTER, "Events that their dead-letter queue did not take."),
    "lambdad_destination_delivery_failures_total": (_COUNTER, "Records that their destination did not take."),
    "lambdad_recursive_invocations_dropped_total": (_COUNTER, "Invocations that were refused as part of a loop."),
    "lambdad_signature_validation_errors_total": (_COUNTER, "Deployments without a valid signature that were let in."),
    "lambdad_cold_starts_total": (_COUNTER, "Environments that were ever started."),
    "lambdad_environments": (_GAUGE, "Environments, by their state."),
    "lambdad_url_requests_total": (_COUNTER, "Requests to function URLs."),
    "lambdad_url_4xx_total": (_COUNTER, "Those that were answered with a status of 400 to 499."),
    "lambdad_url_5xx_total": (_COUNTER, "Those that were answered with a status of 500 or more."),
    "lambdad_url_request_latency_seconds": (_SUMMARY, "Requests to function URLs, until they were answered."),
    "lambdad_cloudwatch_metrics": (_GAUGE, "Metrics that CloudWatch keeps here."),
    "lambdad_alarms": (_GAUGE, "CloudWatch alarms, by their state."),
    "lambdad_log_bytes_total": (_COUNTER, "Bytes that were written to logs."),
    "lambdad_log_waiting_bytes": (_GAUGE, "Bytes of log events on their way to the disk."),
    "lambdad_log_events_dropped_total": (_COUNTER, "Log events that came too fast, or that the disk did not take."),
    "lambdad_trace_segments_received_total": (_COUNTER, "Segments and subsegments of traces that were taken."),
    "lambdad_trace_segments_dropped_total": (_COUNTER, "Those that were not, by the reason."),
    "lambdad_trace_bytes": (_GAUGE, "Bytes of the traces that are kept."),
    "lambdad_otlp_spans_exported_total": (_COUNTER, "Spans that the collector has taken."),
    "lambdad_otlp_spans_dropped_total": (_COUNTER, "Spans that it has not, or that waited too long for it."),
    "lambdad_otlp_failed_requests_total": (_COUNTER, "Requests to the collector that failed."),
}


def head(name: str) -> tuple[str, str]:
    """The lines before the samples of that family."""
    kind, text = FAMILIES[name]
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"
