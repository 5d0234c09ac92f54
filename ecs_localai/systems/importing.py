"""MODEL_MANAGEMENT: turns local files, and recipes, into requests to install the models that they make."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from ecs_localai.components.events import UIUpdateEvent, UIUpdateKind
from ecs_localai.components.installation import InstallationPhase, ModelInstallation, ModelInstallRequest
from ecs_localai.components.panel_intents import CreateModelRequested, ImportModelRequested
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.ollama.errors import InvalidModelName, OllamaError
from ecs_localai.ollama.import_names import free_name
from ecs_localai.ollama.local_paths import local_path
from ecs_localai.ollama.names import ModelName, name_key, parse_model_name
from ecs_localai.runtime import EventReader, EventWriter, IoTaskPool, Res, Task, World
from ecs_localai.systems.host_entries import HostListError, ListedHost
from ecs_localai.systems.host_list import OllamaHosts
from ecs_localai.systems.import_look import ImportLook, look_at_import
from ecs_localai.systems.links import settle

_GONE: Final = frozenset({InstallationPhase.FAILED, InstallationPhase.CANCELLED})
"""A model whose installation has ended otherwise may be there before the host is asked again which it has."""


class Imports:
    """The files that are being looked at. A resource."""

    def __init__(self) -> None:
        self.looking: list[tuple[ImportModelRequested, Task[ImportLook]]] = []


class ImportRefused(ValueError):
    """A model cannot be made under this name. The message is a sentence that says what to do."""


def import_models(
    imports: EventReader[ImportModelRequested],
    recipes: EventReader[CreateModelRequested],
    listed: Res[OllamaHosts],
    tasks: Res[IoTaskPool],
    files: Res[Imports],
    world: World,
    ui: EventWriter[UIUpdateEvent],
) -> None:
    """Look at files in the background; spawn a `ModelInstallRequest` for each model that can be made.

    What cannot be is told in a notice. No model is overwritten, unless its recipe says so.
    """
    for request in imports.read():
        files.looking.append((request, tasks.spawn(_look(request.paths), "look at files to import")))
    for wanted in recipes.read():
        _try_to_ask(world, ui, listed, wanted)
    if not files.looking or not tasks.arrived:
        return
    done = [one for one in files.looking if one[1].is_finished()]
    files.looking = [one for one in files.looking if one not in done]
    for request, task in done:
        looked = settle(task)
        if isinstance(looked, OllamaError):
            _notice(ui, looked.message)
        elif looked is not None:
            for note in looked.notes:
                _notice(ui, note)
            _try_to_ask(world, ui, listed, request, looked)


async def _look(paths: list[str]) -> ImportLook:
    import asyncio  # in the background: a first frame need not wait for it

    return await asyncio.to_thread(look_at_import, paths)


def _try_to_ask(
    world: World,
    ui: EventWriter[UIUpdateEvent],
    listed: OllamaHosts,
    request: ImportModelRequested | CreateModelRequested,
    looked: ImportLook | None = None,
) -> None:
    try:
        one = listed.require_ollama(request.host)
        taken = names_taken(world, one)
        recipe = _recipe_of(request, looked)
        if looked is not None and not request.model_name.strip():
            name = free_name(looked.name, taken)
        else:
            name = parse_model_name(request.model_name)
            if not recipe.replace:
                refuse_taken_name(name, taken)
        world.spawn(ModelInstallRequest(name.short, host=one.base_url, recipe=recipe))
    except (InvalidModelName, HostListError, ImportRefused) as error:
        _notice(ui, str(error))


def _recipe_of(request: ImportModelRequested | CreateModelRequested, looked: ImportLook | None) -> ModelRecipe:
    """Its files with whole paths: another program may go on with it, from another folder."""
    recipe = looked.recipe if looked is not None else None
    if recipe is None and isinstance(request, CreateModelRequested):
        recipe = request.recipe
    if recipe is None:
        raise ImportRefused("There is nothing to make a model from; name its files.")
    return msgspec.structs.replace(
        recipe,
        files=[str(local_path(path).absolute()) for path in recipe.files],
        adapters=[str(local_path(path).absolute()) for path in recipe.adapters],
    )


def names_taken(world: World, one: ListedHost) -> list[str]:
    """The names of a host's models, and of those that are asked for or being installed there."""
    taken = list(one.models.installed)
    taken += [
        installation.model_name
        for _, installation in world.query(ModelInstallation)
        if installation.host == one.base_url and installation.status.kind not in _GONE
    ]
    hosts = {one.base_url, one.host.name, *([""] if one.is_default else [])}
    return taken + [request.model_name for _, request in world.query(ModelInstallRequest) if request.host in hosts]


def refuse_taken_name(name: ModelName, taken: Collection[str]) -> None:
    """Raises ImportRefused where a model of this name is there, or about to be."""
    for there in taken:
        if name_key(there) == name.key:
            raise ImportRefused(f"There is a model {there} already; choose another name, or remove it first.")


def _notice(ui: EventWriter[UIUpdateEvent], text: str) -> None:
    ui.write(UIUpdateEvent(UIUpdateKind.NOTICE, text=text))
