"""Observers: functions that react at once, not at their turn in the frame (Bevy: ``bevy_ecs/src/observer``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar, TypeVarTuple, cast

import esper

from ecs_localai.runtime.errors import SystemParamError
from ecs_localai.runtime.listing import list_component
from ecs_localai.runtime.structure import Structure

if TYPE_CHECKING:
    from ecs_localai.runtime.system import System

T = TypeVar("T")
L = TypeVar("L", bound="Lifecycle")
Ts = TypeVarTuple("Ts")
DEEPEST: Final = 64
"""How deep observers may trigger each other before this is taken for a mistake."""


class Lifecycle:
    """Base of what happens to components."""

    def __class_getitem__(cls, component: object) -> object:
        """Bevy 0.20's way to write it, which is not ours.

        Raises:
            TypeError: always.
        """
        name = getattr(component, "__name__", repr(component))
        raise TypeError(f"{cls.__name__}[{name}] is written On[{cls.__name__}, {name}]")


class Add(Lifecycle):
    """A component was added to an entity that had none of its type (Bevy: ``Add``; before 0.17 ``OnAdd``)."""


class Insert(Lifecycle):
    """A component was added or replaced (Bevy: ``Insert``)."""


class Remove(Lifecycle):
    """A component is about to be removed, alone or with its entity (Bevy: ``Remove``)."""


class On(Generic[*Ts]):
    """What an observer is called for, its first parameter (Bevy: ``On``).

    ``On[Explode]`` is an event that somebody triggered: ``on.event``. ``On[Add, Player]``, ``On[Insert, Player]`` and
    ``On[Remove, Player]`` are about components: ``on.component``, which is still there while it is being removed.
    """

    __slots__ = ("_subject", "target")

    def __init__(self, subject: object, target: int | None) -> None:
        self._subject = subject
        self.target = target
        """The entity that it happened to; None for an event that was triggered for no entity."""

    @property
    def entity(self) -> int:
        """The entity that it happened to.

        Raises:
            LookupError: the event was triggered for no entity.
        """
        if self.target is None:
            raise LookupError(
                f"{type(self._subject).__name__} was triggered for no entity: use World.trigger(event, entity)."
            )
        return self.target

    @property
    def event(self: On[T]) -> T:
        """The event that was triggered."""
        return cast("T", self._subject)

    @property
    def component(self: On[L, T]) -> T:
        """The component that was added, inserted or is being removed."""
        return cast("T", self._subject)


Observed = tuple[type, type | None]
"""``(Add, Player)`` or ``(Explode, None)``."""


def observed_by(brackets: tuple[object, ...]) -> Observed:
    """What ``On[…]`` asks for.

    Raises:
        SystemParamError: it is neither an event class nor one of Add, Insert and Remove with a component class.
    """
    first, *others = brackets
    if isinstance(first, type):
        if not issubclass(first, Lifecycle):
            if not others:
                return first, None
        elif first is not Lifecycle and len(others) == 1 and isinstance(others[0], type):
            return first, others[0]
    shown = ", ".join(getattr(one, "__name__", repr(one)) for one in brackets)
    raise SystemParamError(
        f"On[{shown}] cannot be observed: write On[SomeEvent], or On[Add, SomeComponent] (or Insert, or Remove)."
    )


class Observer:
    """A function that is called for every event of one kind. Held by the app until `despawn`.

    Bevy's ``Observer`` is a component of an entity of its own; ours is none, and no query or saved world has it.
    """

    __slots__ = ("_observers", "entity", "observed", "system")

    def __init__(self, observers: Observers, system: System, observed: Observed, entity: int | None) -> None:
        self._observers = observers
        self.system = system
        self.observed = observed
        self.entity = entity
        """The only entity that it watches; None: all."""

    @property
    def name(self) -> str:
        """The function's name."""
        return self.system.name

    @property
    def watches(self) -> str:
        """What it is called for, in words: ``Add[Player]``."""
        first, component = self.observed
        return first.__name__ if component is None else f"{first.__name__}[{component.__name__}]"

    def despawn(self) -> None:
        """Do not call the function any more (Bevy: despawning the observer's entity). Once more does nothing."""
        self._observers.remove(self)

    def call(self, on: On[object]) -> None:
        """Call the function."""
        system = self.system
        if system.call is system.function:
            system.function(on, *system.args)
        else:  # a resource is missing, which this raises
            system.call(*system.args)


