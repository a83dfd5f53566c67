"""The operations of X-Ray. What is not in the table is refused, by name.

AWS: docs.aws.amazon.com/xray/latest/api/API_Operations.html
"""

from collections.abc import Mapping
from typing import Final

from lambdad.services.service import Perform
from lambdad.services.xray.backend import Backend
from lambdad.services.xray.groups import create_group, delete_group, get_group, get_groups, update_group
from lambdad.services.xray.sampling_rules import (
    create_sampling_rule,
    delete_sampling_rule,
    get_sampling_rules,
    get_sampling_targets,
    update_sampling_rule,
)
from lambdad.services.xray.segments import get_encryption_config, put_telemetry_records, put_trace_segments
from lambdad.services.xray.tags import list_tags_for_resource, tag_resource, untag_resource
from lambdad.services.xray.traces import batch_get_traces, get_service_graph, get_trace_graph, get_trace_summaries

OPERATIONS: Final[Mapping[str, Perform[Backend]]] = {
    "BatchGetTraces": batch_get_traces,
    "CreateGroup": create_group,
    "CreateSamplingRule": create_sampling_rule,
    "DeleteGroup": delete_group,
    "DeleteSamplingRule": delete_sampling_rule,
    "GetEncryptionConfig": get_encryption_config,
    "GetGroup": get_group,
    "GetGroups": get_groups,
    "GetSamplingRules": get_sampling_rules,
    "GetSamplingTargets": get_sampling_targets,
    "GetServiceGraph": get_service_graph,
    "GetTraceGraph": get_trace_graph,
    "GetTraceSummaries": get_trace_summaries,
    "ListTagsForResource": list_tags_for_resource,
    "PutTelemetryRecords": put_telemetry_records,
    "PutTraceSegments": put_trace_segments,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "UpdateGroup": update_group,
    "UpdateSamplingRule": update_sampling_rule,
}
