"""States of a program, such as a game's menu and play (Bevy: ``bevy_state``)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar, Generic, TypeVar, cast

from ecs_localai.runtime.errors import RuntimeSetupError
from ecs_localai.runtime.schedule import ScheduleLabel
from ecs_localai.runtime.time import Wakeups


class States(Enum):
    """Base of a type of states: ``class GameState(States): MENU = auto(); PLAY = auto()``.

    ``app.init_state(GameState.MENU)`` makes it part of an app (Bevy: ``States``). An app may have several types, of
    which each has its own current state. Bevy's computed states and sub-states do not exist here.
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"

    __str__ = __repr__


def check_state(state: object, asked_by: str) -> None:
    """See that something is a state.

    Raises:
        RuntimeSetupError: it is a class of states, or none at all. `asked_by` shows how it would be right.
    """
    if isinstance(state, States):
        return
    if isinstance(state, type) and issubclass(state, States):
        example = next(iter(state), f"{state.__name__}.MENU")
        raise RuntimeSetupError(f"{state.__name__} is a whole class of states: name one, {asked_by}({example}).")
    raise RuntimeSetupError(
        f"{state!r} is not a state: derive its class from States, as in class GameState(States): MENU = auto(), and "
        f"write {asked_by}(GameState.MENU)."
    )


S = TypeVar("S", bound=States)
P = TypeVar("P")
_made: dict[tuple[type, type[States]], type] = {}


def _for_states(base: type[P], states: type[States]) -> type[P]:
    """The class derived from `base` for these states, always the same one."""
    made = _made.get((base, states))
    if made is None:
        name = f"{base.__name__}[{states.__name__}]"
        remedy = f"Say where {states.__name__} begins: app.init_state({next(iter(states), states.__name__)})."
        made = _made[base, states] = type(name, (base,), {"__slots__": (), "states": states, "__remedy__": remedy})
    return cast("type[P]", made)


class State(Generic[S]):
    """The current state of one type, a resource: ``now: Res[State[GameState]]``, ``now.get()`` (Bevy: ``State<S>``).

    ``State[GameState]`` is a class of its own, because a world holds one resource of a class.
    """

    __slots__ = ("_value", "changes")
    states: ClassVar[type[States]] = States

    def __init__(self, value: S) -> None:
        self._value = value
        self.changes = 1
        """How often the state has become another one, its beginning included. `state_changed` compares it."""

    def __class_getitem__(cls, states: type[S]) -> type[State[S]]:
        return cls.of(states) if isinstance(states, type) else cls  # a type variable makes no class

    @classmethod
    def of(cls, states: type[S]) -> type[State[S]]:
        """``State[…]`` for a type that is known only at run time."""
        return _for_states(cls, states)

    def __repr__(self) -> str:
        return f"State({self._value})"

    def get(self) -> S:
        """The current state."""
        return self._value

    def replace(self, value: S) -> None:
        """Become another state. For the app's transitions: systems ask for one with `NextState.set`."""
        if value is not self._value:
            self._value = value
            self.changes += 1


class NextState(Generic[S]):
    """Asks for another state, a resource: ``next_state: Res[NextState[GameState]]``, ``next_state.set(…)``.

    It is entered in the next `StateTransition`, which is between `PreUpdate` and `Update`; the last one to ask wins.
    Bevy: ``NextState<S>``. Unlike there, what is asked before the first state was entered is not lost.
    """

    __slots__ = ("_if_other", "_wakeups", "pending")
    states: ClassVar[type[States]] = States

    def __init__(self, wakeups: Wakeups) -> None:
        self.pending: S | None = None
        """The state that was asked for."""
        self._if_other = False
        self._wakeups = wakeups

    def __class_getitem__(cls, states: type[S]) -> type[NextState[S]]:
        return cls.of(states) if isinstance(states, type) else cls  # a type variable makes no class

    @classmethod
    def of(cls, states: type[S]) -> type[NextState[S]]:
        """``NextState[…]`` for a type that is known only at run time."""
        return _for_states(cls, states)

    def set(self, state: S) -> None:
        """Enter `state`; if it is the current one, leave and enter it again (as Bevy since 0.18).

        Raises:
            TypeError: `state` belongs to another type of states.
        """
        self._ask(state, if_other=False)

    def set_if_neq(self, state: S) -> None:
        """Enter `state`, unless it is the current one then.

        Raises:
            TypeError: `state` belongs to another type of states.
        """
        self._ask(state, if_other=True)

    def reset(self) -> None:
        """Stay in the current state after all."""
        self.pending = None

    def take(self, current: S) -> S | None:
        """The state to enter now, which is not asked for any more afterwards; None: stay. For the app's transitions."""
        wanted, self.pending = self.pending, None
        return None if self._if_other and wanted is current else wanted

    def _ask(self, state: S, *, if_other: bool) -> None:
        if not isinstance(state, self.states):
            raise TypeError(f"{state!r} is no {self.states.__name__}: set one of {list(self.states)}.")
        self.pending = state
        self._if_other = if_other
        self._wakeups.request_frame()  # or a runner that sleeps would sleep on


@dataclass(frozen=True, repr=False)
class TransitionLabel(ScheduleLabel):
    """Base of the schedules that run when a state is left or entered.

    Raises:
        RuntimeSetupError: it names something that is not a state.
    """

    name: str = field(init=False, compare=False)
    is_of_transitions: ClassVar[bool] = True

    def __post_init__(self) -> None:
        for state in self.about():
            check_state(state, type(self).__name__)
        shown = ", ".join(str(state) for state in self.about())
        object.__setattr__(self, "name", f"{type(self).__name__}({shown})")

    def about(self) -> tuple[States, ...]:
        """The states that it names."""
        return ()


@dataclass(frozen=True, repr=False)
class OnEnter(TransitionLabel):
    """The schedule that runs when this state is entered: ``add_systems(OnEnter(GameState.PLAY), …)``.

    Also for an app's first state, before `PreStartup` (Bevy: ``OnEnter``).
    """

    state: States

    def about(self) -> tuple[States, ...]:
        """The states that it names."""
        return (self.state,)


@dataclass(frozen=True, repr=False)
class OnExit(TransitionLabel):
    """The schedule that runs when this state is left (Bevy: ``OnExit``); not at the app's end."""

    state: States

    def about(self) -> tuple[States, ...]:
        """The states that it names."""
        return (self.state,)


@dataclass(frozen=True, repr=False)
class OnTransition(TransitionLabel):
    """The schedule that runs, after `OnExit` and before `OnEnter`, when one state follows the other.

    Bevy: ``OnTransition { exited, entered }``.
    """

    exited: States
    entered: States

    def about(self) -> tuple[States, ...]:
        """The states that it names."""
        return (self.exited, self.entered)


@dataclass(frozen=True)
class DespawnOnExit:
    """A component: its entity is deleted when the state is left, after the systems of `OnExit` (Bevy: the same)."""

    state: States


@dataclass(frozen=True)
class StateTransitionEvent:
    """The event of every transition, of all types of states (Bevy has an event type for each).

    ``exited`` is None for an app's first state. It is written when the systems of `OnEnter` have run; Bevy's is written
    before those of `OnExit`.
    """

    exited: States | None
    entered: States
