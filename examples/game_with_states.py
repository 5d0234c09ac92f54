"""A small game with a menu and a flight: states, sets, run conditions, and entities that end with their state.

Land on the ground slower than 2 m/s. The keys are given on the command line, one for each tenth of a second: ``s``
starts a flight, ``^`` burns fuel, anything else lets the lander fall; the last key is held to the end. Try
``python examples/game_with_states.py "s......^^."``, and then land softly. `test_game_with_states.py` tests this game.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from enum import auto

from ecs_localai import (
    App,
    Commands,
    DespawnOnExit,
    EventReader,
    EventWriter,
    NextState,
    OnEnter,
    PreUpdate,
    Query,
    Res,
    State,
    States,
    SystemSet,
    Time,
    Update,
    chain,
    in_set,
    in_state,
    run_if,
)

GRAVITY, THRUST, SOFT = -1.6, 4.0, -2.0  # m/s², m/s², m/s
FRAME_SECONDS = 0.1


class Screen(States):
    MENU = auto()
    FLIGHT = auto()


class Flight(SystemSet):
    MOVE = auto()
    JUDGE = auto()


@dataclass
class Keys:
    """A resource: the keys that have not been pressed yet, and the one that is held down."""

    waiting: list[str]
    held: str = ""


@dataclass
class Lander:
    height: float = 20.0
    speed: float = 0.0


@dataclass(frozen=True)
class Landed:
    speed: float


def press_keys(keys: Res[Keys]) -> None:
    if keys.waiting:
        keys.held = keys.waiting.pop(0)


def start(keys: Res[Keys], screen: Res[NextState[Screen]]) -> None:
    if keys.held == "s":
        screen.set(Screen.FLIGHT)


def place_lander(commands: Commands) -> None:
    commands.spawn(Lander(), DespawnOnExit(Screen.FLIGHT))


def fall(landers: Query[Lander], keys: Res[Keys], time: Time) -> None:
    for _, lander in landers:
        lander.speed += (GRAVITY + (THRUST if keys.held == "^" else 0.0)) * time.delta_seconds
        lander.height += lander.speed * time.delta_seconds


def touch_down(landers: Query[Lander], landed: EventWriter[Landed], screen: Res[NextState[Screen]]) -> None:
    for _, lander in landers:
        if lander.height <= 0:
            landed.write(Landed(lander.speed))
            screen.set(Screen.MENU)


def lander_game(app: App) -> None:
    """The game as a plugin. It needs `Keys`, which the program or a test inserts."""
    app.init_state(Screen.MENU)
    app.add_systems(PreUpdate, press_keys)
    app.add_systems(Update, run_if(in_state(Screen.MENU), start))
    app.add_systems(OnEnter(Screen.FLIGHT), place_lander)
    app.configure_sets(Update, run_if(in_state(Screen.FLIGHT), chain(Flight.MOVE, Flight.JUDGE)))
    app.add_systems(Update, in_set(Flight.MOVE, fall), in_set(Flight.JUDGE, touch_down))


def show(landed: EventReader[Landed], time: Time) -> None:
    for event in landed.read():
        word = "landed softly" if event.speed > SOFT else "crashed"
        print(f"{time.elapsed_seconds:.1f} s: {word} at {-event.speed:.1f} m/s")


def main() -> None:
    keys = sys.argv[1] if len(sys.argv) > 1 else "s" + "." * 38 + "^" * 22 + "."
    with App() as app:
        app.add_plugins(lander_game)
        app.add_systems(Update, show)
        app.insert_resource(Keys(list(keys)))
        for _ in range(len(keys) + 300):
            app.update(FRAME_SECONDS)
        print(f"the program ends in {app.world.resource(State[Screen]).get()}")


if __name__ == "__main__":
    main()
