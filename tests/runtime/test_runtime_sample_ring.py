"""Sample rings: the last values, in order, like a deque of fixed length."""

from __future__ import annotations

import math
from collections import deque

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_localai.runtime.diagnostics import HISTORY_LENGTH, SampleRing

SAMPLES = st.lists(st.one_of(st.none(), st.floats(allow_nan=False, width=64)), max_size=60)


@given(capacity=st.integers(1, 12), samples=SAMPLES)
def test_window_is_what_a_deque_of_that_length_holds(capacity: int, samples: list[float | None]) -> None:
    ring = SampleRing(capacity)
    model: deque[float] = deque([math.nan] * capacity, maxlen=capacity)
    for number, sample in enumerate(samples, start=1):
        ring.push(sample)
        model.append(math.nan if sample is None else sample)
        assert ring.window.shape == (capacity,)
        np.testing.assert_array_equal(ring.window, list(model))
        np.testing.assert_array_equal(ring.samples.tolist(), list(model))
        assert ring.newest == sample
        assert ring.count == number


def test_new_ring_is_empty() -> None:
    ring = SampleRing(3)
    assert np.isnan(ring.window).all()
    assert ring.newest is None
    assert ring.count == 0


def test_ring_keeps_as_many_values_as_bevy_unless_told_otherwise() -> None:
    assert HISTORY_LENGTH == 120
    assert SampleRing().window.shape == (120,)


def test_windows_are_contiguous_and_the_same_objects_every_time_round() -> None:
    ring = SampleRing(4)
    first_round = []
    for number in range(4):
        ring.push(number)
        assert ring.window.flags.c_contiguous
        first_round.append(ring.window)
    for number in range(4):
        ring.push(number)
        assert ring.window is first_round[number]


def test_what_could_not_be_measured_is_not_a_number_and_reads_as_none() -> None:
    ring = SampleRing(3)
    ring.push(1.0)
    ring.push(None)
    assert ring.newest is None
    assert math.isnan(ring.window[-1])
    assert ring.window[-2] == 1.0


@pytest.mark.parametrize("capacity", [0, -3])
def test_ring_without_room_is_an_error(capacity: int) -> None:
    with pytest.raises(ValueError, match=f"at least one value, not {capacity}"):
        SampleRing(capacity)
