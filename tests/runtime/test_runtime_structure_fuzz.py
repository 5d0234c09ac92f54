"""Structural changes of every kind in any order: every query shows what plain esper and a dictionary say is there.

Changes come from the world's own methods, from commands, and from a host that uses plain esper, in systems, in the
host's processors and between frames. Queries are kept by systems, asked of the world, and iterated meanwhile; systems
look at what is new, changed and removed, and observers are told of everything. ``ECS_LOCALAI_FUZZ=50`` runs fifty
times as many.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.runtime.fuzz_ground import STRUCTURAL, Step
from tests.runtime.fuzz_parts import FACTOR, SIGNATURES, random_signature
from tests.runtime.fuzz_queued import QUEUED
from tests.runtime.fuzz_walk import Walk

pytestmark = pytest.mark.timeout(120 * FACTOR)

LOOKING = ("hold", "go_on", "spoil", "host_reads", "check")
SMALL = (*STRUCTURAL, *LOOKING)


def random_step(random: Random, names: tuple[str, ...], depth: int = 2) -> Step:
    """Any step; those with steps inside have small ones at the depth of 0."""
    name = random.choice(names)
    inside: tuple[Step, ...] = ()
    host: tuple[Step, ...] = ()
    if depth:
        if name == "frame":
            inside = random_steps(random, (*SMALL, *QUEUED, "later", "iterate"), 6, depth - 1)
            host = random_steps(random, SMALL, 3, depth - 1)
        elif name in ("iterate", "later"):
            inside = random_steps(random, (*SMALL, *QUEUED, "iterate", "later"), 4, depth - 1)
    return Step(name, random.randrange(1024), random.randrange(16), random.randrange(4), inside, host)


def random_steps(random: Random, names: tuple[str, ...], most: int, depth: int) -> tuple[Step, ...]:
    """Up to so many steps."""
    return tuple(random_step(random, names, depth) for _ in range(random.randint(0, most)))


def any_step(names: tuple[str, ...]) -> st.SearchStrategy[Step]:
    """Any step with nothing inside, which hypothesis can make simpler."""
    return st.builds(Step, st.sampled_from(names), st.integers(0, 1023), st.integers(0, 15), st.integers(0, 3))


def with_inside(name: str, inside: st.SearchStrategy[Step], most_by_host: int = 0) -> st.SearchStrategy[Step]:
    """A step with others inside."""
    return st.builds(
        Step,
        st.just(name),
        st.integers(0, 1023),
        st.integers(0, 15),
        st.integers(0, 3),
        st.lists(inside, max_size=5).map(tuple),
        st.lists(small, max_size=most_by_host).map(tuple),
    )


small = any_step(SMALL)
iterate = with_inside("iterate", small)
in_a_system = any_step((*SMALL, *QUEUED)) | iterate | with_inside("later", any_step((*SMALL, *QUEUED)))
between_frames = small | iterate | with_inside("frame", in_a_system, 2) | any_step(("stay", "watcher"))


@pytest.mark.parametrize("hosted", [False, True], ids=["own world", "host's world"])
@pytest.mark.parametrize("check_always", [True, False], ids=["always looking", "seldom looking"])
@given(steps=st.lists(between_frames, max_size=25), observed=st.booleans())
@settings(
    max_examples=60 * FACTOR, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_few_changes_of_any_kind(hosted: bool, check_always: bool, steps: list[Step], observed: bool) -> None:
    with Walk(hosted=hosted, observed=observed, check_always=check_always) as walk:
        walk.walk(steps)


@pytest.mark.parametrize("hosted", [False, True], ids=["own world", "host's world"])
@pytest.mark.parametrize("check_always", [True, False], ids=["always looking", "seldom looking"])
@pytest.mark.parametrize("seed", range(4 * FACTOR))
def test_long_walk(hosted: bool, check_always: bool, seed: int) -> None:
    random = Random(seed)
    signatures = (*SIGNATURES, *(random_signature(random) for _ in range(6)))
    names = (*SMALL, *["frame"] * 8, "iterate", "iterate", "stay", "watcher")
    steps = [random_step(random, names) for _ in range(300 if check_always else 1500)]
    with Walk(hosted=hosted, observed=seed % 2 == 1, check_always=check_always, signatures=signatures) as walk:
        walk.walk(steps)
