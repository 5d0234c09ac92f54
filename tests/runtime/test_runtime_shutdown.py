"""Shutting down: once, completely, and wherever it is called."""

from __future__ import annotations

import esper
import pytest

from ecs_localai.runtime import App, Update
from tests.rig.leaks import assert_nothing_new, holdings
from tests.rig.waiting import run_frames_until
from tests.runtime.runtime_parts import Broken, Gate, Position, noting


class Plain(esper.Processor):
    """A processor that somebody adds to our world."""

    def process(self, *_args: object) -> None:
        """Do nothing."""


def test_nothing_is_left_of_an_app_that_worked_in_the_background() -> None:
    before, worlds = holdings(), set(esper.list_worlds())
    with App() as app:
        gate = Gate()
        task = app.tasks.spawn(gate.passed(7))
        gate.open(app)
        run_frames_until(app, task.is_finished)
        unfinished = app.tasks.spawn(Gate().passed())
    assert unfinished.is_finished()
    assert_nothing_new(before)
    assert set(esper.list_worlds()) == worlds


def test_with_block_shuts_down_when_it_is_left_by_an_exception() -> None:
    with pytest.raises(Broken), App() as app:
        raise Broken
    assert app.world.name not in esper.list_worlds()


def test_shutting_down_again_does_nothing() -> None:
    app = App()
    app.shutdown()
    app.shutdown()
    assert app.world.name not in esper.list_worlds()


def test_update_after_shutdown_is_an_error_that_says_what_to_do() -> None:
    with App() as app:
        app.update()
    with pytest.raises(RuntimeError, match="has been shut down; make a new one"):
        app.update()


def test_world_is_gone_even_if_it_was_the_active_one() -> None:
    before = esper.current_world
    app = App()
    esper.switch_world(app.world.name)
    esper.add_processor(Plain())
    app.shutdown()
    assert app.world.name not in esper.list_worlds()
    assert esper.current_world == before


def test_world_is_gone_after_a_shutdown_in_the_middle_of_a_with_block() -> None:
    app = App()
    with app.world.active():
        app.world.spawn(Position())
        app.shutdown()
    assert app.world.name not in esper.list_worlds()


def test_name_of_a_world_can_be_used_again_and_the_new_one_is_empty() -> None:
    with App() as first:
        first.world.spawn(Position())
    with App() as second:
        assert second.world.name == first.world.name
        assert second.world.query(Position) == []


def test_system_may_shut_its_app_down_and_the_frame_still_ends() -> None:
    log: list[str] = []
    app = App()
    app.add_systems(Update, noting(log, "before"), app.shutdown, noting(log, "after"))
    app.update()
    assert log == ["before", "after"]
    assert app.world.name not in esper.list_worlds()
    assert app.should_exit() is not None


def test_app_that_was_never_updated_can_be_shut_down() -> None:
    app = App(world="never updated")
    app.shutdown()
    assert esper.current_world == "default"
    assert "never updated" in esper.list_worlds(), "a host's world is the host's to delete"
    esper.delete_world("never updated")
