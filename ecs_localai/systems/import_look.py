"""Looking at what is to be imported: GGUF files of one model, a folder, or a Modelfile. For threads and commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.ollama.errors import InvalidRequest
from ecs_localai.ollama.import_names import suggested_name
from ecs_localai.ollama.local_paths import local_path
from ecs_localai.ollama.names import parse_model_name


class ImportLook(msgspec.Struct, frozen=True):
    """What was found out."""

    recipe: ModelRecipe
    name: str
    """A valid name for the model; it may be taken."""
    notes: list[str] = []
    """What was passed over, a sentence each."""
    size: int = 0
    """Of all its files, in bytes."""


def look_at_import(paths: Sequence[str]) -> ImportLook:
    """Find out what these files are, as far as it can be told before they are sent. It reads the disk.

    Raises:
        OllamaError: they are no model; the sentence says what they are.
    """
    given = [local_path(path).absolute() for path in paths]
    if not given:
        raise InvalidRequest("No file is named; name the GGUF file of a model, or a Modelfile.")
    modelfiles = [path for path in given if is_modelfile(path)]
    if modelfiles:
        if len(given) > 1:
            raise InvalidRequest(f"A Modelfile goes alone; give {modelfiles[0].name} without other files.")
        return look_at_modelfile(given[0])
    return _look_at_recipe(ModelRecipe(files=[str(path) for path in given]), [])


def is_modelfile(path: Path) -> bool:
    """Whether a file is a Modelfile, by its name, or by its beginning. It reads the disk."""
    from ecs_localai.ollama.not_gguf import is_modelfile_text

    if not path.is_file():
        return False
    if path.name.lower() == "modelfile" or path.suffix.lower() == ".modelfile":
        return True
    try:
        with path.open("rb") as file:
            return is_modelfile_text(file.read(65_536))
    except OSError:
        return False  # to be told when it is read


def look_at_modelfile(path: Path) -> ImportLook:
    """Read a Modelfile, whatever its name is, and look at the files that it names. It reads the disk.

    Raises:
        OllamaError: it cannot be used; the sentence says where and why.
    """
    from ecs_localai.ollama.modelfile import read_modelfile

    read = read_modelfile(path)
    if read.recipe.files or read.recipe.adapters:
        looked = _look_at_recipe(read.recipe, read.notes)
        if read.recipe.files:
            return looked
    source = parse_model_name(read.recipe.source).model
    name = suggested_name([path, path.parent, f"my-{source}"])
    return ImportLook(read.recipe, name, read.notes)


def _look_at_recipe(recipe: ModelRecipe, notes: list[str]) -> ImportLook:
    from ecs_localai.ollama.model_files import look_at_files

    local = look_at_files(recipe.files, recipe.adapters)
    head = local.main
    first = Path((recipe.files or recipe.adapters)[0])
    name = suggested_name([head.name if head is not None else "", first, first.parent])
    return ImportLook(recipe, name, notes, sum(one.state.size for one in local.all))
