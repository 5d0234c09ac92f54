"""Function systems: what they ask for by annotation, found once when they are added (Bevy: ``SystemParam``)."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Union, cast, get_args, get_origin

from ecs_localai.runtime.changes import Changes
from ecs_localai.runtime.combinators import Combined
from ecs_localai.runtime.commands import Commands
from ecs_localai.runtime.errors import MissingResourceError, SystemParamError
from ecs_localai.runtime.events import EventReader, Events, EventWriter
from ecs_localai.runtime.local import Local
from ecs_localai.runtime.observers import Observed, On, observed_by
from ecs_localai.runtime.query import Query
from ecs_localai.runtime.query_parts import class_of
from ecs_localai.runtime.removed import RemovedComponents
from ecs_localai.runtime.resources import ResourceParam
from ecs_localai.runtime.sets import SystemFunction
from ecs_localai.runtime.signatures import annotations_of, parameter_names
from ecs_localai.runtime.time import Time
from ecs_localai.runtime.world import World

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App

SUPPORTED = (
    "Query[…], Res[…], EventReader[…], EventWriter[…], Changes[…], RemovedComponents[…], "
    "Commands, Local[…], Time, World"
)


class System:
    """A function with its arguments found; a frame runs it as ``system.call(*system.args)``."""

    __slots__ = (
        "_is_condition",
        "_observes",
        "args",
        "call",
        "function",
        "name",
        "observed",
        "rebound",
        "uses_commands",
    )

    def __init__(
        self, function: SystemFunction, app: App, *, observes: bool = False, is_condition: bool = False
    ) -> None:
        """`observes`: it is an observer, so its first parameter says of what. `is_condition`: it is to return a bool.

        Raises:
            SystemParamError: a parameter cannot be supplied, or it is a condition that says it returns no bool; for
                others see `observed_by`.
        """
        self.function = function
        self.name = getattr(function, "__qualname__", None) or repr(function)
        self.call = function
        """The function, or what raises instead while a resource that it needs is missing."""
        self.args: tuple[object, ...] = ()
        self.rebound: Callable[[], None] | None = None
        """What to tell when `call` or `args` have changed."""
        self.uses_commands = False
        self.observed: Observed | None = None
        """What an observer is called for."""
        self._observes = observes
        self._is_condition = is_condition
        self._bind(app)
        if observes and self.observed is None:
            raise SystemParamError(
                f"Observer {self.name}: annotate its first parameter with what it is called for: On[SomeEvent], "
                f"On[Add, SomeComponent], On[Insert, SomeComponent] or On[Remove, SomeComponent]."
            )

    def _bind(self, app: App) -> None:
        if isinstance(self.function, Combined):
            self.args = tuple(System(part, app, is_condition=True).holds for part in self.function.parts)
            return
        if inspect.iscoroutinefunction(self.function) or inspect.isgeneratorfunction(self.function):
            raise SystemParamError(
                f"System {self.name} is a coroutine or a generator, which a frame would only make and not run. "
                f"Write a plain function; for background work spawn a coroutine on the resource IoTaskPool."
            )
        names = parameter_names(self.function, self.name)
        hints = annotations_of(self.function, self.name)
        if self._is_condition:
            self._check_answer(hints.get("return"))
        slots: list[object] = []
        resources: list[tuple[int, type, bool]] = []
        for position, name in enumerate(names):
            if name not in hints:
                raise SystemParamError(
                    f"System {self.name}: parameter '{name}' has no annotation. Annotate it with {SUPPORTED}."
                )
            if get_origin(hints[name]) is On:
                self.observed = self._what_it_observes(hints[name], name, position)
                continue
            found = _resource(hints[name])
            if found is not None:
                kind = class_of(found[0])
                if kind is None:
                    raise SystemParamError(
                        f"System {self.name}: parameter '{name}': {_show(found[0])} is not one class. Write "
                        f"Res[SomeResource], or Res[SomeResource] | None where it may be missing."
                    )
                resources.append((len(slots), kind, found[1]))
                slots.append(None)
            else:
                slots.append(self._argument(hints[name], name, app))
        if not resources:
            self.args = tuple(slots)
            return

        def rebind() -> None:
            missing: type | None = None
            for place, kind, optional in resources:
                value = app.world.resources.get(kind)
                if value is None and not optional:
                    missing = kind
                slots[place] = value
            self.call = self.function if missing is None else _raise_missing
            self.args = tuple(slots) if missing is None else (missing, self.name)
            if self.rebound is not None:
                self.rebound()

        for _, kind, _ in resources:
            app.world.resources.watch(kind, rebind)
        rebind()

    def _check_answer(self, returns: object) -> None:
        """See that a condition does not say itself that it is none: it would never hold, or always."""
        if returns is type(None):
            raise SystemParamError(
                f"Condition {self.name} returns None, so that it would never hold: a condition returns a bool. In "
                f"run_if it comes first, as in run_if(is_open, draw)."
            )
        if get_origin(returns) is Callable:
            raise SystemParamError(
                f"Condition {self.name} returns a function, so that it would always hold: call it to get the "
                f"condition, as in run_if({self.name}(), draw)."
            )

    def _what_it_observes(self, hint: object, name: str, position: int) -> Observed:
        if not self._observes or position:
            remedy = "put it first" if self._observes else "add the function with App.add_observer"
            raise SystemParamError(
                f"{'Observer' if self._observes else 'System'} {self.name}: parameter '{name}' is annotated with On, "
                f"which only the first parameter of an observer can have: {remedy}."
            )
        try:
            return observed_by(get_args(hint))
        except SystemParamError as error:
            raise SystemParamError(f"Observer {self.name}: parameter '{name}': {error}") from None

    def holds(self) -> bool:
        """Run it as a condition."""
        return bool(self.call(*self.args))

    def _argument(self, hint: object, name: str, app: App) -> object:
        """The object for one parameter that is not a resource.

        Raises:
            SystemParamError: the annotation means nothing to the runtime.
        """
        origin, parts = get_origin(hint), get_args(hint)
        if origin is Query:
            try:
                query = Query[object](parts, app.world, id(self))
                app.remember_query(query)
                return query
            except SystemParamError as error:
                raise SystemParamError(f"System {self.name}: parameter '{name}': {error}") from None
        if origin in (EventReader, EventWriter):
            event = class_of(parts[0])
            if event is None:
                raise SystemParamError(
                    f"System {self.name}: parameter '{name}': {_show(parts[0])} is not one event class. Take one "
                    f"parameter for each type of event."
                )
            events: Events[object] = app.add_event(event)
            return events.reader() if origin is EventReader else events.writer()
        if origin in (Changes, RemovedComponents):
            component = class_of(parts[0])
            if component is None:
                raise SystemParamError(
                    f"System {self.name}: parameter '{name}': {_show(parts[0])} is not one component class. Take one "
                    f"parameter for each type of component."
                )
            if origin is RemovedComponents:
                return app.removals.reader(component)
            return Changes[object](app.world.changes.log(component), app.world.replace, id(self))
        if origin is Local:
            if type(None) in get_args(parts[0]) and class_of(parts[0]) is None:  # as Bevy's Local<Option<T>>
                return Local[object](None)
            kind = cast("Callable[[], object]", get_origin(parts[0]) or parts[0])
            try:
                return Local(kind())
            except TypeError as error:
                raise SystemParamError(
                    f"System {self.name}: parameter '{name}': Local[{_show(kind)}] cannot start, because "
                    f"{_show(kind)}() fails: {error}. Take a class that can be made without arguments."
                ) from None
        if hint is Commands:
            self.uses_commands = True
            return app.commands
        if hint is Time:
            return app.time
        if hint is World:
            return app.world
        if hint in (Query, EventReader, EventWriter, Changes, RemovedComponents, Local, On):
            raise SystemParamError(
                f"System {self.name}: parameter '{name}' is annotated with {_show(hint)} alone. Say of what, in "
                f"brackets: {_show(hint)}[SomeClass]."
            )
        remedy = f"; for a resource write Res[{_show(hint)}]" if class_of(hint) else ""
        raise SystemParamError(
            f"System {self.name}: parameter '{name}' is annotated with {_show(hint)}, which the runtime cannot "
            f"supply. Use {SUPPORTED}{remedy}."
        )


def _raise_missing(kind: type, name: str) -> None:
    raise MissingResourceError(kind, f"System {name}")


def _resource(hint: object) -> tuple[object, bool] | None:
    """``Res[T]`` as (T, False), ``Res[T] | None`` as (T, True), anything else as None."""
    origin = get_origin(hint)
    if origin is Annotated:
        kind, *marks = get_args(hint)
        if any(isinstance(mark, ResourceParam) for mark in marks):
            return kind, False
    if origin in (Union, types.UnionType):
        parts = [part for part in get_args(hint) if part is not type(None)]
        if len(parts) == 1 and len(get_args(hint)) == 2 and (found := _resource(parts[0])):
            return found[0], True
    return None


def _show(hint: object) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)
