"""Esper's lists of components, also after a mistake that esper itself does not get over.

`esper.add_component` for an entity that does not exist raises `KeyError`, but has noted that the entity has the
component by then (esper 3.9): from then on every list of that component raises `KeyError`, for everybody in that
world. A host that meets the first error and goes on would have stopped all our systems. So the note is taken out.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import cast

import esper


def list_component(kind: type) -> list[tuple[int, object]]:
    """`esper.get_component`: it may be esper's own list, which must not be changed. Needs the world to be active."""
    try:
        return esper.get_component(kind)
    except KeyError:
        _mend(kind)
        return esper.get_component(kind)


def list_components(kinds: Iterable[type]) -> list[tuple[int, tuple[object, ...]]]:
    """As `list_component`, for `esper.get_components`."""
    try:
        found: object = esper.get_components(*kinds)
    except KeyError:
        for kind in kinds:
            list_component(kind)
        found = esper.get_components(*kinds)
    return cast("list[tuple[int, tuple[object, ...]]]", found)


def _mend(kind: type) -> None:
    """Take those out of esper's note of who has this component who have not."""
    while True:
        try:
            esper.get_component(kind)
        except KeyError as error:
            missing: object = error.args[0]
            if isinstance(missing, int):  # no such entity
                with suppress(KeyError):  # raised after it was taken out
                    esper.try_remove_component(missing, kind)
                continue
            for entity in list(esper.get_entities()):  # esper does not say which of them, that has come since
                if not esper.has_component(entity, kind):
                    esper.try_remove_component(entity, kind)
        else:
            return
