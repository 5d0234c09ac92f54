"""Tests of a program: what `game_with_states.py` does, frame by frame, on a clock that the test moves.

``python -m pytest examples/test_game_with_states.py`` runs it. The fixtures ``app``, ``run_until`` and
``capture_events`` come from the package's pytest plugin. A system that fails, or a thread that is left, fails the test.
"""

# ruff: noqa: S101 - tests assert

from __future__ import annotations

import pytest
from game_with_states import FRAME_SECONDS, SOFT, Keys, Landed, Lander, Screen, lander_game

from ecs_localai import State
from ecs_localai.testing import CaptureEvents, RunUntil, SteppedApp


@pytest.fixture
def app(app: SteppedApp) -> SteppedApp:
    """The game with nothing pressed; builds on the plugin's own fixture ``app``."""
    app.add_plugins(lander_game)
    app.insert_resource(Keys([]))
    app.frame_seconds = FRAME_SECONDS
    return app


def screen(app: SteppedApp) -> Screen:
    return app.world.resource(State[Screen]).get()


def test_it_begins_in_the_menu_without_a_lander(app: SteppedApp) -> None:
    app.update()
    assert screen(app) is Screen.MENU
    assert app.world.query(Lander) == []


def test_s_starts_a_flight_and_its_end_clears_the_lander_away(app: SteppedApp, run_until: RunUntil) -> None:
    app.world.resource(Keys).waiting += ["s", "."]
    run_until(lambda: app.world.query(Lander), max_frames=3)
    run_until(lambda: screen(app) is Screen.MENU, max_frames=100)
    assert app.world.query(Lander) == []


def test_without_fuel_burnt_it_arrives_at_the_speed_of_a_fall(
    app: SteppedApp, run_until: RunUntil, capture_events: CaptureEvents
) -> None:
    landed = capture_events(Landed)
    app.world.resource(Keys).waiting += ["s", "."]
    run_until(lambda: landed, max_frames=100)
    assert landed[0].speed == pytest.approx(-((2 * 1.6 * 20.0) ** 0.5), abs=0.2)  # v² = 2gh


@pytest.mark.parametrize(("burns_for", "softly"), [(22, True), (15, False)])
def test_it_lands_softly_if_it_burns_long_enough(
    app: SteppedApp, run_until: RunUntil, capture_events: CaptureEvents, burns_for: int, softly: bool
) -> None:
    landed = capture_events(Landed)
    app.world.resource(Keys).waiting += ["s", *"." * 38, *"^" * burns_for, "."]
    run_until(lambda: landed, max_frames=300)
    assert (landed[0].speed > SOFT) is softly
