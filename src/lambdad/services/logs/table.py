"""The operations of CloudWatch Logs that are built, by their names in the service model."""

from collections.abc import Mapping

from lambdad.services.logs import groups, live_tail, streams, subscriptions
from lambdad.services.logs.backend import Backend
from lambdad.services.service import Perform

OPERATIONS: Mapping[str, Perform[Backend]] = {
    "CreateLogGroup": groups.create_log_group,
    "CreateLogStream": streams.create_log_stream,
    "DeleteLogGroup": groups.delete_log_group,
    "DeleteLogStream": streams.delete_log_stream,
    "DeleteRetentionPolicy": groups.delete_retention_policy,
    "DeleteSubscriptionFilter": subscriptions.delete_subscription_filter,
    "DescribeLogGroups": groups.describe_log_groups,
    "DescribeLogStreams": streams.describe_log_streams,
    "DescribeSubscriptionFilters": subscriptions.describe_subscription_filters,
    "FilterLogEvents": streams.filter_log_events,
    "GetLogEvents": streams.get_log_events,
    "ListTagsForResource": groups.list_tags_for_resource,
    "ListTagsLogGroup": groups.list_tags_log_group,
    "PutLogEvents": streams.put_log_events,
    "PutRetentionPolicy": groups.put_retention_policy,
    "PutSubscriptionFilter": subscriptions.put_subscription_filter,
    "StartLiveTail": live_tail.start_live_tail,
    "TagLogGroup": groups.tag_log_group,
    "TagResource": groups.tag_resource,
    "UntagLogGroup": groups.untag_log_group,
    "UntagResource": groups.untag_resource,
}
