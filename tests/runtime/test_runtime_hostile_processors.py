"""Hosts that take our processors away, put theirs between them, fail there, or call `esper.process` in our systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import esper
import pytest

from ecs_localai.runtime import App, Update, in_set
from ecs_localai.runtime.processors import FrameEnd, FramePart, FrameStart
from tests.runtime.hostile_parts import APART, BETWEEN_ONE_AND_TWO, INSIDE, STEP, WAYS, Guest, HostProcessor, guest_in
from tests.runtime.runtime_parts import Broken, One, Shown, Three, Two, noting

OURS: tuple[type[FramePart], ...] = (FrameStart, One, Two, Three, FrameEnd)
BEFORE_OURS = 2000
GONE = "The app's processors were gone from the esper world"


class Fails(esper.Processor):
    """A plain processor that always fails, with the same exception."""

    def __init__(self) -> None:
        self.error = Broken("the host's own")

    def process(self, *_args: object) -> None:
        """Fail."""
        raise self.error


class Early(HostProcessor):
    """Another class: esper knows processors by their class."""


class OneShot(esper.Processor):
    """Does its work once and takes itself out, which makes esper pass over the processor that comes after it."""

    def process(self, *_args: object) -> None:
        """Go."""
        esper.remove_processor(OneShot)


class Nests(esper.Processor):
    """A plain processor that calls `esper.process`, once."""

    def __init__(self) -> None:
        self.has_called = False

    def process(self, *_args: object) -> None:
        """Call it."""
        if not self.has_called:
            self.has_called = True
            esper.process(STEP)


@pytest.fixture(params=WAYS)
def guest(request: pytest.FixtureRequest, host_world: str) -> Iterator[Guest]:
    """A guest in each of the three ways."""
    with guest_in(host_world, request.param) as guest:
        yield guest


@pytest.fixture(params=APART)
def apart(request: pytest.FixtureRequest, host_world: str) -> Iterator[Guest]:
    """A guest in a world of its own."""
    with guest_in(host_world, request.param) as guest:
        yield guest


@pytest.fixture
def inside(host_world: str) -> Iterator[Guest]:
    """A guest in the host's own world."""
    with guest_in(host_world, INSIDE) as guest:
        yield guest


def messages(guest: Guest) -> list[str]:
    """What was reported."""
    return [failure.message for failure in guest.failures]


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("moment", ["between frames", "between sets", "in a system"])
def test_host_that_removes_one_of_our_processors(guest: Guest, moment: str, kind: type[FramePart]) -> None:
    """It is put back, and the host is told. In the frame from which it was taken, its part may be missing."""

    def remove() -> None:
        esper.remove_processor(kind)

    if moment == "between frames":
        with guest.app.world.active():
            remove()
    elif moment == "between sets":
        guest.act.wanted = remove
    else:
        guest.in_system = remove
    guest.frame()
    guest.spawn()
    guest.frame()
    assert [message[: len(GONE)] for message in messages(guest)] == [GONE]
    with guest.app.world.active():
        assert all(esper.get_processor(one) is not None for one in OURS)
    guest.assert_alive()


def test_processor_that_was_removed_in_a_world_where_nothing_happens_is_put_back_soon(guest: Guest) -> None:
    log: list[str] = []
    guest.app.add_systems(Update, in_set(Shown.TWO, noting(log, "moves in every frame")))
    guest.frame()
    with guest.app.world.active():
        esper.remove_processor(Two)
    log.clear()
    for _ in range(20):
        guest.frame()
    assert log
    guest.assert_alive()


def test_all_our_processors_removed_in_a_world_of_our_own_are_put_back(apart: Guest) -> None:
    with apart.app.world.active():
        for kind in OURS:
            esper.remove_processor(kind)
    apart.frame()
    assert [message[: len(GONE)] for message in messages(apart)] == [GONE]
    apart.assert_alive()


def test_all_our_processors_removed_in_the_hosts_world_run_with_update_only(inside: Guest) -> None:
    """Esper calls nothing of ours then, so the host's frame is free of us; and nobody can notice."""
    for kind in OURS:
        esper.remove_processor(kind)
    frames = inside.app.time.frame
    inside.frame()
    assert inside.app.time.frame == frames
    assert inside.host.worlds[-1] == inside.host_world
    inside.app.update(STEP)
    inside.app.update(STEP)
    assert inside.app.time.frame == frames + 2
    assert inside.looks[-1].place == "after"


@pytest.mark.parametrize("priority", [BEFORE_OURS, BETWEEN_ONE_AND_TWO - 1, 0])
@pytest.mark.parametrize("moment", ["between sets", "in a system"])
def test_host_that_adds_a_processor_while_processing(guest: Guest, moment: str, priority: int) -> None:
    early = Early()

    def add() -> None:
        esper.add_processor(early, priority)

    if moment == "between sets":
        guest.act.wanted = add
    else:
        guest.in_system = add
    guest.frame()
    guest.frame()
    assert early.worlds[-1] == guest.app.world.name
    assert messages(guest) == []
    guest.assert_alive()


@pytest.mark.parametrize("priority", [BEFORE_OURS, BETWEEN_ONE_AND_TWO])
def test_host_that_takes_its_processor_out_while_processing(guest: Guest, priority: int) -> None:
    """Esper 3.9 then passes over the next processor, which may be one of ours."""
    with guest.app.world.active():
        esper.add_processor(OneShot(), priority)
    guest.frame()
    assert messages(guest) == []
    guest.assert_alive()


