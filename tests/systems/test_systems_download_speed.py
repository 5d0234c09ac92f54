"""A speed and a time left that a person can read: no jitter, nothing that goes back."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta

import pytest

from ecs_localai import App, InstallationPhase, InstallationProgress
from ecs_localai.systems.installation_progress import InstallationRun, SpeedMeter
from ecs_localai.systems.installation_report import InstallationReport

TOTAL = 5_000_000_000


def run_of(app: App) -> InstallationRun:
    """A run that begins at zero."""
    return InstallationRun(app.tasks.channel(), app.tasks.channel(), 0.0)


def report(done: int, transferred: int, back: int = 0) -> InstallationReport:
    """A report of a download."""
    return InstallationReport(
        InstallationPhase.DOWNLOADING,
        done,
        TOTAL,
        rolled_back_bytes=back,
        fraction=done / TOTAL,
        transferred_bytes=transferred,
    )


@pytest.mark.parametrize("unsteadiness", [0.0, 0.5, 1.0])
def test_the_time_left_does_not_jitter_where_the_line_does(unsteadiness: float) -> None:
    """Sixteen lines a second, each with up to double the bytes or none: the end is told at about the same moment."""
    chance = random.Random(7)
    with App() as app:
        run, progress = run_of(app), InstallationProgress()
        now, done, ends = 0.0, 0, []
        while done < TOTAL // 2:
            now += 1 / 16
            done += int(1_000_000 * (1 + unsteadiness * chance.uniform(-1, 1)))
            progress, _ = run.advance(progress, report(done, done), now)
            if now > 20 and progress.eta is not None:
                ends.append(now + progress.eta.total_seconds())
    true_end = TOTAL / 16e6
    assert ends
    assert all(abs(end - true_end) < 0.1 * true_end for end in ends)
    assert max(abs(later - former) for former, later in itertools.pairwise(ends)) < 0.02 * true_end


def test_before_a_second_has_gone_nobody_can_tell_how_long_it_takes() -> None:
    with App() as app:
        run, progress = run_of(app), InstallationProgress()
        for number in range(1, 16):
            progress, _ = run.advance(progress, report(number * 1000, number * 1000), number / 16)
            assert progress.eta is None
        progress, _ = run.advance(progress, report(20_000, 20_000), 1.3)
        assert progress.eta is not None


def test_what_is_fetched_again_counts_for_the_speed_and_the_time_and_not_for_the_bar() -> None:
    with App() as app:
        run, progress = run_of(app), InstallationProgress()
        for second in range(1, 11):
            progress, _ = run.advance(progress, report(second * 10_000_000, second * 10_000_000), float(second))
        assert progress.bytes_downloaded == 100_000_000
        progress, _ = run.advance(progress, report(100_000_000, 110_000_000, back=90_000_000), 11.0)
        assert progress.bytes_downloaded == 100_000_000
        assert progress.rolled_back_bytes == 90_000_000
        assert progress.download_speed == pytest.approx(10_000_000, rel=0.2)
        left = TOTAL - 10_000_000
        assert progress.eta is not None
        assert progress.eta / timedelta(seconds=left / 10_000_000) == pytest.approx(1, rel=0.2)
        progress, _ = run.advance(progress, report(100_000_000, 150_000_000, back=50_000_000), 15.0)
        assert (progress.bytes_downloaded, progress.rolled_back_bytes) == (100_000_000, 50_000_000)


def test_another_run_goes_on_from_what_was_there() -> None:
    """After a pause: what the host says it has again is no speed, and what it has lost is told apart."""
    before = InstallationProgress(2_000_000_000, TOTAL)
    with App() as app:
        run = run_of(app)
        progress, _ = run.advance(before, InstallationReport(InstallationPhase.DOWNLOADING, 0, TOTAL), 0.1)
        assert (progress.bytes_downloaded, progress.rolled_back_bytes) == (2_000_000_000, 0)
        progress, _ = run.advance(progress, report(500_000_000, 0), 0.2)
        assert (progress.bytes_downloaded, progress.rolled_back_bytes) == (2_000_000_000, 1_500_000_000)
        assert progress.download_speed == 0


def test_a_meter_that_is_fed_often_is_as_steady_as_one_that_is_not() -> None:
    often, seldom = SpeedMeter(), SpeedMeter()
    for number in range(1, 601):
        often.update(number / 60, number * 1_000_000)
        if number % 30 == 0:
            seldom.update(number / 60, number * 1_000_000)
    assert often.speed == pytest.approx(60_000_000, rel=0.01)
    assert seldom.speed == pytest.approx(60_000_000, rel=0.01)
