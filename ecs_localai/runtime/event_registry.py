"""All event types of an app (Bevy: ``MessageRegistry``)."""

from __future__ import annotations

from typing import TypeVar, cast

from ecs_localai.runtime.errors import RuntimeSetupError
from ecs_localai.runtime.events import Events

T = TypeVar("T")


class EventRegistry:
    """The buffers of an app's events, by type, in the order in which they were registered."""

    __slots__ = ("_by_kind", "_writable")

    def __init__(self) -> None:
        self._by_kind: dict[type, Events[object]] = {}
        self._writable: list[list[object]] = []  # what nobody can write to need not be looked at

    def add(self, kind: type[T]) -> Events[T]:
        """The buffer of this type, made if it is not there.

        Raises:
            RuntimeSetupError: it is an instance, or the event that was to be sent is a class.
        """
        try:
            events = self._by_kind.get(kind)
        except TypeError:  # an instance that has no hash
            events = None
        if events is None:
            _check(kind)
            events = self._by_kind[kind] = Events[object](kind, self._writable.append)
        return cast("Events[T]", events)

    @property
    def kinds(self) -> list[type]:
        """All registered types."""
        return list(self._by_kind)

    @property
    def buffered(self) -> list[list[object]]:
        """The buffers of all types that somebody can write; the list object stays the same."""
        return self._writable

    @property
    def is_unread(self) -> bool:
        """Whether something was written that is still to be read; see `Events.is_unread`."""
        return any(self._writable) and any(events.is_unread for events in self._by_kind.values())

    def update(self) -> None:
        """Begin a frame: see `Events.update`."""
        for events in self._by_kind.values():
            events.update()

    def end_frame(self) -> None:
        """End a frame: see `Events.end_frame`."""
        for events in self._by_kind.values():
            events.end_frame()


def _check(kind: object) -> None:
    if not isinstance(kind, type):
        name = type(kind).__name__
        raise RuntimeSetupError(
            f"{kind!r} is not a type of event: name the class, {name}. Events are sent with send_event."
        )
    if issubclass(kind, type):
        raise RuntimeSetupError("A class is not an event: send an instance of it, as in send_event(Hit(3)).")
