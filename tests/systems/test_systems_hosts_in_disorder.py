"""A host program that does anything to hosts, at any moment, by chance: whatever it left makes sense in the next frame.

``ECS_LOCALAI_FUZZ=1`` or more makes it longer (``make fuzz``).
"""

from __future__ import annotations

import os
import random

import esper
import pytest

from ecs_localai import (
    ConnectionPool,
    DefaultHost,
    HostHealthMonitor,
    HostListError,
    OllamaAPIClient,
    OllamaConfiguration,
    OllamaHost,
    OllamaHostManager,
    OllamaHosts,
    Update,
    World,
)
from ecs_localai.runtime import Last, PreUpdate
from ecs_localai.systems.host_upkeep import HOST_COMPONENTS
from tests.rig.odd_servers import closed_port
from tests.systems.systems_parts import Driven, config_for

LONG = "ECS_LOCALAI_FUZZ" in os.environ
SEEDS, FRAMES = (range(20), 2000) if LONG else (range(3), 250)
PARTS = (*HOST_COMPONENTS, DefaultHost)


class Disorder:
    """Does things by chance, in the middle of frames with plain esper and between them with `OllamaHosts`."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.is_over = False
        self._ports = [closed_port() for _ in range(8)]
        self._saved: bytes | None = None

    def config(self) -> OllamaConfiguration:
        """One of a few addresses, so that the same one is often used twice."""
        return config_for(self.chance.choice(self._ports))

    def in_a_frame(self, world: World) -> None:
        """A system."""
        if self.is_over:
            return
        with world.active():
            for _ in range(self.chance.randint(0, 3)):
                self._act()

    def _act(self) -> None:
        chance = self.chance
        there = [entity for entity, _ in esper.get_component(OllamaConfiguration) if esper.entity_exists(entity)]
        if not there or chance.random() < 0.25:
            more = [(), (DefaultHost(),), (OllamaHost("The same name"),), (OllamaHostManager(self.config()),)]
            esper.create_entity(self.config(), *chance.choice(more))
            return
        entity = chance.choice(there)
        turn = chance.random()
        if turn < 0.25:
            esper.delete_entity(entity, immediate=chance.random() < 0.5)
        elif turn < 0.7:
            made = [
                self.config(),
                DefaultHost(),
                OllamaHostManager(self.config()),
                ConnectionPool(),
                HostHealthMonitor(),
            ]
            esper.add_component(entity, chance.choice(made))
        elif turn < 0.72:
            esper.clear_database()
        elif kinds := [kind for kind in PARTS if esper.has_component(entity, kind)]:
            esper.remove_component(entity, chance.choice(kinds))

    def between_frames(self, driven: Driven) -> None:
        """What people and programs do with the list, and saving and loading."""
        hosts, chance = driven.app.world.resource(OllamaHosts), self.chance
        listed = hosts.all()
        if not listed or chance.random() < 0.8:
            return
        entity, turn = chance.choice(listed).entity, chance.randrange(7)
        try:
            if turn == 0:
                hosts.add(self.config())
            elif turn == 1:
                hosts.edit(entity, self.config())
            elif turn == 2:
                hosts.remove(entity)
            elif turn == 3:
                hosts.move(entity, chance.randint(-3, 3))
            elif turn == 4:
                hosts.set_default(entity)
            elif turn == 5:
                self._saved = driven.app.save().data
            elif self._saved is not None:
                driven.app.load(self._saved, replace=chance.random() < 0.5)
        except HostListError:
            return


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_a_program_does_leaves_whole_hosts(seed: int) -> None:
    disorder = Disorder(seed)
    with Driven() as driven:
        for schedule in (PreUpdate, Update, Last):
            driven.app.add_systems(schedule, disorder.in_a_frame)
        for _ in range(FRAMES):
            driven.app.wakeups.request_frame()
            driven.update()
            disorder.between_frames(driven)
        disorder.is_over = True
        for _ in range(2):
            driven.app.wakeups.request_frame()
            driven.update()
        world, hosts = driven.app.world, driven.app.world.resource(OllamaHosts)
        listed = hosts.all()
        assert sum(one.is_default for one in listed) == 1
        assert len({one.host.name.casefold() for one in listed}) == len(listed)
        for one in listed:
            assert world.get(one.entity, OllamaConfiguration) is one.manager.host_config
            assert world.get(one.entity, ConnectionPool) is one.manager.connection_pool
            assert world.get(one.entity, HostHealthMonitor) is one.manager.health_monitor
            assert world.get(one.entity, OllamaAPIClient) is one.manager.api_client
            assert one.manager.api_client.base_url == one.base_url
        driven.until(lambda: all(one.health.last_error for one in hosts.all()))  # each has been asked
        assert len(driven.app.wakeups.due_times()) <= 2 * len(listed) + 10  # none is left of former hosts
