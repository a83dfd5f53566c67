"""What runs at once, for Prometheus: CloudWatch's ConcurrentExecutions and ProvisionedConcurrency… metrics.

AWS: docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html. As in `observability/metrics.py`, functions of one name in
several accounts or regions are counted as one: no sample may come twice.
"""

from lambdad.invocation.concurrency import Concurrency
from lambdad.observability.exposition import head


def lines_of(concurrency: Concurrency) -> list[str]:
    running: dict[str, int] = {}
    for key, count in concurrency.running().items():
        running[key.name] = running.get(key.name, 0) + count
    lines = [*head("lambdad_concurrent_executions")]
    for name, count in running.items():
        lines.append(f'lambdad_concurrent_executions{{function="{name}",provisioned="false"}} {count}')
    of_versions: dict[str, list[int]] = {}
    for key, version, count, use in concurrency.provisioned():
        sums = of_versions.setdefault(f'{{function="{key.name}",version="{version}"}}', [0, 0, 0, 0])
        for at, number in enumerate((count, use.running, use.invocations, use.spillovers)):
            sums[at] += number
    executions, utilization, invocations, spillovers = [], [], [], []
    for labels, (count, executed, invoked, spilled) in of_versions.items():
        executions.append(f"lambdad_provisioned_concurrent_executions{labels} {executed}")
        utilization.append(f"lambdad_provisioned_concurrency_utilization{labels} {executed / count:.4f}")
        invocations.append(f"lambdad_provisioned_concurrency_invocations_total{labels} {invoked}")
        spillovers.append(f"lambdad_provisioned_concurrency_spillover_invocations_total{labels} {spilled}")
    lines += [*head("lambdad_provisioned_concurrent_executions"), *executions]
    lines += [*head("lambdad_provisioned_concurrency_utilization"), *utilization]
    lines += [*head("lambdad_provisioned_concurrency_invocations_total"), *invocations]
    lines += [*head("lambdad_provisioned_concurrency_spillover_invocations_total"), *spillovers]
    return lines
