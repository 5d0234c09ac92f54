"""Models that lie in several files, ``name-00001-of-00003.gguf`` and so on: all of them, wherever one begins.

The pattern is that of llama.cpp's ``llama_split_path`` (``src/llama.cpp``), whose ``gguf-split`` makes such files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from .gguf import NotGguf

__all__ = ["Shard", "shard_of", "whole_sets"]

_PATTERN: Final = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.gguf", re.IGNORECASE)
_LIMIT: Final = 1024
"""As many files as Ollama takes for a model (0.35, ``server/create.go``)."""


class Shard(Struct, frozen=True):
    """What a file's name says of the part that it is."""

    prefix: str
    number: int
    """From 1."""
    count: int


def shard_of(path: Path) -> Shard | None:
    """Which part of a model a file is by its name; None where the name is not that of a part."""
    match = _PATTERN.fullmatch(path.name)
    if match is None:
        return None
    shard = Shard(match[1], int(match[2]), int(match[3]))
    return shard if 1 <= shard.number <= shard.count <= _LIMIT else None


def whole_sets(paths: Sequence[Path]) -> list[Path]:
    """The files, and for each that is a part of a model all its parts, in their order. Each file once.

    It reads the folders: not for the loop or a frame.

    Raises:
        NotGguf: parts are missing; the sentence names them.
    """
    found: dict[Path, None] = {}
    for path in paths:
        shard = shard_of(path)
        if shard is None or shard.count == 1:
            found.setdefault(path)
        elif path not in found:
            found.update(dict.fromkeys(_parts(path, shard)))
    return list(found)


def _parts(path: Path, shard: Shard) -> list[Path]:
    digits = f"-of-{shard.count:05}"
    parts = [
        path.with_name(f"{shard.prefix}-{number:05}{digits}{path.name[-5:]}") for number in range(1, shard.count + 1)
    ]
    missing = [part.name for part in parts if not part.is_file()]
    if missing:
        shown = ", ".join(missing[:2]) + (f" and {len(missing) - 2} more" if len(missing) > 2 else "")
        what = "is" if len(missing) == 1 else "are"
        raise NotGguf(f"{path.name} is one of {shard.count} parts, and {shown} {what} not beside it; get all of them.")
    return parts