def test_plain_processor_that_fails_between_ours_in_a_world_of_our_own_keeps_no_set_from_running(apart: Guest) -> None:
    with apart.app.world.active():
        esper.add_processor(Fails(), BETWEEN_ONE_AND_TWO)
    for _ in range(3):
        apart.forget()
        apart.frame()
        assert esper.current_world == apart.host_world
    assert [look.place for look in apart.looks] == ["one", "two", "three", "after"], "from the second time on"
    assert {failure.message for failure in apart.failures} == {"the host's own"}
    with apart.app.world.active():
        esper.remove_processor(Fails)
    apart.assert_alive()


def test_processor_that_fails_between_ours_in_the_hosts_world_fails_as_without_us(inside: Guest) -> None:
    """The host gets its own exception; what it kept us from is made up for at the beginning of the next frame."""
    fails = Fails()
    esper.add_processor(fails, BETWEEN_ONE_AND_TWO)
    for _ in range(4):
        inside.forget()
        with pytest.raises(Broken) as caught:
            inside.frame()
        assert caught.value is fails.error
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
    assert [look.place for look in inside.looks] == ["two", "three", "after", "one"]
    assert messages(inside) == []
    esper.remove_processor(Fails)
    inside.frame()
    inside.assert_alive()


def test_host_that_switches_worlds_in_a_processor_before_ours(guest: Guest) -> None:
    class Leaves(esper.Processor):
        def process(self, *_args: object) -> None:
            esper.switch_world("default")

    with guest.app.world.active():
        esper.add_processor(Leaves(), BEFORE_OURS)
    guest.frame()
    guest.frame()
    assert len(messages(guest)) == 2
    assert "What ran before the frame's beginning" in messages(guest)[0]
    assert {look.world for look in guest.looks} == {guest.app.world.name}
    with guest.app.world.active():
        esper.remove_processor(Leaves)
    guest.assert_alive()


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("call", [esper.process, esper.timed_process], ids=["process", "timed_process"])
def test_system_that_calls_esper_process_fails_alone(guest: Guest, call: Callable[[], None], timed: bool) -> None:
    guest.app.set_timing(timed)

    def nest() -> None:
        call()

    frames = guest.app.time.frame
    guest.forget()
    guest.in_system = nest
    guest.frame()
    [failure] = guest.failures
    assert failure.error_type == "NestedUpdateError"
    assert "from inside one of the app's own systems" in failure.message
    assert failure.system.endswith("do_in_system")
    assert guest.app.time.frame == frames + 1
    assert [look.place for look in guest.looks] == ["one", "two", "three", "after"]
    guest.assert_alive()


def test_system_that_calls_update_fails_alone(guest: Guest) -> None:
    frames = guest.app.time.frame
    guest.in_system = guest.app.update
    guest.frame()
    [failure] = guest.failures
    assert failure.error_type == "NestedUpdateError"
    assert guest.app.time.frame == frames + 1
    guest.assert_alive()


def test_processor_between_ours_that_calls_esper_process(guest: Guest) -> None:
    """Plain esper allows it, and so it is another frame of ours."""
    frames = guest.app.time.frame
    with guest.app.world.active():
        esper.add_processor(Nests(), BETWEEN_ONE_AND_TWO)
    guest.frame()
    assert guest.app.time.frame >= frames + 2
    assert messages(guest) == []
    guest.assert_alive()
    with guest.app.world.active():
        esper.remove_processor(Nests)


def test_update_while_an_exception_of_the_host_is_pending(guest: Guest) -> None:
    """A host may step us in its clean-up; its exception goes on, as it was."""
    error = Broken("the host's own")

    def step_us_in_the_clean_up() -> None:
        try:
            raise error
        finally:
            guest.in_handler = esper.clear_database  # called because a system of ours fails
            guest.app.update(STEP)

    with pytest.raises(Broken) as caught:
        step_us_in_the_clean_up()
    assert caught.value is error
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert messages(guest) == ["so that the error handler is called"]
    guest.frame()
    guest.assert_alive()


def test_interrupt_in_the_middle_of_our_frame_reaches_the_host_and_frames_go_on(guest: Guest) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    guest.in_system = interrupt
    with pytest.raises(KeyboardInterrupt):
        guest.frame()
    assert esper.current_world == guest.host_world
    guest.frame()  # begins with what is left of the other
    assert messages(guest) == []
    guest.assert_alive()


def test_missing_entity_that_the_host_deletes_is_told_once_and_keeps_no_system_from_running(guest: Guest) -> None:
    """Esper 3.9 raises in every later `process` of that world; its own frame is the host's."""
    with guest.app.world.active():
        esper.delete_entity(4711)
    for _ in range(3):
        guest.forget()
        if guest.way == INSIDE:
            with pytest.raises(KeyError):
                guest.frame()
            guest.app.update(STEP)
        else:
            guest.frame()
        assert [look.place for look in guest.looks] == ["one", "two", "three", "after"]
    if guest.way == INSIDE:
        assert messages(guest) == []
    else:
        [message] = messages(guest)
        assert "esper.delete_entity was called for entity 4711, which did not exist" in message
    with guest.app.world.active():
        esper.clear_database()
    guest.frame()
    guest.assert_alive()


def test_two_apps_in_two_worlds_of_a_host_do_not_disturb_each_other(guest: Guest) -> None:
    with App(world="the host's second world") as second:
        log: list[str] = []
        second.add_systems(Update, noting(log, "second"))
        guest.in_system = lambda: second.update(STEP)
        guest.frame()
        assert log == ["second"]
        assert messages(guest) == []
        guest.assert_alive()
    esper.delete_world("the host's second world")
