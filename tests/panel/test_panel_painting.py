"""Painting only what changed gives the same pixels as painting everything, and nothing costs nothing."""

from __future__ import annotations

import os
import random

import numpy as np
import pygame
import pytest

from ecs_localai.components.panel_view import InstallationRow, Tone
from ecs_localai.panel.painter import merge
from tests.panel.host_samples import few_hosts_view, many_hosts_view, single_view
from tests.panel.install_samples import installing_view
from tests.panel.life_samples import life_hosts_view, life_view
from tests.panel.panel_driver import FRAME, Driver
from tests.panel.panel_samples import connected_view, unreachable_view, wave
from tests.panel.random_person import Person

STEPS = 60


def assert_same_pixels(driver: Driver, said: str) -> None:
    """The surface is what painting everything anew gives."""
    fresh = driver.panel.snapshot()
    painted = pygame.surfarray.pixels3d(driver.surface)
    expected = pygame.surfarray.pixels3d(fresh)
    wrong = np.argwhere((painted != expected).any(axis=2))
    assert not len(wrong), f"after {said}: {len(wrong)} pixels are stale, the first at {wrong[0]}, last at {wrong[-1]}"


def assert_kept_blocks_are_right(driver: Driver, said: str) -> None:
    """Building every block anew, none of them kept from before, gives the same picture."""
    driver.run(1.5)  # until nothing glides any more
    driver.changed()  # and what sweeps is where it belongs now
    chosen = driver.panel.chosen_theme  # the person may have chosen another than the test
    driver.panel.set_theme("dark" if driver.panel.theme_name == "light" else "light")
    driver.panel.set_theme(chosen)
    fresh = pygame.Surface(driver.surface.get_size(), 0, 32)
    driver.panel.paint(fresh)
    different = (pygame.surfarray.pixels3d(fresh) != pygame.surfarray.pixels3d(driver.surface)).any(axis=2)
    where = np.argwhere(different)
    assert not len(where), f"after {said}: a kept block is out of date at {where.min(axis=0)} to {where.max(axis=0)}"
    driver.surface = fresh


VIEWS = (
    unreachable_view, connected_view, few_hosts_view, many_hosts_view, single_view, life_view, life_hosts_view,
    installing_view,
)  # fmt: skip
LOOKS = {
    "1x": ((900, 700), 1.0, "light"),
    "1.5x-narrow-dark": ((520, 600), 1.5, "dark"),
    "2x": ((800, 500), 2.0, "light"),
}
PERSONS = [
    (seed, look)
    for seed in range(len(VIEWS))
    for number, look in enumerate(LOOKS)
    if "ECS_LOCALAI_FUZZ" in os.environ or number != 1 + seed % 2  # each view plain, and in one of the other two looks
]


@pytest.mark.parametrize(("seed", "look"), PERSONS)
def test_incremental_painting_equals_a_full_one_after_any_steps(seed: int, look: str) -> None:
    size, scale, theme = LOOKS[look]
    person = Person(Driver(VIEWS[seed](), size, scale=scale, theme=theme), seed, size)
    for step in range(STEPS):
        person.act()
        assert_same_pixels(person.driver, f"step {step}, {person.said} (seed {seed})")
        if step % 12 == 11:
            assert_kept_blocks_are_right(person.driver, f"step {step} (seed {seed})")


def test_nothing_changed_paints_nothing() -> None:
    view = connected_view()
    view.installations = [row for row in view.installations if row.fraction is not None]
    driver = Driver(view)
    assert driver.paint() == []
    driver.panel.show(view)
    assert driver.paint() == []
    assert not driver.moves()
    assert driver.next_due() is None


def test_a_new_revision_with_the_same_content_paints_nothing() -> None:
    driver = Driver(connected_view())
    driver.paint()
    assert driver.changed() == []


def test_progress_paints_only_its_bar_and_its_words() -> None:
    driver = Driver(connected_view())
    row = driver.view.installations[0]
    row.fraction, row.detail = 0.6, "3.1 of 5.2 GB · 26 MB/s · 2 min left"
    rects = driver.changed()
    block = driver.node("installation:i1").rect
    assert rects
    assert all(block.contains(rect) for rect in rects)
    assert sum(rect.width * rect.height for rect in rects) < block.width * block.height / 3


