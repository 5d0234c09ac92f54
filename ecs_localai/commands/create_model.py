"""``ecs-localai create``: a model of another one, or of files, with parameters and texts of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ecs_localai.commands.failure import CommandFailed
from ecs_localai.commands.making import MakeOptions, make_models
from ecs_localai.commands.target import Target
from ecs_localai.commands.waiting_note import WaitingNote
from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.ollama.local_paths import local_path
from ecs_localai.ollama.model_parameters import InvalidParameter, parse_parameter_lines
from ecs_localai.ollama.names import parse_model_name
from ecs_localai.systems.import_look import ImportLook, look_at_import, look_at_modelfile

_TEMPLATE_LIMIT = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Changes:
    """What the new model is to have otherwise; empty: as it is."""

    source: str = ""
    """A model's name, or the path of a GGUF file."""
    modelfile: Path | None = None
    system: str = ""
    template: Path | None = None
    parameters: Sequence[str] = ()
    """For example ``temperature=0.2``."""
    quantize: str = ""


def create_model(target: Target, changes: Changes, options: MakeOptions) -> int:
    """Make a model as a Modelfile, or another model, and the changes to that say; returns the exit code.

    Raises:
        CommandFailed: something of that cannot be used, or it was not made.
        OllamaError: the name, the Modelfile or its files cannot be used, or the only host does not answer.
    """
    parse_model_name(options.name)
    with WaitingNote(options.as_json) as note, note.about("Looking at the files"):
        looked = _base(changes)
    return make_models(target, msgspec.structs.replace(looked, recipe=_changed(looked.recipe, changes)), options)


def _base(changes: Changes) -> ImportLook:
    if changes.modelfile is not None:
        return look_at_modelfile(changes.modelfile.absolute())
    path = local_path(changes.source)
    if path.is_file() or (path.is_dir() and "/" in changes.source):
        return look_at_import([str(path)])
    if changes.source.startswith((".", "/", "~")) or path.suffix.lower() == ".gguf":
        raise CommandFailed(f"There is no file {path}; correct what comes after --from.")
    return ImportLook(ModelRecipe(source=parse_model_name(changes.source).short), "")


def _changed(recipe: ModelRecipe, changes: Changes) -> ModelRecipe:
    try:
        parameters = parse_parameter_lines("\n".join(changes.parameters), others=False)
    except InvalidParameter as error:
        raise CommandFailed(str(error)) from error
    return msgspec.structs.replace(
        recipe,
        system=changes.system or recipe.system,
        template=_text(changes.template) if changes.template is not None else recipe.template,
        parameters={**recipe.parameters, **parameters},
        quantize=changes.quantize or recipe.quantize,
    )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_TEMPLATE_LIMIT + 1)
        if len(data) > _TEMPLATE_LIMIT:
            raise CommandFailed(f"{path.name} is too long for a template; give the right file.")
        return data.decode("utf-8-sig")
    except OSError as error:
        raise CommandFailed(f"{path} cannot be read ({(error.strerror or 'unknown').lower()}).") from error
    except UnicodeDecodeError as error:
        raise CommandFailed(f"{path.name} is no text in UTF-8; a template is.") from error
