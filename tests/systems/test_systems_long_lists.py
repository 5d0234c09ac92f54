"""A long list of models is made in the background, and says in the end what is the case."""

from __future__ import annotations

from datetime import UTC, datetime

from ecs_localai import AddHostRequested, OllamaHosts, RemoveHostRequested
from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.models import InstalledModel
from ecs_localai.systems.known_models import KnownModels
from ecs_localai.systems.view_model_list import ModelList
from tests.rig.odd_servers import closed_port
from tests.systems.systems_parts import Driven

MANY = 700
DAY = datetime(2026, 11, 7, tzinfo=UTC)


def give(models: dict[str, InstalledModel], count: int) -> None:
    """Put models into the world, as a host program may."""
    for number in range(count):
        name = f"model-{number:04}:1b"
        models[name] = InstalledModel(name, name, "1b", 1_000_000_000, DAY, digest=f"{number:064}")


def tell(driven: Driven) -> None:
    """Say that something of the models has changed."""
    driven.write(UIUpdateEvent(UIUpdateKind.MODELS_CHANGED))


def names(driven: Driven) -> list[str]:
    """The models on the panel."""
    return [row.name for row in driven.view.models]


def is_done(driven: Driven) -> bool:
    """Whether the panel has been given all that there is."""
    world = driven.app.world
    return not world.resource(ModelList).is_unfinished and not world.resource(KnownModels).is_unfinished


def test_a_short_list_is_made_in_the_frame_in_which_something_changed() -> None:
    with Driven() as driven:
        driven.until(lambda: is_done(driven))
        give(driven.models.installed_models, 12)
        tell(driven)
        driven.update()
        assert len(names(driven)) == 12


def test_what_changes_while_a_long_list_is_made_is_on_the_next_one() -> None:
    with Driven() as driven:
        driven.until(lambda: is_done(driven))
        installed = driven.models.installed_models
        give(installed, MANY)
        tell(driven)
        making = driven.app.world.resource(ModelList)
        driven.until(lambda: making.work.is_in_background)
        del installed["model-0003:1b"]
        installed["model-0005:1b"].size = 2_000_000_000
        tell(driven)
        driven.until(lambda: is_done(driven) and len(names(driven)) == MANY - 1)
        sizes = {row.name: row.size_text for row in driven.view.models}
        assert sizes["model-0005:1b"] == "2 GB"
        assert "model-0003:1b" not in sizes
        assert names(driven) == sorted(installed)


def test_a_list_is_of_one_moment() -> None:
    with Driven() as driven:
        driven.until(lambda: is_done(driven))
        installed = driven.models.installed_models
        give(installed, MANY)
        tell(driven)
        making = driven.app.world.resource(ModelList)
        driven.until(lambda: making.work.is_in_background)
        for model in installed.values():
            model.size = 2_000_000_000  # nobody is told: what is being made is not of this
        driven.until(lambda: len(names(driven)) == MANY)
        assert {row.size_text for row in driven.view.models} == {"1 GB"}


def test_what_did_not_change_keeps_its_row() -> None:
    with Driven() as driven:
        driven.until(lambda: is_done(driven))
        installed = driven.models.installed_models
        give(installed, MANY)
        tell(driven)
        driven.until(lambda: len(names(driven)) == MANY)
        before = {row.name: row for row in driven.view.models}
        installed["model-0100:1b"].family = "llama"
        tell(driven)
        driven.update()
        driven.until(lambda: is_done(driven))
        others = {row.name for row in driven.view.models if row is not before[row.name]}
        assert others == {"model-0100:1b"}


def test_a_long_list_of_several_hosts_is_made_in_the_background_too() -> None:
    with Driven() as driven:
        driven.write(AddHostRequested(f"127.0.0.1:{closed_port()}", "other"))
        hosts = driven.app.world.resource(OllamaHosts)
        driven.until(lambda: len(hosts.all()) == 2 and is_done(driven))
        for one in hosts.all():
            give(one.models.installed, MANY)
        del hosts.all()[1].models.installed["model-0001:1b"]
        tell(driven)
        driven.until(lambda: len(names(driven)) == MANY)
        rows = {row.name: row for row in driven.view.models}
        assert rows["model-0000:1b"].where_text == "On both hosts"
        assert rows["model-0001:1b"].absent_text == "not on other"
        assert driven.view.difference is not None
        driven.write(RemoveHostRequested("other"))
        driven.until(lambda: len(hosts.all()) == 1 and is_done(driven) and driven.view.difference is None)
        assert len(names(driven)) == MANY
        assert {row.where_text for row in driven.view.models} == {""}
