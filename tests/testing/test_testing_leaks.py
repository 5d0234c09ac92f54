"""What a test leaves behind fails it, by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testing.pytest_child import Outcome, run_pytest

KEPT = """
import asyncio
import socket
import threading

import esper
import pytest

from ecs_localai import App

kept = []
pytestmark = pytest.mark.usefixtures("no_leaks")


"""


def run_leaking(folder: Path, body: str, mark: str = "") -> Outcome:
    """One test with this body."""
    return run_pytest(folder, {"test_it.py": f"{KEPT}{mark}\ndef test_it():\n    {body}\n"})


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("kept.append(socket.socket())", "socket on file descriptor"),
        ("kept.append(App())", "esper world 'ecs-localai'"),
        ("esper.switch_world('nowhere')", "esper world 'nowhere'"),
        ("threading.Thread(target=threading.Event().wait, name='a spinner', daemon=True).start()", "thread a spinner"),
    ],
)
def test_what_is_left_is_named(tmp_path: Path, body: str, named: str) -> None:
    outcome = run_leaking(tmp_path, body)
    assert outcome.code == 1
    assert "The test left behind: " in outcome.text
    assert named in outcome.text


def test_an_app_that_was_not_shut_down_is_named_with_its_tasks(tmp_path: Path) -> None:
    body = (
        "app = App(); kept.append(app); kept.append(app.tasks.spawn(asyncio.Event().wait(), 'a long wait'));"
        "kept.append([app.update() for _ in iter(lambda: bool(app.tasks.task_names), True)])"
    )
    outcome = run_leaking(tmp_path, body)
    assert "background task a long wait; " in outcome.text
    assert "thread ecs-localai-io" in outcome.text
    assert "app.shutdown()" in outcome.text


def test_a_marked_test_may_leave_things(tmp_path: Path) -> None:
    outcome = run_leaking(tmp_path, "kept.append(App())", "@pytest.mark.allow_leaks")
    assert outcome.count("passed") == 1, outcome.text
    assert outcome.code == 0


def test_what_a_wider_fixture_holds_is_no_leak(tmp_path: Path) -> None:
    outcome = run_pytest(
        tmp_path,
        {
            "test_it.py": """
            import socket
            import pytest

            @pytest.fixture(scope="module")
            def server():
                with socket.create_server(("127.0.0.1", 0)) as listening:
                    yield listening

            def test_it(app, server):
                app.update()

            async def wait_a_moment():
                return 1

            def test_background_work_ends_with_the_app(app, run_until):
                task = app.tasks.spawn(wait_a_moment())
                run_until(task.is_finished)
            """
        },
    )
    assert outcome.count("passed") == 2, outcome.text
    assert outcome.code == 0, outcome.text


def test_threads_of_a_coroutine_tests_own_loop_are_no_leak(tmp_path: Path) -> None:
    outcome = run_pytest(
        tmp_path,
        {
            "test_it.py": """
            import asyncio

            async def test_it(app):
                await asyncio.to_thread(int)
                app.update()
            """
        },
        with_others=True,
    )
    assert outcome.count("passed") == 1, outcome.text
    assert outcome.code == 0, outcome.text
