"""A fixed time step, drawn smoothly at another rate.

A ball is moved ten times a second, always by the same length of time, so that it goes the same way on every machine.
It is shown 25 times a second: once where the last step put it, and once between the last step and the one before, as
far as the frame has come. Only the second moves evenly. Pausing virtual time stops both, and costs no step later.
"""

from __future__ import annotations

from dataclasses import dataclass

from ecs_localai import App, FixedTime, FixedUpdate, PostUpdate, Query, Res, Time

STEPS_A_SECOND = 10
FRAMES_A_SECOND = 25
WIDTH = 60


@dataclass
class Position:
    x: float = 0.0
    before: float = 0.0
    """Where it was one step ago."""


@dataclass
class Velocity:
    x: float


def move(balls: Query[Position, Velocity], time: Time) -> None:
    for _, (position, velocity) in balls:
        position.before = position.x
        position.x += velocity.x * time.delta_seconds  # in FixedUpdate the length of a step
        if not 0 <= position.x <= WIDTH:
            velocity.x = -velocity.x


def draw(balls: Query[Position], fixed: Res[FixedTime], time: Time) -> None:
    for _, position in balls:
        smooth = position.before + (position.x - position.before) * fixed.overstep_fraction
        print(f"{time.elapsed_seconds:5.2f} s  stepped {position.x:5.2f}  smooth {smooth:5.2f}  {' ' * int(smooth)}o")


def main() -> None:
    with App() as app:
        app.set_fixed_hz(STEPS_A_SECOND)
        app.add_systems(FixedUpdate, move)
        app.add_systems(PostUpdate, draw)
        app.world.spawn(Position(), Velocity(20.0))
        for _ in range(FRAMES_A_SECOND):
            app.update(1 / FRAMES_A_SECOND)
        app.time.pause()
        app.update(60.0)  # a minute in the menu
        app.time.unpause()
        app.update(1 / FRAMES_A_SECOND)


if __name__ == "__main__":
    main()
