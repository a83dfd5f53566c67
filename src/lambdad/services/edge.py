"""Where what an operation raises becomes what is answered: refusals as they are; all else is logged, and nobody outside is told."""

import logging
from collections.abc import Awaitable
from typing import TypeVar

from lambdad.errors import InternalFailure, ServiceError

log = logging.getLogger(__name__)

T = TypeVar("T")


async def performed(work: Awaitable[T], what: str) -> T:
    """Raises ServiceError, and nothing else. `what`: for the log."""
    try:
        return await work
    except ServiceError:
        raise
    except Exception as error:
        log.exception("%s failed", what)
        raise InternalFailure.unknown() from error