def test_the_rectangles_returned_hold_everything_that_differs() -> None:
    driver = Driver(connected_view())
    random_ = random.Random(7)
    for _ in range(25):
        before = pygame.surfarray.array3d(driver.surface)
        driver.now += FRAME
        driver.view.gauges[0].history = wave(random_.randint(0, 99), 0, 90)
        driver.view.installations[0].fraction = random_.random()
        driver.view.revision += 1
        driver.panel.show(driver.view)
        driver.panel.handle_event(pygame.event.Event(pygame.MOUSEWHEEL, x=0, y=random_.choice([-1, 0, 1])))
        rects = driver.paint()
        different = (before != pygame.surfarray.pixels3d(driver.surface)).any(axis=2)
        for rect in rects:
            different[rect.x : rect.right, rect.y : rect.bottom] = False
        assert not different.any()


def test_another_surface_gets_everything() -> None:
    driver = Driver(connected_view())
    other = pygame.Surface(driver.surface.get_size(), 0, 32)
    assert driver.panel.paint(other) == [other.get_rect()]


def test_invalidate_paints_everything_again() -> None:
    driver = Driver(connected_view())
    driver.surface.fill((255, 0, 255))
    driver.panel.invalidate()
    assert driver.paint() == [driver.surface.get_rect()]
    assert_same_pixels(driver, "invalidate")


def test_the_window_coming_back_to_its_size_is_painted_again() -> None:
    driver = Driver(connected_view())
    driver.surface.fill((0, 0, 0))  # as SDL does with a window's surface when the size changes
    driver.panel.handle_event(pygame.event.Event(pygame.WINDOWSIZECHANGED, x=900, y=1000))
    driver.paint()
    assert_same_pixels(driver, "a change of size and back")


def test_the_surfaces_size_is_taken_over() -> None:
    driver = Driver(connected_view(), (900, 800))
    driver.surface = pygame.Surface((600, 500), 0, 32)
    driver.paint()
    assert driver.panel.scene().rect.size == (600, 500)
    assert_same_pixels(driver, "a smaller surface")


def test_resizing_and_changing_scale_and_theme_repaints() -> None:
    driver = Driver(connected_view(), (900, 700))
    driver.panel.resize((600, 400), 2.0)
    driver.surface = pygame.Surface((1200, 800), 0, 32)
    driver.paint()
    assert driver.panel.scale == 2.0
    assert_same_pixels(driver, "another scale")
    driver.panel.set_theme("dark")
    assert driver.paint() == [driver.surface.get_rect()]
    assert driver.panel.theme_name == "dark"
    assert_same_pixels(driver, "another theme")


def test_a_toggle_glides_and_then_rests() -> None:
    view = connected_view()
    view.installations.clear()
    driver = Driver(view)
    driver.panel.handle_event(pygame.event.Event(pygame.MOUSEWHEEL, x=0, y=-20))
    driver.run(2.0)
    row = view.features[0].toggles[0]
    row.on = False
    driver.changed()
    frames = 0
    while driver.moves():
        driver.now += FRAME
        for rect in driver.paint():
            assert driver.node("toggle:auto_models").rect.contains(rect)
        frames += 1
    assert 8 <= frames <= 12  # 160 ms at 60 frames a second
    assert driver.next_due() is None
    assert_same_pixels(driver, "the glide")


def test_reduced_motion_neither_glides_nor_sweeps() -> None:
    driver = Driver(connected_view(), reduced_motion=True)
    driver.click("show-all")
    driver.view.features[0].toggles[0].on = False
    driver.changed()
    driver.wheel(-3)
    assert not driver.moves()
    assert driver.paint() == []


def test_a_bar_of_unknown_size_moves_only_while_work_goes_on() -> None:
    view = connected_view()
    view.installations = [InstallationRow("u", "new:1b", "Asking for its size", None)]
    driver = Driver(view)
    assert driver.moves()
    driver.now += 0.2
    assert driver.paint()
    view.installations[0].tone = Tone.NEUTRAL
    driver.changed()
    assert not driver.moves()


def test_merging_covers_everything_with_fewer_rectangles() -> None:
    random_ = random.Random(3)
    for _ in range(200):
        rects = [
            pygame.Rect(random_.randint(0, 90), random_.randint(0, 90), random_.randint(0, 30), random_.randint(0, 30))
            for _ in range(random_.randint(0, 40))
        ]
        merged = merge(rects)
        wanted, covered = np.zeros((130, 130), bool), np.zeros((130, 130), bool)
        for rect in rects:
            wanted[rect.x : rect.right, rect.y : rect.bottom] = True
        for rect in merged:
            covered[rect.x : rect.right, rect.y : rect.bottom] = True
        assert (covered | ~wanted).all()
        assert len(merged) <= max(1, len(rects))
