"""The question for events as they are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

import msgspec

from ecs_localai.remote.errors import ErrorObject, RpcError
from ecs_localai.remote.question import Names, WatchQuestion
from ecs_localai.remote.reading import WorldReader

MOST_EVENTS: Final = 64
"""How many one update tells. The others wait for the next one, or are counted as missed."""


class WrittenEvent(msgspec.Struct, frozen=True):
    """One event."""

    event: str
    """Its type's name."""
    value: object
    """None where it cannot be told."""
    error: ErrorObject | msgspec.UnsetType = msgspec.UNSET
    """Why it cannot be told."""


class EventNews(msgspec.Struct, frozen=True):
    """What `WatchEvents` is told."""

    events: list[WrittenEvent]
    """Those of one type in the order in which they were written."""
    missed: int
    """How many have gone, since the watching began, before this client was ready for them."""


class WatchEvents(WatchQuestion):
    """``app.events+watch``. Bevy 0.19 has ``world.observe+watch`` for its observers, and nothing for buffered events.

    As for every late reader, the first update has what is still buffered.
    """

    summary: ClassVar[str] = "Events as they are written: of these types, or of all that the app has."
    events: Names | None = None

    def watch(self, reader: WorldReader) -> Callable[[], object | None]:
        """Read with readers of the client's own."""
        kinds = reader.event_kinds() if self.events is None else [reader.event_kind(name) for name in self.events]
        readers = {kind: reader.read_events(kind) for kind in dict.fromkeys(kinds)}
        told_missed = 0

        def look() -> object | None:
            nonlocal told_missed
            written: list[WrittenEvent] = []
            if self.events is None:
                for kind in reader.event_kinds():
                    if kind not in readers:  # registered since the watching began
                        readers[kind] = reader.read_events(kind)
            for kind, events in readers.items():
                if events and len(written) < MOST_EVENTS:
                    name = reader.name(kind)
                    for event in events:
                        written.append(_told(reader, name, event))
                        if len(written) == MOST_EVENTS:
                            break
            missed = sum(events.dropped for events in readers.values())
            if not written and missed == told_missed:
                return None
            told_missed = missed
            return EventNews(written, missed)

        return look


def _told(reader: WorldReader, name: str, event: object) -> WrittenEvent:
    try:
        return WrittenEvent(name, reader.event_value(event))
    except RpcError as error:
        return WrittenEvent(name, None, error.told)
