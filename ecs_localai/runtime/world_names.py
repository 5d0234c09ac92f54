"""Which app has which esper world, so that no two get the same one."""

from __future__ import annotations

from typing import Final

import esper

from ecs_localai.runtime.errors import WorldInUseError

DEFAULT_WORLD: Final = "ecs-localai"
ESPERS_WORLD: Final = "default"
"""The world that is active when a program that uses esper begins."""
_in_use: set[str] = set()


def claim_world(wanted: str | None) -> tuple[str, bool]:
    """A world's name and whether it is ours alone.

    Raises:
        WorldInUseError: another app has the wanted world.
    """
    if wanted is None:
        name = DEFAULT_WORLD
        number = 2
        while name in _in_use or name in esper.list_worlds():
            name = f"{DEFAULT_WORLD}-{number}"
            number += 1
    elif wanted in _in_use:
        raise WorldInUseError(
            f"Another app is using the esper world '{wanted}'. Shut it down first, or give this one another world."
        )
    else:
        name = wanted
    _in_use.add(name)
    return name, wanted is None or wanted == DEFAULT_WORLD


def is_claimed(name: str) -> bool:
    """Whether an app has this world."""
    return name in _in_use


def give_back_world(name: str, *, delete: bool) -> None:
    """Let the name be claimed again; `delete` takes the world itself out of esper as well.

    Esper deletes no world that is active: the caller of the app's last method is in esper's own world then.
    """
    _in_use.discard(name)
    if delete and name in esper.list_worlds():
        if esper.current_world == name:
            esper.switch_world(ESPERS_WORLD)
        esper.delete_world(name)
