"""Measurements where the clock jumps: what is lost is bounded, and nothing is made up."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_localai.store.measurements import Resolution, read
from ecs_localai.store.moments import to_microseconds
from tests.store.measurement_parts import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    START,
    Sample,
    add_all,
    in_plain_python,
    number_of_rows,
    opened,
    same,
    steps,
)


@pytest.mark.parametrize("jump", [DAY, 5 * HOUR + 7 * MINUTE, 400 * DAY])
def test_a_clock_that_jumps_forth_and_back_costs_no_more_than_it_measured(jump: int) -> None:
    """Ten minutes at the wrong time take ten minutes' slots: the hours still say all, and so do all other minutes."""
    wrong_for = 10 * MINUTE
    right: list[Sample] = [(START + step * SECOND, {"a": step % 83.0}) for step in range(0, 30 * 3_600, 3)]
    begin = right[-1][0] + SECOND
    wrong: list[Sample] = [(begin + jump + at, {"a": 1_000.0}) for at in range(0, wrong_for, 3 * SECOND)]
    again: list[Sample] = [(begin + wrong_for + at, {"a": at % 79.0}) for at in range(0, 2 * HOUR, 3 * SECOND)]
    with opened() as connection:
        for part in (right, wrong, again):
            add_all(connection, part)
        now = again[-1][0] + 1
        samples = right + again
        same(read(connection, START, now, Resolution.HOUR), in_plain_python(samples, HOUR))
        since = Resolution.MINUTE.begin(now) - DAY + MINUTE
        expected = in_plain_python([one for one in samples if one[0] >= since], MINUTE)
        found = {to_microseconds(one.at) for one in read(connection, since, now, Resolution.MINUTE)}
        lost = expected.keys() - found
        assert found <= expected.keys()
        assert len(lost) <= wrong_for // MINUTE + 1
        # What was measured at the wrong time is found there, and nowhere else.
        late = read(connection, wrong[0][0], wrong[-1][0] + 1, Resolution.HOUR)
        assert sum(one.series["a"].count for one in late if one.series["a"].maximum == 1_000.0) == len(wrong)


@pytest.mark.parametrize("jump", [DAY, 30 * MINUTE, 5 * HOUR])
def test_a_clock_that_jumps_back_lives_the_time_twice(jump: int) -> None:
    """What is measured again in the same hours is added to them: no hour forgets what it knew."""
    first: list[Sample] = [(START + step * SECOND, {"a": 10.0}) for step in range(0, 26 * 3_600, 3)]
    begin = first[-1][0] - jump
    second: list[Sample] = [(begin + step * SECOND, {"a": 20.0}) for step in range(0, 3_600, 3)]
    back: list[Sample] = [(first[-1][0] + step * SECOND, {"a": 30.0}) for step in range(3_600, 7_200, 3)]
    with opened() as connection:
        for part in (first, second, back):
            add_all(connection, part)
        found = read(connection, START, back[-1][0] + 1, Resolution.HOUR)
        same(found, in_plain_python(first + second + back, HOUR))


wild_steps = steps | st.integers(-3 * DAY, 3 * DAY) | st.sampled_from([-DAY, -HOUR, -MINUTE, -400 * DAY, 400 * DAY])


@settings(max_examples=100, deadline=None)
@given(moves=st.lists(wild_steps, min_size=1, max_size=100))
def test_no_clock_makes_anything_up(moves: list[int]) -> None:
    at = START
    samples: list[Sample] = []
    with opened() as connection:
        for number, move in enumerate(moves):
            at += move
            samples.append((at, {"a": float(number)}))
            add_all(connection, samples[-1:])
        for resolution in Resolution:
            assert number_of_rows(connection, resolution) <= resolution.slots
            expected = in_plain_python(samples, resolution.bucket_us)
            everything = read(connection, START - 50_000 * DAY, START + 50_000 * DAY, resolution)
            for one in everything:
                values = expected[to_microseconds(one.at)]["a"]
                aggregate = one.series["a"]
                assert aggregate.count <= len(values)
                assert {aggregate.minimum, aggregate.maximum} <= set(values)
            newest = read(connection, at, at + 1, resolution)
            assert float(len(moves) - 1) == newest[0].series["a"].maximum


def test_before_1970_and_long_after() -> None:
    for at in (to_microseconds(datetime(1931, 5, 6, tzinfo=UTC)), to_microseconds(datetime(9998, 5, 6, tzinfo=UTC))):
        samples: list[Sample] = [(at + step * SECOND, {"a": float(step)}) for step in range(0, 8_000, 3)]
        with opened() as connection:
            add_all(connection, samples)
            for resolution in (Resolution.MINUTE, Resolution.HOUR):
                found = read(connection, at, samples[-1][0] + 1, resolution)
                same(found, in_plain_python(samples, resolution.bucket_us))
