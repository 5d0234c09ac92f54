"""What a model is made of where it is not downloaded: another model, local files, and what is said about them."""

from __future__ import annotations

import msgspec


class RecipeMessage(msgspec.Struct, frozen=True):
    """One line of the conversation that a model begins with."""

    role: str
    """``system``, ``user`` or ``assistant``."""
    content: str


class ModelRecipe(msgspec.Struct, frozen=True):
    """How a model is made on a host, as a Modelfile says it (Ollama's ``docs/modelfile.md``).

    Either `source` or `files` says what it is made from. Raises `ValueError` where neither or both do.
    """

    source: str = ""
    """The name of a model that the host has, or can get."""
    files: list[str] = []
    """Paths of local GGUF files: all parts of a split one, and its projector."""
    adapters: list[str] = []
    """Paths of local GGUF files."""
    template: str = ""
    """Empty, here and below: as the source has it."""
    system: str = ""
    parameters: dict[str, str | int | float | bool | list[str]] = {}
    """For example ``{"temperature": 0.2, "stop": ["</s>"]}``."""
    licenses: list[str] = []
    messages: list[RecipeMessage] = []
    quantize: str = ""
    """For example ``q4_K_M``; empty: as it is."""

    def __post_init__(self) -> None:
        if bool(self.source) == bool(self.files):
            raise ValueError("A model is made either from another model or from files: name one of them.")
