"""Run conditions for `run_if` (Bevy: ``common_conditions``).

Each of these functions returns a condition. What it has to remember belongs to each system that is given it, or to the
set: ``run_if(on_timer(1.0), a, b)`` gives both a timer of their own.
"""

from __future__ import annotations

from ecs_localai.runtime.errors import RuntimeSetupError
from ecs_localai.runtime.events import EventReader
from ecs_localai.runtime.fixed import nanoseconds
from ecs_localai.runtime.local import Local
from ecs_localai.runtime.resource_conditions import check_class
from ecs_localai.runtime.sets import SystemFunction
from ecs_localai.runtime.states import State, States, check_state
from ecs_localai.runtime.time import Time
from ecs_localai.runtime.world import World


def run_once() -> SystemFunction:
    """Holds the first time that it is asked, and never again (Bevy: ``run_once``)."""

    def run_once(asked: Local[bool]) -> bool:
        first = not asked.value
        asked.value = True
        return first

    return _named(run_once, "run_once()")


def on_timer(seconds: float) -> SystemFunction:
    """Holds once whenever so many seconds of the system's own time have passed (Bevy: ``on_timer``).

    That is virtual time, in `FixedUpdate` the fixed clock's; it is counted in the runs in which the condition is asked,
    and several periods in one run count once. It wakes no runner that sleeps: for that, see `Wakeups.timer`.

    Raises:
        ValueError: `seconds` is shorter than a nanosecond.
    """
    period = nanoseconds(seconds) if seconds > 0 else 0
    if not period:
        raise ValueError(f"The timer's period is {seconds} s: give a number above 0.")

    def on_timer(time: Time, passed: Local[int]) -> bool:
        passed.value += nanoseconds(time.delta_seconds)
        if passed.value < period:
            return False
        passed.value %= period
        return True

    return _named(on_timer, f"on_timer({seconds})")


def on_event(kind: type) -> SystemFunction:
    """Holds when an event of this type has been written since it was last asked (Bevy: ``on_message``).

    It reads with a cursor of its own: the system still reads every event.

    Raises:
        RuntimeSetupError: it is not a class.
    """
    check_class(kind, "on_event")

    def on_event(reader: EventReader[object]) -> bool:
        return bool(reader.read())

    on_event.__annotations__["reader"] = EventReader[kind]  # type: ignore[valid-type]  # the type is known only now
    return _named(on_event, f"on_event({kind.__name__})")


def in_state(state: States) -> SystemFunction:
    """Holds while the app is in this state (Bevy: ``in_state``); not in an app without states of its type.

    Raises:
        RuntimeSetupError: it is not a state.
    """
    check_state(state, "in_state")
    kind = State.of(type(state))

    def in_state(world: World) -> bool:
        now = world.get_resource(kind)
        return now is not None and now.get() is state

    return _named(in_state, f"in_state({state})")


def state_changed(states: type[States]) -> SystemFunction:
    """Holds when the state has become another one since it was last asked (Bevy: ``state_changed``).

    The first state counts too. Leaving and entering the same state again does not, as in Bevy.

    Raises:
        RuntimeSetupError: it is not a class of states.
    """
    if not (isinstance(states, type) and issubclass(states, States)):
        raise RuntimeSetupError(f"{states!r} is not a class of states: name the class, as in state_changed(GameState).")
    kind = State.of(states)

    def state_changed(world: World, seen: Local[int]) -> bool:
        now = world.get_resource(kind)
        if now is None or now.changes == seen.value:
            return False
        seen.value = now.changes
        return True

    return _named(state_changed, f"state_changed({states.__name__})")


def _named(condition: SystemFunction, name: str) -> SystemFunction:
    """What messages about failures show."""
    condition.__qualname__ = name
    return condition
