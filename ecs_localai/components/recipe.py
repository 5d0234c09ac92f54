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
    """Paths of local GGUF files: one part of a split one brings all of them; and its projector. Or a folder."""
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
    renderer: str = ""
    """What turns a conversation into a prompt instead of the template (Ollama since 0.12); empty: as usual."""
    parser: str = ""
    """What reads the model's answers; empty: as usual."""
    requires: str = ""
    """The lowest version of Ollama that can run it, such as ``0.14.0``; empty: any."""
    replace: bool = False
    """Whether a model of the same name may be overwritten; otherwise it is an error that there is one."""

    def __post_init__(self) -> None:
        if bool(self.source) == bool(self.files):
            raise ValueError("A model is made either from another model or from files: name one of them.")
