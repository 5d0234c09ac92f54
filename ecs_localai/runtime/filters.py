"""What narrows a query without adding to its rows (Bevy: ``bevy_ecs/src/query/filter.rs``)."""

from __future__ import annotations

from typing import Generic, TypeVar

A = TypeVar("A")


class Filter:
    """Base of what narrows a query without adding to its rows."""


class With(Filter, Generic[A]):
    """Only entities that also have an `A` (Bevy: ``With``); ``With[A], With[B]`` for two."""


class Without(Filter, Generic[A]):
    """Only entities that have no `A` (Bevy: ``Without``)."""


class Added(Filter, Generic[A]):
    """Only entities whose `A` is new to this system, however it was added.

    Entities made by a host with plain `esper.create_entity` are seen too. A system that has not run yet sees
    everything as added, and one that was skipped misses nothing. Unlike Bevy, replacing a component by another
    object counts as adding it: with plain esper the two cannot be told apart from a re-used entity id.
    """


class Changed(Filter, Generic[A]):
    """Only entities whose `A` was marked as changed, or is new (as `Added`), since this system last looked.

    As in Bevy (``bevy_ecs/src/query/filter.rs``), adding or replacing a component is a change, a system that has
    not run yet sees everything, one that was skipped misses nothing, and none is shown its own marks. Unlike Bevy,
    writing a component is no change until it is marked, with `Changes` or `World.mark_changed`; and adding the very
    object that is there already with plain `esper.add_component` is not seen. The cost follows the number of
    entities that changed.
    """
