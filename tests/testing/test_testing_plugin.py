"""The pytest plugin, as a test run of somebody else's sees it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.testing.pytest_child import run_pytest


def test_the_plugin_imports_nothing_heavy() -> None:
    code = (
        "import sys, ecs_localai.testing.plugin\n"
        "heavy = {'esper', 'msgspec', 'aiohttp', 'pygame', 'psutil', 'numpy', 'typer', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_pytest_lists_the_fixtures_with_what_they_are(tmp_path: Path) -> None:
    text = run_pytest(tmp_path, {"test_it.py": ""}, "--fixtures").text
    for fixture in ("app", "run_until", "capture_events", "no_leaks"):
        assert f"\n{fixture} " in text


def test_the_plugin_can_be_left_out(tmp_path: Path) -> None:
    files = {"test_it.py": "def test_it(app): pass\n"}
    outcome = run_pytest(tmp_path, files, "-p", "no:ecs_localai", with_others=True)
    assert "fixture 'app' not found" in outcome.text


def test_the_clock_moves_as_told_and_the_world_is_given_back(tmp_path: Path) -> None:
    outcome = run_pytest(
        tmp_path,
        {
            "test_it.py": """
            import esper
            import pytest

            seen = []

            def test_a_clock(app):
                seen.append(app.world.name)
                app.update()
                assert app.time.delta_seconds == 1 / 60
                app.update(0.25)
                assert app.time.elapsed_seconds == pytest.approx(1 / 60 + 0.25)
                app.update_contained()
                assert app.time.delta_seconds == 1 / 60
                esper.switch_world(app.world.name)

            def test_b_world():
                assert esper.current_world == "default"
                assert seen[0] not in esper.list_worlds()
            """
        },
    )
    assert outcome.count("passed") == 2, outcome.text


def test_run_until_waits_for_background_work_and_says_what_it_waits_for(tmp_path: Path) -> None:
    outcome = run_pytest(
        tmp_path,
        {
            "test_it.py": """
            import asyncio
            import pytest
            from ecs_localai.testing import ConditionNotMet

            async def answer():
                await asyncio.sleep(0.2)
                return 42

            def test_it_arrives(app, run_until):
                task = app.tasks.spawn(answer())
                assert run_until(task.check_ready) == 42

            def test_it_never_comes(app, run_until):
                task = app.tasks.spawn(asyncio.Event().wait(), "wait for ever")
                with pytest.raises(ConditionNotMet, match="in vain for a miracle: not true after 3 frames") as caught:
                    run_until(task.is_finished, max_frames=3, describe="a miracle")
                assert "Still in flight: wait for ever." in str(caught.value)

            def test_without_background_work_frames_are_counted(app, run_until):
                run_until(lambda: app.time.elapsed_seconds >= 60, max_frames=7, dt=10.0)
                assert app.time.frame == 6
            """
        },
    )
    assert outcome.count("passed") == 3, outcome.text


def test_events_are_captured_to_the_end_of_the_frame(tmp_path: Path) -> None:
    outcome = run_pytest(
        tmp_path,
        {
            "test_it.py": """
            from ecs_localai import EventWriter, Last

            class Tick:
                pass

            def tick(ticks: EventWriter[Tick]):
                ticks.write(Tick())

            def test_it(app, capture_events):
                app.add_systems(Last, tick)
                ticks = capture_events(Tick)
                for frame in range(1, 6):
                    app.update()
                    assert len(ticks) == frame
            """
        },
    )
    assert outcome.count("passed") == 1, outcome.text


def test_a_failing_system_fails_the_test(tmp_path: Path) -> None:
    outcome = run_pytest(
        tmp_path,
        {
            "test_it.py": """
            from ecs_localai import Update

            def broken():
                raise ValueError("the wheel came off")

            def test_it(app):
                app.add_systems(Update, broken)
                app.update()
            """
        },
    )
    assert outcome.code == 1
    assert "In frame 1, broken (Update):" in outcome.text
    assert "ValueError: the wheel came off" in outcome.text


def test_a_foreign_app_fixture_is_explained(tmp_path: Path) -> None:
    outcome = run_pytest(
        tmp_path,
        {
            "test_it.py": """
            import pytest

            @pytest.fixture
            def app():
                return object()

            def test_it(app, run_until):
                pass
            """
        },
    )
    assert "needs the fixture app to be an ecs_localai App, and here it is a object" in outcome.text
