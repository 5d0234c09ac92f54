"""What a host was asked to make, so that a retry knows it again.

A host, or this program, may end after the model is there and before that is told: Ollama writes a model's manifest, and
only then its last line (0.9.3, ``CreateHandler`` in ``server/create.go``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from ecs_localai.components.recipe import ModelRecipe
from ecs_localai.ollama.errors import InvalidRequest, ModelNotFound, ServerFailure

if TYPE_CHECKING:
    from ecs_localai.ollama.client import OllamaClient
    from ecs_localai.ollama.wire import ShowReply, TagEntry

_BLOB: Final = re.compile(r"^(FROM|ADAPTER) .*[/\\]blobs[/\\]sha256-([0-9a-f]{64})\s*$", re.MULTILINE)


class CreationMark(msgspec.Struct, frozen=True):
    """What a host was asked to make, under a name that was free then. Kept with the installation until that ends."""

    weights: list[str] = []
    """The digests of the files that the model is to consist of, its projector among them, but for its adapters; empty
    where the host makes others of them, or none were to be seen."""
    adapters: list[str] = []
    """The digests of its adapters."""


async def weights_of(client: OllamaClient, name: str) -> list[str]:
    """The digests of the weights of an installed model; empty where its host does not tell, or it runs in the cloud.

    Raises:
        OllamaError: the host does not answer.
    """
    try:
        return _blobs((await client.show(name)).modelfile)[0]
    except (ModelNotFound, InvalidRequest, ServerFailure):
        return []


async def is_what_was_asked_for(
    client: OllamaClient, entry: TagEntry, recipe: ModelRecipe, mark: CreationMark
) -> bool | None:
    """Whether a model that is there now is the one that the host was asked to make; None: it is one without weights.

    Compared is what a host shows of a model: its files, and what the recipe says of it.

    Raises:
        OllamaError: the host does not answer.
    """
    try:
        shown = await client.show(entry.name)
    except (ModelNotFound, InvalidRequest, ServerFailure):
        return None if not entry.is_remote else False
    weights, adapters = _blobs(shown.modelfile)
    if not weights and not entry.is_remote:
        return None
    if mark.weights and not set(weights) <= set(mark.weights):
        return False
    if not set(mark.adapters) <= set(adapters):
        return False
    quantized = entry.details.quantization_level.lower()
    if recipe.quantize and quantized not in {recipe.quantize.lower(), "", "unknown"}:
        return False
    return _says_what(shown, recipe)


def _blobs(modelfile: str) -> tuple[list[str], list[str]]:
    """The digests of the weights, and of the adapters, that ``/api/show`` names by their files (0.9.3)."""
    found: dict[str, list[str]] = {"FROM": [], "ADAPTER": []}
    for command, digest in _BLOB.findall(modelfile):
        found[command].append(f"sha256:{digest}")
    return found["FROM"], found["ADAPTER"]


def _says_what(shown: ShowReply, recipe: ModelRecipe) -> bool:
    """Whether a model says of itself what its recipe does. What the recipe leaves open, its source says."""
    from ecs_localai.ollama.model_parameters import InvalidParameter, read_shown_parameters  # in the background

    if recipe.files and not recipe.system and shown.system:
        return False
    if recipe.system and shown.system.strip() != recipe.system.strip():
        return False
    if recipe.template and shown.template.strip() != recipe.template.strip():
        return False
    messages = [(one.role, one.content) for one in recipe.messages]
    if messages and [(one.role, one.content) for one in shown.messages] != messages:
        return False
    try:
        parameters = read_shown_parameters(shown.parameters)
    except InvalidParameter:  # a host that shows them otherwise: then they tell nothing
        return True
    return all(_plain(parameters.get(key)) == _plain(value) for key, value in recipe.parameters.items())


def _plain(value: str | float | list[str] | None) -> list[str]:
    """A parameter's value, however it is written: ``1`` and ``1.0`` are the same to Ollama."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [
        repr(float(one)) if isinstance(one, int | float) and not isinstance(one, bool) else str(one) for one in values
    ]
