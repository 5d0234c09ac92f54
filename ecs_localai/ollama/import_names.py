"""Names for models that come from files: made from what a file says of itself, valid, and free."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from .gguf_shards import shard_of
from .names import ModelName, name_key, parse_model_name

__all__ = ["free_name", "suggested_name"]

_LONGEST: Final = 72
"""A model's part of a name may have 80 characters; a number may have to be added."""
_NOT_ALLOWED: Final = re.compile(r"[^a-z0-9_.-]+")
_WEIGHTS: Final = re.compile(r"\.(gguf|safetensors|modelfile|bin)$", re.IGNORECASE)
_SAYS_NOTHING: Final = re.compile(
    r"(?:ggml[-_.]?)?model|modelfile|unknown|untitled|unnamed|none|null|tmp|temp|out|output|converted|merged|main|llm"
    r"|download(?:s)?|blobs|snapshots|home|root|hf|weights|gguf"
    r"|(?:sha256[-_])?[0-9a-f]{32,64}"
)
"""What converters and downloads call a thing that nobody has named."""


def suggested_name(candidates: Iterable[str | Path]) -> str:
    """A model name out of the first of these that says something: what a file calls itself, paths."""
    for candidate in candidates:
        slug = _slug(_stem(candidate) if isinstance(candidate, Path) else candidate)
        if slug and not _SAYS_NOTHING.fullmatch(slug) and re.search(r"[a-z]", slug):
            return slug
    return "model"


def free_name(wanted: str, taken: Collection[str]) -> ModelName:
    """The name, or with a number behind it the first that is not taken. Raises InvalidModelName."""
    keys = {name_key(there) for there in taken}
    name, number = parse_model_name(wanted), 1
    while name.key in keys:
        number += 1
        model, separator, tag = wanted.partition(":")
        name = parse_model_name(f"{model}-{number}{separator}{tag}")
    return name


def _stem(path: Path) -> str:
    shard = shard_of(path)
    return shard.prefix if shard is not None else _WEIGHTS.sub("", path.name)


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"-{2,}", "-", _NOT_ALLOWED.sub("-", plain))
    return slug[:_LONGEST].strip("-._")
