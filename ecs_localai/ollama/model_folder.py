"""A folder that holds a model as its makers publish it: which of its files make up the model.

The choice is that of Ollama's own command (``filesForModel`` in ``parser/parser.go``, 0.9.3), without the PyTorch files
that its server takes no more (``detectModelTypeFromFiles`` in ``server/create.go``, since 0.5.5).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from .errors import InvalidRequest
from .gguf import NotGguf
from .local_paths import unreadable
from .not_gguf import what_it_is_instead

__all__ = ["files_of_folder"]

_WEIGHTS: Final = (
    ("model*.safetensors", "*/model*.safetensors"), ("consolidated*.safetensors",), ("*.safetensors",), ("*.gguf",),
)  # fmt: skip
_BESIDE: Final = ("*.json", "*/*.json", "chat_template.jinja", "tokenizer.model", "*/tokenizer.model")
_PYTORCH: Final = ("pytorch_model*.bin", "consolidated*.pth", "*.pth")
_LIMIT: Final = 1024
"""As many files as Ollama takes for a model (0.35, ``server/create.go``)."""


def files_of_folder(folder: Path) -> dict[str, Path]:
    """The files that make up the model in a folder, by their names relative to it. It reads the disk.

    Raises:
        NotGguf: there is no model in it that Ollama can take.
        InvalidRequest: it cannot be read.
    """
    try:
        found = _choose(folder)
        for path in found.values():
            if path.suffix == ".safetensors":
                _refuse_pointer(path)
    except OSError as error:
        raise unreadable(folder, error) from error
    if len(found) > _LIMIT:
        raise InvalidRequest(
            f"{folder.name} has {len(found):,} files, and a model has at most 1,024; name the model's."
        )
    return found


def _choose(folder: Path) -> dict[str, Path]:
    for patterns in _WEIGHTS:
        weights = _matching(folder, *patterns[:1])
        if not weights:
            continue
        if next(iter(weights)).endswith(".gguf"):
            return weights
        found = weights | _matching(folder, *patterns, *_BESIDE)
        if "config.json" not in found:
            raise NotGguf(f"{folder.name} has no config.json beside its safetensors files; get all of the model.")
        return found
    if _matching(folder, *_PYTORCH):
        raise NotGguf(f"{folder.name} has PyTorch files, which Ollama cannot take; get the model as GGUF.")
    raise NotGguf(f"There is no model in the folder {folder.name}; it would have GGUF or safetensors files.")


def _matching(folder: Path, *patterns: str) -> dict[str, Path]:
    return {
        path.relative_to(folder).as_posix(): path
        for pattern in patterns
        for path in sorted(folder.glob(pattern))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    }


def _refuse_pointer(path: Path) -> None:
    """A folder that was cloned without Git LFS has small texts where its weights should be."""
    with path.open("rb") as file:
        start = file.read(512)
    if start[8:9] != b"{":
        raise NotGguf(what_it_is_instead(start, path.name).replace("a GGUF file", "weights", 1))
