"""The operations of EventBridge that are built, by their names in the service model."""

from collections.abc import Mapping

from lambdad.services.events import archives, buses, put_events, rules, tags, targets
from lambdad.services.events.backend import Backend
from lambdad.services.service import Perform

OPERATIONS: Mapping[str, Perform[Backend]] = {
    "CancelReplay": archives.cancel_replay,
    "CreateArchive": archives.create_archive,
    "CreateEventBus": buses.create_event_bus,
    "DeleteArchive": archives.delete_archive,
    "DeleteEventBus": buses.delete_event_bus,
    "DeleteRule": rules.delete_rule,
    "DescribeArchive": archives.describe_archive,
    "DescribeEventBus": buses.describe_event_bus,
    "DescribeReplay": archives.describe_replay,
    "DescribeRule": rules.describe_rule,
    "DisableRule": rules.disable_rule,
    "EnableRule": rules.enable_rule,
    "ListArchives": archives.list_archives,
    "ListEventBuses": buses.list_event_buses,
    "ListReplays": archives.list_replays,
    "ListRuleNamesByTarget": rules.list_rule_names_by_target,
    "ListRules": rules.list_rules,
    "ListTagsForResource": tags.list_tags_for_resource,
    "ListTargetsByRule": targets.list_targets_by_rule,
    "PutEvents": put_events.put_events,
    "PutPermission": buses.put_permission,
    "PutRule": rules.put_rule,
    "PutTargets": targets.put_targets,
    "RemovePermission": buses.remove_permission,
    "RemoveTargets": targets.remove_targets,
    "StartReplay": archives.start_replay,
    "TagResource": tags.tag_resource,
    "TestEventPattern": put_events.test_event_pattern,
    "UntagResource": tags.untag_resource,
    "UpdateArchive": archives.update_archive,
    "UpdateEventBus": buses.update_event_bus,
}
