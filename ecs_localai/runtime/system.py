"""Function systems: what they ask for by annotation, found once when they are added (Bevy: ``SystemParam``)."""

from __future__ import annotations

import inspect
import sys
import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Union, cast, get_args, get_origin, get_type_hints

from ecs_localai.runtime.commands import Commands
from ecs_localai.runtime.errors import MissingResourceError, SystemParamError
from ecs_localai.runtime.events import EventReader, EventWriter
from ecs_localai.runtime.local import Local
from ecs_localai.runtime.query import Query
from ecs_localai.runtime.resources import ResourceParam
from ecs_localai.runtime.sets import SystemFunction
from ecs_localai.runtime.time import Time
from ecs_localai.runtime.world import World

if TYPE_CHECKING:
    from ecs_localai.runtime.app import App

SUPPORTED = "Query[…], Res[…], EventReader[…], EventWriter[…], Commands, Local[…], Time, World"


class System:
    """A function with its arguments found; a frame runs it as ``system.call(*system.args)``."""

    __slots__ = ("args", "call", "function", "name", "uses_commands")

    def __init__(self, function: SystemFunction, app: App) -> None:
        self.function = function
        self.name = getattr(function, "__qualname__", None) or repr(function)
        self.call = function
        """The function, or what raises instead while a resource that it needs is missing."""
        self.args: tuple[object, ...] = ()
        self.uses_commands = False
        self._bind(app)

    def _bind(self, app: App) -> None:
        hints = _annotations(self.function, self.name)
        slots: list[object] = []
        resources: list[tuple[int, type, bool]] = []
        for position, (name, parameter) in enumerate(inspect.signature(self.function).parameters.items()):
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.KEYWORD_ONLY):
                raise SystemParamError(
                    f"System {self.name}: parameter '{name}' cannot be supplied: systems take plain "
                    f"positional parameters only."
                )
            if name not in hints:
                raise SystemParamError(
                    f"System {self.name}: parameter '{name}' has no annotation. Annotate it with {SUPPORTED}."
                )
            found = _resource(hints[name])
            if found is not None:
                kind, optional = found
                resources.append((position, kind, optional))
                slots.append(None)
            else:
                slots.append(self._argument(hints[name], name, app))
        if not resources:
            self.args = tuple(slots)
            return

        def rebind() -> None:
            missing: type | None = None
            for position, kind, optional in resources:
                value = app.world.resources.get(kind)
                if value is None and not optional:
                    missing = kind
                slots[position] = value
            self.call = self.function if missing is None else _raise_missing
            self.args = tuple(slots) if missing is None else (missing, self.name)

        for _, kind, _ in resources:
            app.world.resources.watch(kind, rebind)
        rebind()

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
                return Query[object](parts, app.time)
            except SystemParamError as error:
                raise SystemParamError(f"System {self.name}: parameter '{name}': {error}") from None
        if origin is EventReader:
            return app.add_event(parts[0]).reader()
        if origin is EventWriter:
            return app.add_event(parts[0]).writer()
        if origin is Local:
            kind = cast("Callable[[], object]", get_origin(parts[0]) or parts[0])
            try:
                return Local(kind())
            except TypeError as error:
                raise SystemParamError(
                    f"System {self.name}: parameter '{name}': Local[{kind!r}] cannot start, because "
                    f"{kind!r}() fails: {error}"
                ) from None
        if hint is Commands:
            self.uses_commands = True
            return app.commands
        if hint is Time:
            return app.time
        if hint is World:
            return app.world
        raise SystemParamError(
            f"System {self.name}: parameter '{name}' is annotated with {_show(hint)}, which the runtime cannot "
            f"supply. Use {SUPPORTED}; for a resource write Res[{_show(hint)}]."
        )


def _raise_missing(kind: type, name: str) -> None:
    raise MissingResourceError(kind, f"System {name}")


def _resource(hint: object) -> tuple[type, bool] | None:
    """``Res[T]`` as (T, False), ``Res[T] | None`` as (T, True), anything else as None."""
    origin = get_origin(hint)
    if origin is Annotated:
        kind, *marks = get_args(hint)
        if any(isinstance(mark, ResourceParam) for mark in marks):
            return cast("type", get_origin(kind) or kind), False
    if origin in (Union, types.UnionType):
        parts = [part for part in get_args(hint) if part is not type(None)]
        if len(parts) == 1 and len(get_args(hint)) == 2 and (found := _resource(parts[0])):
            return found[0], True
    return None


def _annotations(function: SystemFunction, name: str) -> dict[str, object]:
    """A function's annotations as objects, with names of an enclosing function found too.

    Raises:
        SystemParamError: an annotation names something that cannot be found.
    """
    target = function if inspect.isroutine(function) else type(function).__call__
    try:
        return get_type_hints(target, include_extras=True)
    except NameError:
        pass
    # `from __future__ import annotations` keeps only the text, and components may be local to the function
    # that is adding the system (as in a test): its frame is among our callers.
    local_names: dict[str, object] = {}
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        for key, value in frame.f_locals.items():
            local_names.setdefault(key, value)
    try:
        return get_type_hints(target, localns=local_names, include_extras=True)
    except NameError as error:
        raise SystemParamError(
            f"System {name}: an annotation cannot be understood: {error}. Import the name where the system is "
            f"defined, not only under TYPE_CHECKING."
        ) from None


def _show(hint: object) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)
