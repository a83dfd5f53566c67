"""The lifecycle of an execution environment. AWS: docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html

A transition that is not in the table is a bug here, never a matter of luck: `advance` raises. The diagram in
`docs/environments.md` is drawn from this table.
"""

from enum import Enum


class State(Enum):
    DOWN = "down"
    """The sandbox exists, no runtime process in it: before INIT and after a reset."""
    INIT = "init"
    """The runtime process starts, imports the function, and has not asked for an event yet."""
    IDLE = "idle"
    """The runtime waits on /next."""
    FROZEN = "frozen"
    """Idle, and no process inside gets the CPU."""
    INVOKING = "invoking"
    """The runtime has an event and has not answered it."""
    ANSWERED = "answered"
    """The runtime has answered and has not asked for the next event yet."""
    RESETTING = "resetting"
    """Every process but the sandbox's first is being ended; /tmp stays."""
    DEAD = "dead"
    """The sandbox is gone, or going."""

    __hash__ = object.__hash__  # an enumeration's own is computed from the name each time: `advance` is on the hot path


TRANSITIONS: dict[State, frozenset[State]] = {
    State.DOWN: frozenset({State.INIT, State.DEAD}),
    State.INIT: frozenset({State.IDLE, State.RESETTING, State.DEAD}),
    State.IDLE: frozenset({State.INVOKING, State.FROZEN, State.RESETTING, State.DEAD}),
    State.FROZEN: frozenset({State.IDLE, State.RESETTING, State.DEAD}),
    State.INVOKING: frozenset({State.ANSWERED, State.RESETTING, State.DEAD}),
    State.ANSWERED: frozenset({State.IDLE, State.RESETTING, State.DEAD}),
    State.RESETTING: frozenset({State.DOWN, State.DEAD}),
    State.DEAD: frozenset(),
}


class IllegalTransition(RuntimeError):
    def __init__(self, current: State, wanted: State) -> None:
        super().__init__(f"an environment that is {current.value} cannot become {wanted.value}")


def advance(current: State, wanted: State) -> State:
    """`wanted`, if the table allows it. Raises IllegalTransition."""
    if wanted not in TRANSITIONS[current]:
        raise IllegalTransition(current, wanted)
    return wanted
