"""The other entity-component systems that stand in the table, if they are installed."""

from __future__ import annotations

from benchmarks.particles import Particles
from benchmarks.results import Skipped


def peers(count: int) -> list[Particles]:
    """tcod-ecs and snecs, each with this many particles.

    Raises:
        Skipped: one of them is not installed.
    """
    try:
        from benchmarks.particles_of_peers import SnecsParticles, TcodParticles
    except ImportError as error:
        raise Skipped(f"{error.name} is not installed; pip install 'ecs-localai[bench]'") from None
    return [TcodParticles(count), SnecsParticles(count)]
