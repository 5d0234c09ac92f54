"""What the tests of requirements share: entities that require models, and what is said of them."""

from __future__ import annotations

from ecs_localai import (
    ModelInstallation,
    ModelInstallRequest,
    RequiredModel,
    RequiredModelLost,
    RequiredModelReady,
    RequirementPhase,
    RequiresModel,
)
from ecs_localai.components.installing_view import RequirementRow
from tests.systems.systems_parts import Driven, assert_clear


def require(driven: Driven, requires: RequiresModel, *others: object) -> int:
    """A new entity that requires a model."""
    return driven.app.world.spawn(requires, *others)


def stands(driven: Driven, entity: int) -> RequiredModel:
    """How an entity's requirement stands; there must be something that says so."""
    found = driven.app.world.get(entity, RequiredModel)
    assert found is not None
    return found


def until_phase(driven: Driven, entity: int, phase: RequirementPhase) -> RequiredModel:
    """Run frames until an entity's requirement stands so. Where it is not met, a clear sentence says why."""

    def now() -> str:
        return f"{phase} of {driven.app.world.get(entity, RequiredModel)}, panel {driven.view.requirements}"

    def is_so() -> bool:
        found = driven.app.world.get(entity, RequiredModel)
        return found is not None and found.phase is phase

    driven.until(is_so, describe=now)
    found = stands(driven, entity)
    if found.is_ready:
        assert found.reason == ""
    else:
        assert_clear(found.reason)
    return found


def row_of(driven: Driven, entity: int) -> RequirementRow:
    """The only row of the panel that is about this entity."""
    [row] = [row for row in driven.view.requirements if entity in row.entities]
    return row


def told(driven: Driven) -> list[tuple[str, int]]:
    """What was told of requirements, in order: ``("ready", entity)`` or ``("lost", entity)``."""
    words: dict[type, str] = {RequiredModelReady: "ready", RequiredModelLost: "lost"}
    return [
        (words[type(event)], event.entity)
        for event in driven.log
        if isinstance(event, RequiredModelReady | RequiredModelLost)
    ]


def requests(driven: Driven) -> int:
    """How many entities ask for an installation."""
    return len(driven.app.world.query(ModelInstallRequest))


def installations_ever(driven: Driven) -> int:
    """How many installations were begun: those that ended, and those in the world that have not."""
    going_on = [one for _, one in driven.app.world.query(ModelInstallation) if not one.status.is_finished]
    return len(driven.manager.installation_history) + len(going_on)


def quiet_frames(driven: Driven, number: int = 30) -> None:
    """Some frames in which something could begin by itself, each with all systems awake."""
    for _ in range(number):
        driven.app.wakeups.request_frame()
        driven.update()
