"""What runs at once, for Prometheus: CloudWatch's ConcurrentExecutions and ProvisionedConcurrency… metrics.

AWS: docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from lambdad.invocation.concurrency import Concurrency


def lines_of(concurrency: Concurrency) -> list[str]:
    lines = ["# TYPE lambdad_concurrent_executions gauge"]
    for key, running in concurrency.running().items():
        lines.append(f'lambdad_concurrent_executions{{function="{key.name}",provisioned="false"}} {running}')
    executions, allocated, invocations, spillovers = [], [], [], []
    for key, version, count, use in concurrency.provisioned():
        labels = f'{{function="{key.name}",version="{version}"}}'
        executions.append(f"lambdad_provisioned_concurrent_executions{labels} {use.running}")
        allocated.append(f"lambdad_provisioned_concurrency_utilization{labels} {use.running / count:.4f}")
        invocations.append(f"lambdad_provisioned_concurrency_invocations_total{labels} {use.invocations}")
        spillovers.append(f"lambdad_provisioned_concurrency_spillover_invocations_total{labels} {use.spillovers}")
    lines += ["# TYPE lambdad_provisioned_concurrent_executions gauge", *executions]
    lines += ["# TYPE lambdad_provisioned_concurrency_utilization gauge", *allocated]
    lines += ["# TYPE lambdad_provisioned_concurrency_invocations_total counter", *invocations]
    lines += ["# TYPE lambdad_provisioned_concurrency_spillover_invocations_total counter", *spillovers]
    return lines
