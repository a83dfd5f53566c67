"""The operations of CloudWatch Logs that are built, by their names in the service model."""

from collections.abc import Mapping

from lambdad.services.logs import absent, groups, live_tail, streams, subscriptions
from lambdad.services.logs.absent import none_of
from lambdad.services.logs.backend import Backend
from lambdad.services.service import Perform

OPERATIONS: Mapping[str, Perform[Backend]] = {
    "CreateLogGroup": groups.create_log_group,
    "CreateLogStream": streams.create_log_stream,
    "DeleteLogGroup": groups.delete_log_group,
    "DeleteLogStream": streams.delete_log_stream,
    "DeleteRetentionPolicy": groups.delete_retention_policy,
    "DeleteSubscriptionFilter": subscriptions.delete_subscription_filter,
    "DescribeAccountPolicies": none_of("accountPolicies"),
    "DescribeDeliveries": none_of("deliveries"),
    "DescribeDeliveryDestinations": none_of("deliveryDestinations"),
    "DescribeDeliverySources": none_of("deliverySources"),
    "DescribeDestinations": none_of("destinations"),
    "DescribeExportTasks": absent.describe_export_tasks,
    "DescribeFieldIndexes": none_of("fieldIndexes"),
    "DescribeImportTasks": none_of("imports"),
    "DescribeIndexPolicies": none_of("indexPolicies"),
    "DescribeLogGroups": groups.describe_log_groups,
    "DescribeLogStreams": streams.describe_log_streams,
    "DescribeLookupTables": none_of("lookupTables"),
    "DescribeMetricFilters": absent.describe_metric_filters,
    "DescribeQueries": none_of("queries"),
    "DescribeQueryDefinitions": none_of("queryDefinitions"),
    "DescribeResourcePolicies": none_of("resourcePolicies"),
    "DescribeSubscriptionFilters": subscriptions.describe_subscription_filters,
    "FilterLogEvents": streams.filter_log_events,
    "GetLogEvents": streams.get_log_events,
    "ListAnomalies": absent.list_anomalies,
    "ListIntegrations": none_of("integrationSummaries"),
    "ListLogAnomalyDetectors": none_of("anomalyDetectors"),
    "ListScheduledQueries": none_of("scheduledQueries"),
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