class Observers:
    """All observers of one world, and what they have been told of.

    Changes made by our own world are told at once. What a host did with plain esper is found at the beginning of the
    next frame; what came and went until then is not told.
    """

    def __init__(self, structure: Structure, report: Callable[[str, str, BaseException], None]) -> None:
        self._structure = structure
        self._report = report
        self.by_observed: dict[Observed, list[Observer]] = {}
        """All there are. The dict object stays the same."""
        self.told: dict[type, dict[int, object]] = {}
        """The components that there are, as far as the observers know, of every type that is observed."""
        self._lost = -1
        self._depth = 0

    def __iter__(self) -> Iterator[Observer]:
        return iter([one for some in self.by_observed.values() for one in some])

    def add(self, system: System, entity: int | None) -> Observer:
        """Call this system from now on; not for what is there already. Needs the world to be active.

        Raises:
            SystemParamError: it does not say what it observes.
        """
        observed = system.observed
        if observed is None:
            raise SystemParamError(
                f"{system.name} does not say what it observes: annotate its first parameter with On."
            )
        observer = Observer(self, system, observed, entity)
        component = observed[1]
        if component is not None and component not in self.told:
            self.told[component] = dict(list_component(component))
        self.by_observed.setdefault(observed, []).append(observer)
        return observer

    def remove(self, observer: Observer) -> None:
        """See `Observer.despawn`."""
        found = self.by_observed.get(observer.observed, [])
        if observer in found:
            found.remove(observer)
            if not found:
                del self.by_observed[observer.observed]
        component = observer.observed[1]
        if component is not None and all(kind is not component for _, kind in self.by_observed):
            self.told.pop(component, None)

    def trigger(self, event: object, entity: int | None) -> None:
        """Call the observers of this event.

        Raises:
            TypeError: it is a class, where an instance was meant.
        """
        found = self.by_observed.get((type(event), None))
        if found:
            self._call(found, On(event, entity))
        elif isinstance(event, type):
            raise TypeError(f"{event.__name__} is a class: trigger an instance of it, {event.__name__}(…).")

    def inserted(self, entity: int, components: Iterable[object]) -> None:
        """Call the observers of these components, which the entity has got."""
        for component in components:
            if type(component) in self.told:
                self.replaced(entity, component, type(component))

    def spawned(self, entity: int, components: Iterable[object]) -> None:
        """As `inserted`, for a new entity. After `esper.clear_database` it may have the number of one that is gone."""
        for kind, told in list(self.told.items()):
            if entity in told:
                self._tell_removed(entity, kind, told)
        self.inserted(entity, components)

    def replaced(self, entity: int, component: object, kind: type) -> None:
        """As `inserted`, for a component that is kept as one of this type."""
        told = self.told.get(kind)
        if told is None or esper.try_component(entity, kind) is not component:  # an observer has removed it meanwhile
            return
        is_new = entity not in told
        told[entity] = component
        for lifecycle in (Add, Insert) if is_new else (Insert,):
            found = self.by_observed.get((lifecycle, kind))
            if found:
                self._call(found, On(component, entity), lambda: told.get(entity) is component)

    def removing(self, entity: int, kinds: Iterable[type]) -> None:
        """Call the observers of the entity's components of these types, which are about to go."""
        for kind in kinds:
            told = self.told.get(kind)
            if told is not None and entity in told:
                self._tell_removed(entity, kind, told)

    def despawning(self, entity: int, kinds: Iterable[type]) -> None:
        """As `removing`, for an entity that is about to be deleted; forgets the observers that watched only it."""
        self.removing(entity, kinds)
        for _ in range(DEEPEST):  # an observer may give it something new, which goes too
            anew = [kind for kind, told in self.told.items() if entity in told]
            if not anew:
                break
            self.removing(entity, anew)
        self._forget_watching(entity)

    def catch_up(self, lost: int) -> None:
        """Tell what somebody else has changed, if `lost`, from the world's structure, has grown."""
        if lost == self._lost:
            return
        self._lost = lost
        for kind, told in list(self.told.items()):
            here = dict(list_component(kind))
            for entity in [one for one in told if one not in here]:
                self._tell_removed(entity, kind, told)
            for entity, component in here.items():
                if told.get(entity) is not component:
                    self.replaced(entity, component, kind)
        for gone in {one.entity for one in self if one.entity is not None and not esper.entity_exists(one.entity)}:
            self._forget_watching(gone)

    def _forget_watching(self, entity: int) -> None:
        for observer in [one for one in self if one.entity == entity]:
            self.remove(observer)

    def _tell_removed(self, entity: int, kind: type, told: dict[int, object]) -> None:
        component = told.pop(entity, None)
        found = self.by_observed.get((Remove, kind))
        if found and component is not None:
            self._call(found, On(component, entity), lambda: entity not in told)

    def _call(self, observers: list[Observer], on: On[object], is_true: Callable[[], bool] | None = None) -> None:
        """Call them in the order in which they were added. One that fails is reported, and the others are called.

        Where one of them has undone what they are told of, the rest is not told any more: they have been told of that.
        """
        for observer in tuple(observers):
            if is_true is not None and not is_true():
                return
            if observer.entity is not None and observer.entity != on.target:
                continue
            where = f"observers/{observer.watches}"
            if self._depth >= DEEPEST:
                error = RecursionError(
                    f"{observer.name} was not called: observers have triggered each other {DEEPEST} deep. Let it "
                    f"not cause what it observes, or queue the change with Commands."
                )
                self._report(observer.name, where, error)
                continue
            self._depth += 1
            try:
                self._structure.together(partial(observer.call, on))
            except Exception as error:  # noqa: BLE001 - the isolation point: one observer, not who caused it
                self._report(observer.name, where, error)
            finally:
                self._depth -= 1
