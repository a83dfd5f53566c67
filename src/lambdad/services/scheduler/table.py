"""The operations of EventBridge Scheduler: all of them.

AWS: docs.aws.amazon.com/scheduler/latest/APIReference/API_Operations.html
"""

from collections.abc import Mapping
from typing import Final

from lambdad.services.scheduler.backend import Backend
from lambdad.services.scheduler.groups import (
    create_schedule_group,
    delete_schedule_group,
    get_schedule_group,
    list_schedule_groups,
    list_tags_for_resource,
    tag_resource,
    untag_resource,
)
from lambdad.services.scheduler.schedules import (
    create_schedule,
    delete_schedule,
    get_schedule,
    list_schedules,
    update_schedule,
)
from lambdad.services.service import Perform

OPERATIONS: Final[Mapping[str, Perform[Backend]]] = {
    "CreateSchedule": create_schedule,
    "CreateScheduleGroup": create_schedule_group,
    "DeleteSchedule": delete_schedule,
    "DeleteScheduleGroup": delete_schedule_group,
    "GetSchedule": get_schedule,
    "GetScheduleGroup": get_schedule_group,
    "ListScheduleGroups": list_schedule_groups,
    "ListSchedules": list_schedules,
    "ListTagsForResource": list_tags_for_resource,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
    "UpdateSchedule": update_schedule,
}
