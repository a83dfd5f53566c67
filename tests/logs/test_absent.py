"""What nobody can make here: it is listed as what it is, none, and what a request names must be there."""

from typing import Any

import pytest

from functions import new_name
from refusals import refused
from server import Server

MISSING = ("ResourceNotFoundException", 400, "The specified log group does not exist.")
TOKEN = ("InvalidParameterException", 400, "The specified nextToken is invalid.")
LISTS = [
    ("describe_account_policies", "accountPolicies", {"policyType": "DATA_PROTECTION_POLICY"}),
    ("describe_deliveries", "deliveries", {}),
    ("describe_delivery_destinations", "deliveryDestinations", {}),
    ("describe_delivery_sources", "deliverySources", {}),
    ("describe_destinations", "destinations", {"DestinationNamePrefix": "x"}),
    ("describe_export_tasks", "exportTasks", {"statusCode": "COMPLETED"}),
    ("describe_lookup_tables", "lookupTables", {}),
    ("describe_metric_filters", "metricFilters", {"metricName": "a", "metricNamespace": "b"}),
    ("describe_queries", "queries", {}),
    ("describe_query_definitions", "queryDefinitions", {}),
    ("describe_resource_policies", "resourcePolicies", {}),
    ("list_anomalies", "anomalies", {}),
    ("list_log_anomaly_detectors", "anomalyDetectors", {}),
    ("list_scheduled_queries", "scheduledQueries", {}),
]
OF_GROUPS = [
    ("describe_metric_filters", "metricFilters", "logGroupName"),
    ("describe_queries", "queries", "logGroupName"),
    ("describe_index_policies", "indexPolicies", "logGroupIdentifiers"),
    ("describe_field_indexes", "fieldIndexes", "logGroupIdentifiers"),
]


@pytest.fixture(scope="module")
def logs(server: Server) -> Any:
    return server.client("logs", inject_host_prefix=False)


@pytest.mark.parametrize(("operation", "member", "parameters"), LISTS)
def test_none_is_listed(logs: Any, operation: str, member: str, parameters: dict[str, Any]) -> None:
    answer = getattr(logs, operation)(**parameters)
    assert answer[member] == []
    assert "nextToken" not in answer
    assert refused(getattr(logs, operation), **parameters, nextToken="nobodys") == TOKEN


@pytest.mark.parametrize(("operation", "member", "parameter"), OF_GROUPS)
def test_the_group_must_be_there(logs: Any, operation: str, member: str, parameter: str) -> None:
    name = new_name("group")
    given = {parameter: [name] if parameter.endswith("s") else name}
    assert refused(getattr(logs, operation), **given) == MISSING
    logs.create_log_group(logGroupName=name)
    assert getattr(logs, operation)(**given)[member] == []


def test_what_is_named_must_be_there(logs: Any) -> None:
    assert refused(logs.describe_export_tasks, taskId="x")[0] == "ResourceNotFoundException"
    assert refused(logs.list_anomalies, anomalyDetectorArn="arn:aws:logs:x")[0] == "ResourceNotFoundException"
    assert refused(logs.describe_metric_filters, metricName="x")[0] == "InvalidParameterException"


@pytest.mark.parametrize("name", ["aws/mine", "AWS/Mine"])
def test_names_that_are_amazons(logs: Any, name: str) -> None:
    words = "Log groups starting with AWS/ are reserved for AWS."
    assert refused(logs.create_log_group, logGroupName=name) == ("InvalidParameterException", 400, words)
    logs.create_log_group(logGroupName="/" + name + new_name("x"))
