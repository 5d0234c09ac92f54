"""Resources: one value of a type for the whole world (Bevy: ``Resource``, ``Res``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeAlias, TypeVar

from ecs_localai.runtime.changes import ChangeMarks
from ecs_localai.runtime.errors import MissingResourceError, RuntimeSetupError

T = TypeVar("T")


class ResourceParam:
    """The mark that makes ``Res[T]`` a system parameter."""


Res: TypeAlias = Annotated[T, ResourceParam()]
"""``clock: Res[Clock]`` hands a system the world's `Clock` itself; ``Res[Clock] | None`` may be missing.

Bevy tells ``Res`` from ``ResMut``; Python cannot enforce that, so there is one name.
"""


class Resources:
    """The world's resources by type, when each was changed, and who has to be told when one is replaced."""

    def __init__(self, marks: ChangeMarks) -> None:
        self._marks = marks
        self._values: dict[type, object] = {}
        self._ticks: dict[type, int] = {}
        self._tick = 0
        self._watchers: dict[type, list[Callable[[], None]]] = {}

    def insert(self, value: object, kind: type | None = None) -> None:
        """Keep `value` as the resource of its type (or of `kind`), replacing an earlier one.

        Raises:
            RuntimeSetupError: it is a class, where an instance was meant.
        """
        if isinstance(value, type) and kind is None:
            raise RuntimeSetupError(
                f"{value.__name__} is a class: insert an instance of it, {value.__name__}(…), or have one made with "
                f"app.init_resource({value.__name__})."
            )
        key = kind or type(value)
        self._values[key] = value
        self._note(key)
        for rebind in self._watchers.get(key, ()):
            rebind()

    def get(self, kind: type[T]) -> T | None:
        """The resource of this type, or None."""
        value = self._values.get(kind)
        return value if isinstance(value, kind) else None

    def require(self, kind: type[T], wanted_by: str | None = None) -> T:
        """The resource of this type.

        Raises:
            MissingResourceError: nobody has inserted it.
        """
        value = self._values.get(kind)
        if not isinstance(value, kind):
            raise MissingResourceError(kind, wanted_by)
        return value

    def remove(self, kind: type[T]) -> T | None:
        """Take the resource out of the world and return it; None where there was none."""
        value = self._values.pop(kind, None)
        if self._ticks.pop(kind, 0):
            self._marks.unsettled = True
        for rebind in self._watchers.get(kind, ()):
            rebind()
        return value if isinstance(value, kind) else None

    def mark_changed(self, kind: type) -> None:
        """Say that the resource of this type was changed in place.

        Raises:
            MissingResourceError: nobody has inserted it.
        """
        if kind not in self._values:
            raise MissingResourceError(kind)
        self._note(kind)

    def changed_at(self, kind: type) -> int:
        """A number that grows with every change of any resource: this one's at its last; 0 if it is not there."""
        return self._ticks.get(kind, 0)

    @property
    def kinds(self) -> list[type]:
        """The types that there are resources of."""
        return list(self._values)

    def watch(self, kind: type, rebind: Callable[[], None]) -> None:
        """Call `rebind` whenever the resource of this type is inserted, replaced or removed."""
        self._watchers.setdefault(kind, []).append(rebind)

    def _note(self, kind: type) -> None:
        self._tick += 1
        self._ticks[kind] = self._tick
        self._marks.unsettled = True
