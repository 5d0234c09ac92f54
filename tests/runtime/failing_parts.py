"""What the tests of failing systems share."""

from __future__ import annotations

from ecs_localai.runtime import App, SystemDescription
from tests.runtime.runtime_parts import Broken


class Fragile:
    """A system, or a condition that holds, that fails while it is told to."""

    __qualname__ = "Fragile"

    def __init__(self, *, fails: bool = True) -> None:
        self.fails = fails
        self.tries = 0

    def __call__(self) -> bool:
        self.tries += 1
        if self.fails:
            raise Broken(f"try {self.tries}")
        return True


def fragile(name: str = "fragile", *, fails: bool = True) -> Fragile:
    """One that is called so in messages."""
    made = Fragile(fails=fails)
    made.__qualname__ = name
    return made


def described(app: App, name: str = "fragile") -> SystemDescription:
    """A system of `Update`."""
    (update,) = [one for one in app.describe().schedules if one.name == "Update"]
    (found,) = [system for stage in update.stages for system in stage.systems if system.name == name]
    return found


def step_frames(app: App, count: int, dt: float = 0.0) -> None:
    """So many frames."""
    for _ in range(count):
        app.update(dt)
