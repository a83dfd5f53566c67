"""Step Functions' tasks ask the server, as functions would: for functions, queues, and this process's own services."""

import sys
from datetime import UTC, datetime
from typing import Any

from lambdad.companion import current

_INSIDE = "X-Lambdad-Inside"


class _Home:
    """A client's connections lead to the server, and to nobody else."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def send(self, request: Any) -> Any:
        request.headers[_INSIDE] = "1"
        with current.serving(current.service(), inside=False, query="", trace_id=current.trace_id()):
            return self._session.send(request)

    def close(self) -> None:
        self._session.close()


def install(url: str, access_key: str, secret: str) -> None:
    import boto3
    import moto.stepfunctions.parser.asl.utils.boto_client as clients
    from botocore.config import Config
    from moto.core.config import default_user_config

    settings = Config(
        parameter_validation=False, retries={"total_max_attempts": 1}, connect_timeout=60, read_timeout=960, proxies={}
    )

    def client_for(region: str, service: str, state_credentials: Any = None) -> Any:
        client = boto3.client(
            service,
            region_name=region,
            endpoint_url=url,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret,
            config=settings,
        )
        client._endpoint.http_session = _Home(client._endpoint.http_session)
        return client

    clients.boto_client_for = client_for
    from lambdad.companion import (
        state_machine_tasks,
    )  # only now: moto's tasks take that function when they are imported

    state_machine_tasks.install()
    default_user_config["stepfunctions"] = {"execute_state_machine": True}


def abort_interrupted() -> None:
    """Executions that ran when the last process ended run no more."""
    if "moto.stepfunctions.parser.models" not in sys.modules:
        return  # none were restored
    from moto.stepfunctions.parser.api import ExecutionStatus
    from moto.stepfunctions.parser.models import stepfunctions_parser_backends

    for _, _, backend in stepfunctions_parser_backends.iter_backends():
        for execution in (one for machine in backend.state_machines for one in machine.executions):
            if execution.exec_status == ExecutionStatus.RUNNING:
                execution.exec_status = ExecutionStatus.ABORTED
                execution.stop_date = datetime.now(UTC)
                execution.cause = "lambdad ended while it ran."
