"""The pytest plugin: the fixtures ``app``, ``run_until``, ``capture_events`` and ``no_leaks``.

A fixture of yours with one of these names replaces ours, as always in pytest; ``-p no:ecs_localai`` leaves all of
them out. Nothing but pytest is imported before a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol, TypeVar

import pytest

if TYPE_CHECKING:
    from ecs_localai.runtime import App
    from ecs_localai.testing.stepped_app import SteppedApp

T = TypeVar("T")
E = TypeVar("E")


class RunUntil(Protocol):
    """The type of the fixture `run_until`."""

    def __call__(
        self, condition: Callable[[], T], max_frames: int = 600, dt: float | None = None, describe: str = ""
    ) -> T:
        """Run frames of the fixture `app` until `condition` returns something true, and return that."""


class CaptureEvents(Protocol):
    """The type of the fixture `capture_events`."""

    def __call__(self, kind: type[E]) -> list[E]:
        """A list that holds every event of this type and grows at the end of every ``app.update()``."""


def pytest_configure(config: pytest.Config) -> None:
    """Make our marker known."""
    config.addinivalue_line(
        "markers", "allow_leaks: the fixtures app and no_leaks of ecs-localai let this test leave things behind"
    )


@pytest.fixture
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves threads, sockets, esper worlds or an app's background tasks behind.

    The fixture `app` asks for it; ask for it yourself where your test makes its own App.
    """
    import esper

    from ecs_localai.testing.leaks import Holdings, left_behind

    before, world = Holdings.now(), esper.current_world
    yield
    if esper.current_world != world and world in esper.list_worlds():
        esper.switch_world(world)
    if request.node.get_closest_marker("allow_leaks") is None and (left := left_behind(before)):
        pytest.fail(
            f"The test left behind: {'; '.join(left)}. Shut down every App that it made (with App() as app: …, or "
            f"app.shutdown()) and close what it opened. If this is meant, mark the test with "
            f"@pytest.mark.allow_leaks.",
            pytrace=False,
        )


@pytest.fixture
def app(no_leaks: None) -> Iterator[SteppedApp]:
    """A fresh app whose clock is moved by hand, shut down afterwards: ``app.update()`` advances 1/60 s.

    The esper world that was active before is active again afterwards. A system that failed fails the test, unless
    the test has taken the failure out of ``app.failures``.
    """
    from ecs_localai.testing.stepped_app import SteppedApp

    with SteppedApp() as app:
        yield app
    if app.failures:
        pytest.fail(
            "\n".join(
                [
                    "Systems failed during the test; if it expected that, let it take them out of app.failures.",
                    *(f"In frame {one.frame}, {one.system} ({one.schedule}):\n{one.traceback}" for one in app.failures),
                ]
            ),
            pytrace=False,
        )


@pytest.fixture
def run_until(app: App) -> RunUntil:
    """Run frames of the fixture `app` until something is the case: ``run_until(lambda: door.is_open)``.

    At most ``max_frames`` frames (600) of ``dt`` seconds (1/60); then the test fails with a sentence.
    """
    from ecs_localai.runtime import App
    from ecs_localai.testing import stepped_app

    _check(app, App, "run_until")
    usual = app.frame_seconds if isinstance(app, stepped_app.SteppedApp) else stepped_app.FRAME_SECONDS

    def run_until(condition: Callable[[], T], max_frames: int = 600, dt: float | None = None, describe: str = "") -> T:
        return stepped_app.run_until(app, condition, max_frames, usual if dt is None else dt, describe)

    return run_until


@pytest.fixture
def capture_events(app: SteppedApp) -> CaptureEvents:
    """Catch events of the fixture `app`: ``deaths = capture_events(Died)`` is a list that grows as frames run."""
    from ecs_localai.testing.stepped_app import SteppedApp

    _check(app, SteppedApp, "capture_events")
    return app.capture_events


def _check(app: object, wanted: type, fixture: str) -> None:
    if not isinstance(app, wanted):
        raise pytest.UsageError(
            f"The fixture {fixture} of ecs-localai needs the fixture app to be an ecs_localai {wanted.__name__}, and "
            f"here it is a {type(app).__name__}. Give your own fixture another name, or let it return one."
        )
