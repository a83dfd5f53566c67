"""EventBridge Scheduler's groups and schedules in the database."""

import dataclasses
from typing import Any

from lambdad.resources.scheduler_schedule import GroupKey, Schedule, ScheduleGroup, ScheduleKey
from lambdad.store.documents import Documents


class ScheduleGroups(Documents[GroupKey, ScheduleGroup]):
    table = "schedule_groups"

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[GroupKey, ScheduleGroup]:
        key = GroupKey(account, region, name)
        return key, ScheduleGroup(key=key, **document)

    def _document_of(self, value: ScheduleGroup) -> Any:
        return _without_key(value)


class Schedules(Documents[ScheduleKey, Schedule]):
    table = "schedules"

    def _read(self, account: str, region: str, name: str, document: Any) -> tuple[ScheduleKey, Schedule]:
        group, _, schedule = name.partition("/")
        key = ScheduleKey(account, region, group, schedule)
        return key, Schedule(key=key, **document)

    def _document_of(self, value: Schedule) -> Any:
        return _without_key(value)


def _without_key(value: Schedule | ScheduleGroup) -> Any:
    document = dataclasses.asdict(value)
    del document["key"]
    return document
