"""Which entities were created, changed or deleted, and by whom: what lets queries be kept up to date.

Everything here is built on one fact about esper 3.9: `esper.get_component` returns the same list object until any
structural change in the world, and a new one after it. So "is it the list I saw last time?" tells, with public API,
that something changed, also what a host program did with plain esper, though not what. What our own `World` changes
is noted entity by entity; where somebody else changed something, everybody has to look at the whole world again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import esper

Touch = Callable[[int], None]


class NeverAComponent:
    """Nothing has it, so esper's cached list of it is renewed exactly when the world's structure changed."""


class Structure:
    """The structural changes of one world. Bevy has no counterpart: there, all changes go through its own world.

    All methods need the world to be active.
    """

    __slots__ = ("_is_alone", "_watchers", "lost", "seen", "version")

    def __init__(self) -> None:
        self.seen: object = None
        """Esper's list of `NeverAComponent` at the last look: while it gives that one, `look` would find nothing."""
        self._is_alone = False
        self._watchers: dict[type, list[Touch]] = {}
        self.version = 0
        """Grows with every change that is known of."""
        self.lost = 0
        """Grows whenever the world was changed by somebody else: then only a look at all of it tells what there is."""

    def watch(self, kinds: Iterable[type], touch: Touch) -> None:
        """Call `touch(entity)` whenever our world has added, replaced or removed a component of one of these types."""
        for kind in kinds:
            self._watchers.setdefault(kind, []).append(touch)

    def unwatch(self, kind: type, touch: Touch) -> None:
        """Undo `watch` for one type."""
        watchers = self._watchers.get(kind, [])
        if touch in watchers:
            watchers.remove(touch)

    def look(self) -> None:
        """Notice what somebody else has changed. To be called before every change of our own, too."""
        if self._is_alone:
            return
        seen: object = esper.get_component(NeverAComponent)
        if seen is not self.seen:
            self.seen = seen
            self.version += 1
            self.lost += 1

    def changed(self, entity: int, kinds: Iterable[type]) -> None:
        """Note a change that our world has just made, after `look`: components of these types came, went or changed."""
        watchers = self._watchers
        for kind in kinds:
            for touch in watchers.get(kind, ()):
                touch(entity)
        if not self._is_alone:
            self.seen = esper.get_component(NeverAComponent)
        self.version += 1

    def be_alone(self) -> None:
        """Until `be_together` nobody else's code runs, so that it is enough to look once before and once after."""
        self.look()
        self._is_alone = True

    def be_together(self) -> None:
        """Somebody else's code may run again. Does nothing where it could all the time."""
        if self._is_alone:
            self._is_alone = False
            self.seen = esper.get_component(NeverAComponent)

    def together(self, call: Callable[[], None]) -> None:
        """Run somebody else's code, if need be between two stretches of being alone."""
        if not self._is_alone:
            call()
            return
        self.be_together()
        try:
            call()
        finally:
            self.be_alone()

    def lose_track(self) -> None:
        """Have everybody look at the whole world again, because what has just changed cannot be said."""
        self.version += 1
        self.lost += 1
        self.seen = None if self._is_alone else esper.get_component(NeverAComponent)
