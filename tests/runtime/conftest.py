"""What every test of the runtime gets: an app that must not fail unnoticed, and nothing left behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import esper
import pytest

from ecs_localai.runtime import App, SystemFailed
from tests.rig.waiting import wait_until


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """The active world is the same after a test, and neither a world nor a thread has been added."""
    active, worlds, threads = esper.current_world, set(esper.list_worlds()), set(threading.enumerate())
    yield
    assert esper.current_world == active
    assert set(esper.list_worlds()) <= worlds
    wait_until(lambda: set(threading.enumerate()) <= threads, describe=lambda: f"an end of {threading.enumerate()}")


@pytest.fixture
def failures() -> list[SystemFailed]:
    """What the handler of `app` was told. A test takes out what it expected."""
    return []


@pytest.fixture
def app(failures: list[SystemFailed]) -> Iterator[App]:
    """An app with a world of its own, shut down afterwards; a failure that the test did not expect fails it."""
    with App() as app:
        app.set_error_handler(failures.append)
        yield app
    assert failures == []


@pytest.fixture
def host_world() -> Iterator[str]:
    """A world of somebody else's, active during the test."""
    before = esper.current_world
    name = "somebody's game"
    esper.switch_world(name)
    yield name
    esper.switch_world(before)
    esper.delete_world(name)
